package asl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// run carries one outside input through an execution until nothing more can
// happen without another input. It decides; every change goes through emit.
type run struct {
	x        *execution
	now      time.Time
	eval     evaluator
	random   func() float64
	newToken func() string

	events   []event
	size     int              // of the payloads in events, in bytes
	begins   []int            // frames whose state is to begin
	catching *frame           // whose catcher is being evaluated
	dispatch map[int64]string // the calls to make, with their tokens
	cancel   []int64          // the calls to cancel
}

// prevNone marks an event that nothing led to.
const prevNone = -1

const (
	maxEvents = 25_000  // the service's quota for an execution's history
	batch     = 1_000   // about how many events go into one transaction
	batchSize = 4 << 20 // and how many bytes of payload
)

func (r *run) emit(e event) int64 {
	e.At = r.now.UnixMilli()
	if !e.internal() {
		e.ID = r.x.lastID + 1
		if f := r.x.frames[e.Frame]; f != nil && e.Prev == 0 {
			e.Prev = f.prev
		}
		e.Prev = max(e.Prev, 0)
	}
	r.x.apply(e)
	r.events = append(r.events, e)
	r.size += len(e.Input) + len(e.Output)
	return e.ID
}

func (r *run) ref() int64 { return r.x.lastRef + 1 }

// settle begins states until none is left. It stops an endless loop at the quota,
// and a long one goes on in another transaction.
func (r *run) settle() {
	for len(r.begins) > 0 && r.x.status == Running {
		if r.x.lastID >= maxEvents {
			r.stopTasks()
			r.emit(event{Type: "ExecutionFailed", Error: "States.Runtime", Cause: fmt.Sprintf("The execution reached the maximum number of history events (%d).", maxEvents)})
			return
		}
		f := r.x.frames[r.begins[0]]
		r.begins = r.begins[1:]
		switch {
		case f == nil || f.state == nil:
		case len(r.events) > batch || r.size > batchSize:
			r.emit(event{Type: evYield, Frame: f.id, Ref: r.ref(), Due: r.now.UnixMilli()})
		default:
			r.begin(f)
		}
	}
}

func (r *run) start(input json.RawMessage) {
	r.emit(event{Type: "ExecutionStarted", Input: input})
	if seconds := r.x.machine.timeout; seconds > 0 {
		r.emit(event{Type: evDeadline, Ref: r.ref(), Due: r.now.Add(time.Duration(seconds) * time.Second).UnixMilli()})
	}
	r.enter(r.x.frames[0], r.x.machine.top.start, input)
	r.settle()
}

func (r *run) enter(f *frame, name string, input json.RawMessage) {
	r.emit(event{Type: f.scope.states[name].kind + "StateEntered", Frame: f.id, State: name, Input: input})
	r.begins = append(r.begins, f.id)
}

// begin carries out what a state does when it is entered or tried again.
func (r *run) begin(f *frame) {
	switch st := f.state; st.kind {
	case "Pass", "Succeed":
		r.finish(f, nil, f.input)
	case "Fail":
		r.failState(f)
	case "Choice":
		r.choose(f)
	case "Wait":
		r.wait(f)
	case "Task":
		r.schedule(f)
	case "Map":
		r.startMap(f)
	case "Parallel":
		r.startParallel(f)
	}
}

// finish ends a state with a result: Assign and Output, then Next or the end.
func (r *run) finish(f *frame, result, otherwise json.RawMessage) {
	extra := map[string]json.RawMessage{}
	if result != nil {
		extra["result"] = result
	}
	r.leave(f, extra, f.state.assign, f.state.output, otherwise, f.state.next)
}

// leave evaluates what goes out of a state and exits it.
func (r *run) leave(f *frame, extra map[string]json.RawMessage, assign, output *template, otherwise json.RawMessage, next string) {
	b := r.bindings(f, extra)
	assigned, failed := r.assign(b, assign)
	if failed != nil {
		r.evaluationFailed(f, failed)
		return
	}
	out := otherwise
	if output != nil {
		if out, failed = output.value(b, "Output"); failed != nil {
			r.evaluationFailed(f, failed)
			return
		}
	}
	if r.tooLarge(f, out) {
		return
	}
	for _, value := range assigned {
		if r.tooLarge(f, value) {
			return
		}
	}
	kind, name := f.state.kind, f.state.name
	r.emit(event{Type: kind + "StateExited", Frame: f.id, State: name, Output: out, Assign: assigned, Next: next})
	if next != "" {
		r.enter(f, next, out)
		return
	}
	r.done(f, out)
}

// tooLarge fails a state whose payload exceeds the service's quota.
func (r *run) tooLarge(f *frame, payload json.RawMessage) bool {
	if len(payload) <= maxPayload {
		return false
	}
	r.fail(f, oversize(f))
	return true
}

func oversize(f *frame) *failure {
	return &failure{name: dataLimit, cause: fmt.Sprintf("The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", f.state.name)}
}

