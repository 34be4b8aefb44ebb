// Package asl runs workflows written in the Amazon States Language, JSONata mode,
// durably in one process on one SQLite file: the local twin of Step Functions.
//
// It promises what the service promises for the part of the language that it
// supports: what it accepted survives kill -9, a task is called at least once, an
// execution goes on with the definition it was started with, and the outcome is
// the one that the service would come to. A definition that uses anything else is
// refused by name before anything runs.
//
// Recorded events are the truth and apply is the only code that changes an
// execution. Every outside input — a start, a task's answer, a token, a timer, a
// stop — runs the execution until nothing more can happen and commits one
// transaction, or a few where it is long; what it causes outside happens after the
// commit. Nothing polls: waiting costs rows, and neither memory nor time. A task
// token is known to the function that got it; the file has its SHA-256.
//
// It leaves what a function does to Config.Invoke, and keeps no personal data out
// by itself: whoever writes a workflow lets ids travel, not people.
package asl

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Config is what an engine needs.
type Config struct {
	Path        string            // the SQLite file, created where it is absent
	Definitions map[string][]byte // by machine; "${Name}" stands for the function Name
	Invoke      func(ctx context.Context, function string, payload json.RawMessage) (json.RawMessage, error)
	Now         func() time.Time // may jump forward
	Rand        io.Reader        // tokens, jitter, $random and $uuid; nil means crypto/rand
	Log         *slog.Logger     // never sees a payload
	Concurrency int              // calls at once; 0 means 64
	Fatal       func(error)      // a failed commit: memory is ahead of the disk. It must not return; nil logs and exits
}

// Errors that a caller may tell apart.
var (
	ErrExecutionExists = errors.New("an execution of this name exists with another input")
	ErrNoExecution     = errors.New("there is no such execution")
	ErrUnknownToken    = errors.New("nobody waits for this task token: it was used, timed out or never given")
	ErrRunning         = errors.New("the execution is running: stop it first")
	ErrClosed          = errors.New("the engine is closed")
)

// Engine runs executions.
type Engine struct {
	c        Config
	record   *record
	machines map[string]*machine // by name: what new executions start with
	chance   *chance
	eval     evaluator

	mu     sync.Mutex
	idle   *sync.Cond          // signalled when busy falls to 0
	busy   int                 // inputs and calls under way
	parsed map[string]*machine // by hash
	live   map[string]*handle
	calls  map[row]context.CancelFunc
	closed bool

	commits chan *commit
	places  chan struct{} // one for each call at once
	wake    chan struct{}
	stop    context.CancelFunc
	ctx     context.Context
	ended   sync.WaitGroup
}

// handle is one execution in memory. Its lock orders the inputs.
type handle struct {
	mu     sync.Mutex
	x      *execution
	seq    int64         // of the next event
	stored chan struct{} // closed when the newest commit is on disk; nil before the first
	users  int           // guarded by Engine.mu: who holds it or waits for it
}

// Validate tells whether the engine would run a definition; its error names the
// state and the field that stand in the way.
func Validate(name string, definition []byte) error {
	_, err := parse(name, definition)
	return err
}

