package asl

import (
	"context"
	"encoding/json"
	"testing"
)

// Rows counts what stands open in the file.
func (e *Engine) Rows(t testing.TB) (tasks, tokens, timers int) {
	t.Helper()
	for table, to := range map[string]*int{"tasks": &tasks, "tokens": &tokens, "timers": &timers} {
		if err := e.record.read.QueryRow("SELECT count(*) FROM " + table).Scan(to); err != nil {
			t.Fatal(err)
		}
	}
	return tasks, tokens, timers
}

// InMemory counts the executions that are held in memory.
func (e *Engine) InMemory() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.live)
}

// Keep holds an execution in memory for good, so that Live has something to compare.
func (e *Engine) Keep(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.live[name] == nil {
		e.live[name] = &handle{}
	}
	e.live[name].users++
}

// Live describes an execution as it stands in memory and as its stored events add
// up; both texts have to be the same. It is to be called when nothing is under way.
func (e *Engine) Live(t testing.TB, name string) (live, folded string) {
	t.Helper()
	err := e.input(context.Background(), name, func(r *run) error {
		live = portray(r.x)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	h := &handle{}
	if err := e.load(context.Background(), name, h); err != nil {
		t.Fatal(err)
	}
	return live, portray(h.x)
}

// portray writes down every field of an execution.
func portray(x *execution) string {
	type portrait struct {
		Status           Status
		Input, Output    json.RawMessage
		Error, Cause     string
		Started, Stopped int64
		LastID, LastRef  int64
		LastFrame        int
		Frames, Timers   any
	}
	frames := map[int]any{}
	for id, f := range x.frames {
		p := map[string]any{
			"parent": f.parent, "index": f.index, "scope": f.scope.start, "item": f.item, "prev": f.prev, "input": f.input,
			"entered": f.entered, "enteredPrev": f.enteredPrev, "enteredAt": f.enteredAt, "retries": f.retries, "tries": f.tries, "vars": f.vars, "timer": f.timer,
		}
		if f.state != nil {
			p["state"] = f.state.name
		}
		if f.task != nil {
			p["task"] = []any{f.task.ref, f.task.function, f.task.payload, f.task.wait, f.task.submitted, f.task.timeout, f.task.heartbeat, f.task.heartbeatSeconds}
		}
		if c := f.children; c != nil {
			p["children"] = []any{c.items, c.results, c.live, c.next, c.last, c.done, c.failed, c.limit, c.tolerated}
		}
		frames[id] = p
	}
	timers := map[int64]any{}
	for ref, t := range x.timers {
		timers[ref] = []any{t.frame, t.kind, t.due}
	}
	text, err := json.MarshalIndent(portrait{
		Status: x.status, Input: x.input, Output: x.output, Error: x.error, Cause: x.cause, Started: x.started, Stopped: x.stopped,
		LastID: x.lastID, LastRef: x.lastRef, LastFrame: x.lastFrame, Frames: frames, Timers: timers,
	}, "", " ")
	if err != nil {
		panic(err)
	}
	return string(text)
}
