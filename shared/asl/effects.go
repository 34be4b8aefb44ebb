package asl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
)

// hold takes hold of an execution's handle, so that it stays in memory.
func (e *Engine) hold(name string) (*handle, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, ErrClosed
	}
	h := e.live[name]
	if h == nil {
		h = &handle{}
		e.live[name] = h
	}
	h.users++
	e.busy++
	return h, nil
}

// release lets go of a handle. An execution that waits for nothing but a token or
// a timer leaves memory; it is folded from its events when that comes.
func (e *Engine) release(name string, h *handle) {
	e.mu.Lock()
	defer e.mu.Unlock()
	h.users--
	if h.users == 0 && (h.x == nil || !h.x.calling()) {
		delete(e.live, name)
	}
	e.free()
}

// free counts one thing less under way; the lock is held.
func (e *Engine) free() {
	if e.busy--; e.busy == 0 {
		e.idle.Broadcast()
	}
}

// committer is the one writer: it takes what has come meanwhile as one group.
func (e *Engine) committer() {
	defer e.ended.Done()
	for first := range e.commits {
		group := []*commit{first}
	more:
		for len(group) < 256 {
			select {
			case c, ok := <-e.commits:
				if !ok {
					break more
				}
				group = append(group, c)
			default:
				break more
			}
		}
		if err := e.record.append(group); err != nil {
			e.c.Fatal(fmt.Errorf("couldn't commit: %w", err))
			return
		}
		for _, c := range group {
			c.after()
			close(c.done)
		}
	}
}

// call is one invocation to make.
type call struct {
	ref      int64
	function string
	payload  json.RawMessage
}

// prepare reads the calls out of the execution while its lock is held.
func prepare(r *run) []call {
	var calls []call
	for ref, token := range r.dispatch {
		f := r.waiting(ref)
		if f == nil {
			continue
		}
		arguments := bytes.ReplaceAll(f.task.payload, []byte(tokenMark), []byte(token))
		var a struct{ Payload json.RawMessage }
		if json.Unmarshal(arguments, &a) != nil || a.Payload == nil {
			a.Payload = json.RawMessage("{}")
		}
		calls = append(calls, call{ref, f.task.function, a.Payload})
	}
	return calls
}

// launch does what a commit causes outside: it cancels, calls and sets the clock.
func (e *Engine) launch(execution string, r *run, calls []call, timers bool) {
	e.mu.Lock()
	for _, ref := range r.cancel {
		if cancel := e.calls[row{execution, ref}]; cancel != nil {
			cancel()
		}
	}
	for _, c := range calls {
		ctx, cancel := context.WithCancel(e.ctx)
		e.calls[row{execution, c.ref}] = cancel
		e.busy++
		go e.invoke(ctx, execution, c)
	}
	e.mu.Unlock()
	if timers {
		e.Wake()
	}
}

// invoke makes one call and brings its answer back.
func (e *Engine) invoke(ctx context.Context, execution string, c call) {
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if cancel := e.calls[row{execution, c.ref}]; cancel != nil {
			cancel()
			delete(e.calls, row{execution, c.ref})
		}
		e.free()
	}()
	select {
	case e.places <- struct{}{}:
	case <-ctx.Done():
		return
	}
	payload, failed := e.safely(ctx, c)
	<-e.places
	if e.ctx.Err() != nil {
		return // the engine is closing: the call is made again after the restart
	}
	err := e.input(context.WithoutCancel(ctx), execution, func(r *run) error {
		r.invoked(c.ref, payload, failed)
		return nil
	})
	if err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, ErrNoExecution) {
		e.c.Log.Error("couldn't take a function's answer; it is called again after a restart", "execution", execution, "function", c.function, "error", err)
	}
}