// Open opens the file, checks every definition and goes on with what was running:
// Config.Invoke may be called before Open returns.
func Open(ctx context.Context, c Config) (*Engine, error) {
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Concurrency == 0 {
		c.Concurrency = 64
	}
	if c.Fatal == nil {
		c.Fatal = func(err error) {
			c.Log.Error("couldn't store what happened; start again to go on from what is stored", "error", err)
			os.Exit(1)
		}
	}
	e := &Engine{
		c: c, chance: &chance{from: c.Rand, fatal: c.Fatal}, machines: map[string]*machine{}, parsed: map[string]*machine{}, live: map[string]*handle{}, calls: map[row]context.CancelFunc{},
		commits: make(chan *commit, 1024), places: make(chan struct{}, c.Concurrency), wake: make(chan struct{}, 1),
	}
	e.idle = sync.NewCond(&e.mu)
	e.eval = newEvaluator(functions{now: c.Now, chance: e.chance})
	for name, text := range c.Definitions {
		m, err := parse(name, text)
		if err != nil {
			return nil, err
		}
		e.machines[name], e.parsed[m.hash] = m, m
	}
	var err error
	if e.record, err = openRecord(ctx, c.Path); err != nil {
		return nil, err
	}
	for _, m := range e.machines {
		if err := e.record.saveMachine(ctx, m); err != nil {
			return nil, errors.Join(err, e.record.close())
		}
	}
	e.ctx, e.stop = context.WithCancel(context.Background())
	e.ended.Add(2)
	go e.committer()
	go e.clock()
	if err := e.recover(ctx); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// recover calls again what was being called when the process ended. A wait gets
// another token beside the one that the lost call may have handed on.
func (e *Engine) recover(ctx context.Context) error {
	open, err := e.record.tasks(ctx)
	if err != nil {
		return err
	}
	for _, t := range open {
		err := e.input(ctx, t.execution, func(r *run) error {
			r.repeat(t.ref)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Start starts an execution and returns when it is stored. Starting it again with
// the same input is done already; another input is ErrExecutionExists.
func (e *Engine) Start(ctx context.Context, machine, name string, input json.RawMessage) error {
	m := e.machines[machine]
	if m == nil {
		return fmt.Errorf("there is no workflow %q", machine)
	}
	if len(input) > maxPayload {
		return fmt.Errorf("the input has %d bytes; the limit is %d", len(input), maxPayload)
	}
	input, err := compact(input)
	if err != nil {
		return fmt.Errorf("the input is not JSON: %w", err)
	}
	return e.run(ctx, name, m, func(r *run) error {
		if r.x.lastID == 0 {
			r.start(input)
			return nil
		}
		if string(r.x.input) != string(input) {
			return ErrExecutionExists
		}
		return nil
	})
}

// Succeed ends the wait for a task token with an output.
func (e *Engine) Succeed(ctx context.Context, token string, output json.RawMessage) error {
	output, err := compact(output)
	if err != nil {
		return fmt.Errorf("the output is not JSON: %w", err)
	}
	return e.answer(ctx, token, func(r *run, ref int64) bool { return r.answered(ref, output, nil) })
}

// Fail ends the wait for a task token with an error that Catch can name.
func (e *Engine) Fail(ctx context.Context, token, name, cause string) error {
	return e.answer(ctx, token, func(r *run, ref int64) bool {
		return r.answered(ref, nil, &failure{name: clip(name, maxName), cause: clip(cause, maxCause)})
	})
}

// Heartbeat puts off the lapse of a wait that has HeartbeatSeconds.
func (e *Engine) Heartbeat(ctx context.Context, token string) error {
	return e.answer(ctx, token, func(r *run, ref int64) bool { return r.heartbeat(ref) })
}

func (e *Engine) answer(ctx context.Context, token string, take func(*run, int64) bool) error {
	execution, ref, err := e.record.tokenOf(ctx, hashToken(token))
	if errors.Is(err, sql.ErrNoRows) {
		return ErrUnknownToken
	}
	if err != nil {
		return fmt.Errorf("couldn't look up the task token: %w", err)
	}
	err = e.input(ctx, execution, func(r *run) error {
		if r.x.status != Running || !take(r, ref) {
			return ErrUnknownToken
		}
		return nil
	})
	if errors.Is(err, ErrNoExecution) {
		return ErrUnknownToken
	}
	return err
}

// Stop ends a running execution. Stopping one that is over is done already.
func (e *Engine) Stop(ctx context.Context, execution, name, cause string) error {
	return e.input(ctx, execution, func(r *run) error {
		if r.x.status == Running {
			r.stop(clip(name, maxName), clip(cause, maxCause))
		}
		return nil
	})
}

// newToken makes a task token. The function it goes to is the only one that has
// it: the file has its hash.
func (e *Engine) newToken() string {
	var b [32]byte
	e.chance.fill(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// compact makes JSON look as it will look when it comes back from the file.
func compact(text json.RawMessage) (json.RawMessage, error) {
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// input runs do on an execution that exists.
func (e *Engine) input(ctx context.Context, execution string, do func(*run) error) error {
	return e.run(ctx, execution, nil, do)
}

// run takes one input: it carries the execution on in memory, hands what happened
// to the committer in the same order, and returns when that is on disk. fresh is
// the machine of an execution that may be new.
func (e *Engine) run(ctx context.Context, name string, fresh *machine, do func(*run) error) error {
	h, err := e.hold(name)
	if err != nil {
		return err
	}
	defer e.release(name, h)
	h.mu.Lock()
	created := false
	if h.x == nil {
		if err := e.load(ctx, name, h); errors.Is(err, ErrNoExecution) && fresh != nil {
			h.x, created = newExecution(name, fresh), true
		} else if err != nil {
			h.mu.Unlock()
			return err
		}
	}
	x := h.x
	x.rows = newRows()
	r := &run{x: x, now: e.c.Now(), eval: e.eval, random: e.chance.float, newToken: e.newToken, dispatch: map[int64]string{}}
	err = do(r)
	calls := prepare(r)
	if err != nil || len(r.events) == 0 {
		if created {
			h.x = nil
		}
		stored := h.stored
		h.mu.Unlock()
		// What the answer rests on may still be on its way to the disk.
		if stored != nil {
			<-stored
		}
		e.launch(name, r, calls, false)
		return err
	}
	c := &commit{execution: name, seq: h.seq, events: r.events, status: x.status, rows: x.rows, done: make(chan struct{})}
	if created {
		c.machine = x.machine.hash
	}
	c.after = func() { e.launch(name, r, calls, len(c.rows.addTimers) > 0) }
	h.seq += int64(len(r.events))
	h.stored = c.done
	e.commits <- c
	h.mu.Unlock()
	<-c.done
	return nil
}

// load folds an execution from its events.
func (e *Engine) load(ctx context.Context, name string, h *handle) error {
	hash, machineName, text, err := e.record.machineOf(ctx, name)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNoExecution
	}
	if err != nil {
		return err
	}
	m, err := e.machineByHash(hash, machineName, text)
	if err != nil {
		return err
	}
	events, err := e.record.events(ctx, name)
	if err != nil {
		return err
	}
	x := newExecution(name, m)
	for _, ev := range events {
		x.apply(ev)
	}
	h.x, h.seq = x, int64(len(events))
	return nil
}

func (e *Engine) machineByHash(hash, name string, text []byte) (*machine, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if m := e.parsed[hash]; m != nil {
		return m, nil
	}
	m, err := parse(name, text)
	if err == nil {
		e.parsed[hash] = m
	}
	return m, err
}
