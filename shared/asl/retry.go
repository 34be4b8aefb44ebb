package asl

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// fail handles an error in a state: its Retry, then its Catch, then its thread.
func (r *run) fail(f *frame, e *failure) {
	caught := r.catching == f
	r.catching = nil
	if !caught && r.retry(f, e) {
		return
	}
	kind := f.state.kind
	if kind == "Map" || kind == "Parallel" {
		r.abortChildren(f)
		r.emit(event{Type: kind + "StateFailed", Frame: f.id, Error: e.name, Cause: e.cause})
	}
	if i := slices.IndexFunc(f.state.catch, func(c catcher) bool { return matches(c.errors, e.name) }); i >= 0 && !caught {
		c := f.state.catch[i]
		errorOutput := object("Error", e.name, "Cause", e.cause)
		r.catching = f // an error inside the catcher isn't caught by it again
		r.leave(f, map[string]json.RawMessage{"errorOutput": errorOutput}, c.assign, c.output, errorOutput, c.next)
		r.catching = nil
		return
	}
	r.failThread(f, e)
}

// failThread ends a thread in error: the execution, or the state it belongs to.
func (r *run) failThread(f *frame, e *failure) {
	if f.id == 0 {
		r.emit(event{Type: "ExecutionFailed", Error: e.name, Cause: e.cause})
		return
	}
	parent := r.x.frames[f.parent]
	if parent.state.kind == "Parallel" {
		r.fail(parent, e)
		return
	}
	r.emit(event{Type: "MapIterationFailed", Frame: f.id, State: parent.state.name, Index: f.index, Error: e.name, Cause: e.cause})
	c := parent.children
	if c.failed > c.tolerated {
		if c.tolerated > 0 {
			e = &failure{name: "States.ExceedToleratedFailureThreshold", cause: "The specified tolerated failure threshold was exceeded"}
		}
		r.fail(parent, e)
		return
	}
	r.proceed(parent)
}

// retry schedules another try where a retrier matches and has one left.
func (r *run) retry(f *frame, e *failure) bool {
	for i, retrier := range f.state.retry {
		if !matches(retrier.errors, e.name) {
			continue
		}
		used := f.retries[i]
		if used >= retrier.maxAttempts {
			return false
		}
		if f.children != nil {
			r.abortChildren(f)
		}
		r.emit(event{Type: evRetry, Frame: f.id, Retrier: i, Ref: r.ref(), Due: r.now.Add(r.pause(retrier, used)).UnixMilli()})
		return true
	}
	return false
}

func (r *run) pause(t retrier, used int) time.Duration {
	seconds := t.interval
	for range min(used, 200) {
		seconds *= t.backoff
	}
	if t.maxDelay > 0 {
		seconds = min(seconds, t.maxDelay)
	}
	seconds = min(seconds, maxSeconds)
	if t.jitter {
		seconds *= r.random()
	}
	return time.Duration(seconds * float64(time.Second))
}

// matches: States.ALL doesn't catch what a state can't recover from, and
// States.TaskFailed is every failure but a timeout.
func matches(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		switch n {
		case name:
			return true
		case "States.ALL":
			return name != dataLimit && name != "States.Runtime"
		case "States.TaskFailed":
			return name != "States.Timeout" && name != "States.HeartbeatTimeout" && name != dataLimit && name != "States.Runtime"
		case "States.Timeout":
			return name == "States.HeartbeatTimeout"
		}
		return false
	})
}

// abortChildren ends what still runs below a state.
func (r *run) abortChildren(f *frame) {
	if f.children == nil {
		return
	}
	for _, index := range slices.Sorted(maps.Keys(f.children.live)) {
		child := r.x.frames[f.children.live[index]]
		r.abortState(child)
		if f.state.kind == "Map" {
			r.emit(event{Type: "MapIterationAborted", Frame: child.id, State: f.state.name, Index: index})
		}
	}
}

func (r *run) abortState(f *frame) {
	if f.state == nil {
		return
	}
	r.abortChildren(f)
	if f.task != nil {
		r.cancel = append(r.cancel, f.task.ref)
	}
	switch f.state.kind {
	case "Task", "Wait", "Map", "Parallel":
		r.emit(event{Type: f.state.kind + "StateAborted", Frame: f.id})
	}
}