// safely calls the function and gives every failure a name.
func (e *Engine) safely(ctx context.Context, c call) (payload json.RawMessage, failed *failure) {
	defer func() {
		if p := recover(); p != nil {
			e.c.Log.Error("a function panicked", "function", c.function, "stack", string(debug.Stack()))
			payload, failed = nil, lambdaFailure("Internal", "the function panicked")
		}
	}()
	payload, err := e.c.Invoke(ctx, c.function, c.payload)
	if err != nil {
		named, ok := errors.AsType[interface {
			error
			ErrorName() string
		}](err)
		if !ok {
			e.c.Log.Error("a function failed", "function", c.function, "error", err)
			return nil, lambdaFailure("Internal", "the function failed; its log says why")
		}
		return nil, lambdaFailure(named.ErrorName(), named.Error())
	}
	if len(payload) == 0 {
		payload = json.RawMessage("null")
	}
	if payload, err = compact(payload); err != nil {
		return nil, lambdaFailure("Internal", "the function answered with something that is not JSON")
	}
	return payload, nil
}

// lambdaFailure is what the service makes of a function's error.
func lambdaFailure(name, message string) *failure {
	name = clip(name, maxName)
	return &failure{name: name, cause: string(object("errorMessage", clip(message, maxCause/2), "errorType", name))}
}

// The service's quotas for an error, in bytes.
const (
	maxName  = 256
	maxCause = 32_768
)

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// Wake tells the engine that the clock was turned.
func (e *Engine) Wake() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// NextDue is when the next timer comes due; zero where none is set.
func (e *Engine) NextDue(ctx context.Context) (time.Time, error) {
	due, ok, err := e.record.nextDue(ctx)
	if err != nil || !ok {
		return time.Time{}, err
	}
	return time.UnixMilli(due).UTC(), nil
}

// clock sleeps until the next timer is due.
func (e *Engine) clock() {
	defer e.ended.Done()
	for {
		least := time.Millisecond
		if _, err := e.fire(e.ctx); err != nil && e.ctx.Err() == nil {
			e.c.Log.Error("couldn't fire what is due; it is tried again", "error", err)
			least = time.Second
		}
		pause := time.Hour
		if due, ok, err := e.record.nextDue(e.ctx); err == nil && ok {
			pause = min(pause, max(time.UnixMilli(due).Sub(e.c.Now()), least))
		}
		sleep := time.NewTimer(pause)
		select {
		case <-sleep.C:
		case <-e.wake:
		case <-e.ctx.Done():
			sleep.Stop()
			return
		}
		sleep.Stop()
	}
}

// fire takes every timer that is due and returns how many there were.
func (e *Engine) fire(ctx context.Context) (int, error) {
	due, err := e.record.due(ctx, e.c.Now().UnixMilli())
	if err != nil {
		return 0, err
	}
	refs := map[string][]int64{}
	for _, t := range due {
		refs[t.execution] = append(refs[t.execution], t.ref)
	}
	// The timers of one execution fire in the order in which they came due.
	fired := make(chan error)
	for execution, inOrder := range refs {
		go func() {
			var err error
			for _, ref := range inOrder {
				err = errors.Join(err, e.input(ctx, execution, func(r *run) error {
					r.fire(ref)
					return nil
				}))
			}
			fired <- err
		}()
	}
	var errs []error
	for range refs {
		if err := <-fired; err != nil && !errors.Is(err, ErrClosed) {
			errs = append(errs, err)
		}
	}
	return len(due), errors.Join(errs...)
}

// Settle fires what is due and returns when nothing is due, runs or waits to be
// stored.
func (e *Engine) Settle(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.idle.Broadcast()
	})
	defer stop()
	for {
		fired, err := e.fire(ctx)
		if err != nil {
			return err
		}
		e.mu.Lock()
		for e.busy > 0 && ctx.Err() == nil && !e.closed {
			e.idle.Wait()
		}
		e.mu.Unlock()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		due, err := e.record.due(ctx, e.c.Now().UnixMilli())
		if err != nil || fired == 0 && len(due) == 0 {
			return err
		}
	}
}

// Close stops taking inputs, cancels what runs and waits until the functions have
// returned and the commits are through. What was cancelled is called again by the
// next Open.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	e.stop()
	for e.busy > 0 {
		e.idle.Wait()
	}
	e.mu.Unlock()
	close(e.commits)
	e.ended.Wait()
	return e.record.close()
}
