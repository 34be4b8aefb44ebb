package asl

import (
	"bytes"
	"encoding/json"
	"time"
)

// tokenMark stands in the record for the token, which is never stored. No
// evaluated payload can hold it: our JSON never escapes a hyphen.
const tokenMark = `{task\u002Dtoken}`

func (r *run) schedule(f *frame) {
	ref := r.ref()
	extra := map[string]json.RawMessage{}
	token := ""
	if f.state.wait {
		token = r.newToken()
		extra["token"] = text(token)
	}
	b := r.bindings(f, extra)
	e := event{Type: "TaskScheduled", Frame: f.id, Ref: ref, Wait: f.state.wait}
	arguments, failed := f.state.arguments.value(b, "Arguments")
	for field, to := range map[string]*int{"TimeoutSeconds": &e.Timeout, "HeartbeatSeconds": &e.Heartbeat} {
		t := f.state.timeout
		if field == "HeartbeatSeconds" {
			t = f.state.heartbeat
		}
		if t != nil && failed == nil {
			*to, failed = t.seconds(b, field, 1)
		}
	}
	if failed != nil {
		r.evaluationFailed(f, failed)
		return
	}
	var call struct {
		FunctionName string
		Payload      json.RawMessage
	}
	if err := json.Unmarshal(arguments, &call); err != nil || call.FunctionName == "" {
		r.fail(f, &failure{name: "States.Runtime", cause: "The Arguments must be an object with a FunctionName and a Payload."})
		return
	}
	if r.tooLarge(f, arguments) {
		return
	}
	if token != "" {
		arguments = bytes.ReplaceAll(arguments, []byte(token), []byte(tokenMark))
		e.Token = hashToken(token)
	}
	e.Function, e.Input = call.FunctionName, arguments
	r.emit(e)
	r.emit(event{Type: "TaskStarted", Frame: f.id})
	r.dispatch[ref] = token
}

// repeat calls a function again whose answer was lost with the process.
func (r *run) repeat(ref int64) {
	f := r.waiting(ref)
	if f == nil {
		return
	}
	token := ""
	if f.task.wait {
		token = r.newToken()
		r.emit(event{Type: evToken, Frame: f.id, Ref: ref, Token: hashToken(token)})
	}
	r.dispatch[ref] = token
}

// invoked takes what a function answered.
func (r *run) invoked(ref int64, payload json.RawMessage, failed *failure) {
	f := r.waiting(ref)
	if f == nil {
		return
	}
	switch {
	case failed != nil:
		r.emit(event{Type: "TaskFailed", Frame: f.id, Error: failed.name, Cause: failed.cause})
		r.fail(f, failed)
	case f.task.wait:
		r.emit(event{Type: "TaskSubmitted", Frame: f.id})
	default:
		r.taskDone(f, append(append([]byte(`{"ExecutedVersion":"$LATEST","Payload":`), payload...), `,"StatusCode":200}`...))
	}
	r.settle()
}

// answered takes what came with a task token; false where nobody waits for it.
func (r *run) answered(ref int64, output json.RawMessage, failed *failure) bool {
	f := r.waiting(ref)
	if f == nil || !f.task.wait {
		return false
	}
	if failed != nil {
		r.cancel = append(r.cancel, ref)
		r.emit(event{Type: "TaskFailed", Frame: f.id, Error: failed.name, Cause: failed.cause})
		r.fail(f, failed)
	} else {
		r.taskDone(f, output)
	}
	r.settle()
	return true
}

func (r *run) taskDone(f *frame, result json.RawMessage) {
	if len(result) > maxPayload {
		limit := oversize(f)
		r.emit(event{Type: "TaskFailed", Frame: f.id, Error: limit.name, Cause: limit.cause})
		r.fail(f, limit)
		return
	}
	r.emit(event{Type: "TaskSucceeded", Frame: f.id, Output: result})
	r.finish(f, result, result)
}

// heartbeat puts off the lapse of a waiting task.
func (r *run) heartbeat(ref int64) bool {
	f := r.waiting(ref)
	if f == nil || !f.task.wait {
		return false
	}
	if f.task.heartbeat != 0 {
		r.emit(event{Type: evHeartbeat, Frame: f.id, Ref: r.ref(), Due: r.now.Add(time.Duration(f.task.heartbeatSeconds) * time.Second).UnixMilli()})
	}
	return true
}

func (r *run) waiting(ref int64) *frame {
	for _, f := range r.x.frames {
		if f.task != nil && f.task.ref == ref {
			return f
		}
	}
	return nil
}
