package asl

import (
	"encoding/json"
	"fmt"
	"time"
)

// failState ends a thread on purpose.
func (r *run) failState(f *frame) {
	b := r.bindings(f, nil)
	var e failure
	for field, to := range map[string]*string{"Error": &e.name, "Cause": &e.cause} {
		t := f.state.errorName
		if field == "Cause" {
			t = f.state.cause
		}
		if t == nil {
			continue
		}
		value, failed := t.value(b, field)
		if failed == nil && json.Unmarshal(value, to) != nil {
			failed = t.unexpected(field, "string", value)
		}
		if failed != nil {
			r.evaluationFailed(f, failed)
			return
		}
	}
	r.failThread(f, &e)
}

func (r *run) choose(f *frame) {
	b := r.bindings(f, nil)
	for i, c := range f.state.choices {
		where := fmt.Sprintf("Choices[%d]/Condition", i)
		value, failed := c.condition.value(b, where)
		if failed == nil && string(value) != "true" && string(value) != "false" {
			failed = c.condition.unexpected(where, "boolean", value)
		}
		if failed != nil {
			r.evaluationFailed(f, failed)
			return
		}
		if string(value) == "true" {
			r.leave(f, nil, c.assign, c.output, f.input, c.next)
			return
		}
	}
	if f.state.fallback == "" {
		r.fail(f, &failure{name: "States.NoChoiceMatched", cause: fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). Failed to transition out of the state. The state's Choices and Default do not match.", f.state.name, f.entered)})
		return
	}
	r.leave(f, nil, f.state.assign, f.state.output, f.input, f.state.fallback)
}

func (r *run) wait(f *frame) {
	b := r.bindings(f, nil)
	due := r.now
	if t := f.state.seconds; t != nil {
		seconds, failed := t.seconds(b, "Seconds", 0)
		if failed != nil {
			r.evaluationFailed(f, failed)
			return
		}
		due = r.now.Add(time.Duration(seconds) * time.Second)
	} else {
		value, failed := f.state.timestamp.value(b, "Timestamp")
		var at string
		if failed == nil && json.Unmarshal(value, &at) != nil {
			failed = f.state.timestamp.unexpected("Timestamp", "string", value)
		}
		if failed == nil {
			var err error
			if due, err = time.Parse(time.RFC3339Nano, at); err != nil {
				failed = &failure{name: queryFailed, location: "Timestamp", parsed: true, cause: "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: " + at}
			}
		}
		if failed != nil {
			r.evaluationFailed(f, failed)
			return
		}
	}
	if !due.After(r.now) {
		r.finish(f, nil, f.input)
		return
	}
	r.emit(event{Type: evWait, Frame: f.id, Ref: r.ref(), Due: due.UnixMilli()})
}

// fire takes a timer that is due. One that was cleared meanwhile is none.
func (r *run) fire(ref int64) {
	t, ok := r.x.timers[ref]
	if !ok || r.x.status != Running {
		return
	}
	f := r.x.frames[t.frame]
	switch t.kind {
	case evWait:
		r.finish(f, nil, f.input)
	case evRetry, evYield:
		r.emit(event{Type: evBegin, Frame: f.id})
		r.begins = append(r.begins, f.id)
	case evDeadline:
		r.stopTasks()
		r.emit(event{Type: "ExecutionTimedOut", Error: "States.Timeout"})
	default:
		e := &failure{name: "States.Timeout"}
		if t.kind == "heartbeat" {
			e.name = "States.HeartbeatTimeout"
		}
		r.cancel = append(r.cancel, f.task.ref)
		r.emit(event{Type: "TaskTimedOut", Frame: f.id, Error: e.name})
		r.fail(f, e)
	}
	r.settle()
}

// stop ends the execution from outside.
func (r *run) stop(name, cause string) {
	r.stopTasks()
	r.emit(event{Type: "ExecutionAborted", Error: name, Cause: cause})
}

func (r *run) stopTasks() {
	for _, f := range r.x.frames {
		if f.task != nil {
			r.cancel = append(r.cancel, f.task.ref)
		}
	}
}