func (r *run) assign(b *bindings, t *template) (map[string]json.RawMessage, *failure) {
	if t == nil {
		return nil, nil
	}
	assigned := map[string]json.RawMessage{}
	for i, name := range t.keys {
		value, failed := t.parts[i].value(b, "Assign/"+name)
		if failed != nil {
			return nil, failed
		}
		assigned[name] = value
	}
	return assigned, nil
}

// done ends a thread: the execution, an iteration or a branch.
func (r *run) done(f *frame, output json.RawMessage) {
	if f.id == 0 {
		r.emit(event{Type: "ExecutionSucceeded", Output: output})
		return
	}
	parent := r.x.frames[f.parent]
	kind := "MapIterationSucceeded"
	if parent.state.kind == "Parallel" {
		kind = evBranchEnd
	}
	r.emit(event{Type: kind, Frame: f.id, State: parent.state.name, Index: f.index, Output: output})
	r.proceed(parent)
}

// proceed starts more iterations, or ends the state when all are through.
func (r *run) proceed(f *frame) {
	c := f.children
	if c.done < len(c.results) {
		r.fill(f)
		return
	}
	r.emit(event{Type: f.state.kind + "StateSucceeded", Frame: f.id, Prev: c.last})
	result := list(c.results)
	r.finish(f, result, result)
}

func list(items []json.RawMessage) json.RawMessage {
	return append(append([]byte("["), bytes.Join(asBytes(items), []byte(","))...), ']')
}

func asBytes(items []json.RawMessage) [][]byte {
	all := make([][]byte, len(items))
	for i, item := range items {
		all[i] = item
	}
	return all
}

// evaluationFailed records a failed expression. The service points it at the
// event before the state was entered, unless the expression itself went well.
func (r *run) evaluationFailed(f *frame, e *failure) {
	e.cause = fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). %s", f.state.name, f.entered, e.cause)
	prev := f.enteredPrev
	if e.parsed || f.prev != f.entered {
		prev = f.prev
	}
	// A first state's predecessor is 0; prevNone says so on purpose.
	if prev == 0 {
		prev = prevNone
	}
	r.emit(event{Type: "EvaluationFailed", Frame: f.id, State: f.state.name, Error: e.name, Cause: e.cause, Location: e.location, Prev: prev})
	r.fail(f, &failure{name: e.name, cause: e.cause})
}

// bindings is what the expressions of f's state see.
func (r *run) bindings(f *frame, extra map[string]json.RawMessage) *bindings {
	b := &bindings{eval: r.eval, vars: map[string]any{}}
	for at := f; ; at = r.x.frames[at.parent] {
		for name, value := range at.vars {
			if _, inner := b.vars[name]; !inner {
				b.vars[name] = decode(value)
			}
		}
		if at.id == 0 {
			break
		}
	}
	b.states = func() map[string]any {
		states := map[string]any{"input": decode(f.input), "context": r.context(f, extra)}
		for name, value := range extra {
			if name == "result" || name == "errorOutput" {
				states[name] = decode(value)
			}
		}
		return states
	}
	return b
}

// context is the context object.
func (r *run) context(f *frame, extra map[string]json.RawMessage) map[string]any {
	stamp := func(ms int64) string { return time.UnixMilli(ms).UTC().Format(timeFormat) }
	c := map[string]any{
		"Execution":    map[string]any{"Id": executionARN(r.x), "Input": decode(r.x.input), "Name": r.x.name, "RoleArn": "", "StartTime": stamp(r.x.started)},
		"State":        map[string]any{"Name": f.state.name, "EnteredTime": stamp(f.enteredAt), "RetryCount": float64(f.tries)},
		"StateMachine": map[string]any{"Id": machineARN(r.x.machine), "Name": r.x.machine.name},
	}
	if token, ok := extra["token"]; ok {
		c["Task"] = map[string]any{"Token": decode(token)}
	}
	if item, ok := extra["item"]; ok {
		c["Map"] = map[string]any{"Item": map[string]any{"Index": decode(extra["index"]), "Value": decode(item)}}
	} else {
		for at := f; at.id != 0; at = r.x.frames[at.parent] {
			if parent := r.x.frames[at.parent]; parent.state.kind == "Map" {
				c["Map"] = map[string]any{"Item": map[string]any{"Index": float64(at.index), "Value": decode(at.item)}}
				break
			}
		}
	}
	return c
}

func executionARN(x *execution) string {
	return "arn:aws:states:local:000000000000:execution:" + x.machine.name + ":" + x.name
}

func machineARN(m *machine) string {
	return "arn:aws:states:local:000000000000:stateMachine:" + m.name
}

// object makes a JSON object of texts.
func object(pairs ...string) json.RawMessage {
	var out bytes.Buffer
	out.WriteByte('{')
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(text(pairs[i]))
		out.WriteByte(':')
		out.Write(text(pairs[i+1]))
	}
	out.WriteByte('}')
	return out.Bytes()
}

func text(s string) json.RawMessage {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		panic("a text can't be written as JSON: " + err.Error())
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}
