package asl

import (
	"encoding/json"
	"strings"
)

// Status is how an execution stands, in the service's words.
type Status string

const (
	Running   Status = "RUNNING"
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
	TimedOut  Status = "TIMED_OUT"
	Aborted   Status = "ABORTED"
)

// execution is the state that events add up to.
type execution struct {
	name    string
	machine *machine
	status  Status
	input   json.RawMessage
	output  json.RawMessage
	error   string
	cause   string
	started int64
	stopped int64

	lastID    int64 // of the history
	lastRef   int64
	lastFrame int
	frames    map[int]*frame
	timers    map[int64]timer
	rows      *rows // what a commit has to write beside the events; nil while folding
}

// frame is one thread of states: the top level, a branch, an iteration.
type frame struct {
	id, parent, index int
	scope             *scope
	item              json.RawMessage // an iteration's
	prev              int64           // the newest event of this thread

	state       *state
	input       json.RawMessage
	entered     int64
	enteredPrev int64
	enteredAt   int64
	retries     []int // by retrier
	tries       int   // all retries of this visit
	vars        map[string]json.RawMessage

	task     *task
	timer    int64 // of a wait or a retry; 0 for none
	children *children
}

// task is a call under way.
type task struct {
	ref                int64
	function           string
	payload            json.RawMessage // the token in it is replaced by tokenMark
	wait               bool
	submitted          bool  // the function has answered; what is missing is the token
	timeout, heartbeat int64 // timers; 0 for none
	heartbeatSeconds   int
}

// children are the iterations or branches of a Map or Parallel state.
type children struct {
	items     []json.RawMessage // a Map's
	results   []json.RawMessage
	live      map[int]int // frame by index
	next      int         // the next index to start
	last      int64       // the event that ended the newest one
	done      int
	failed    int
	limit     int // at once; 0 for no limit
	tolerated int
}

// timer is something that happens at a time unless it is cleared before.
type timer struct {
	frame int
	kind  string // evWait, evRetry, evYield, evDeadline, "timeout", "heartbeat"
	due   int64
}

// rows collects what a commit adds to and takes from the tables of tasks, tokens
// and timers, which exist so that nobody need fold every execution to find one.
type rows struct {
	addTimers map[int64]int64 // when it is due, by ref
	delTimers map[int64]bool
	addTasks  map[int64]bool
	delTasks  map[int64]bool
	addTokens map[string]int64 // ref, by hash
	delTokens map[int64]bool
}

func newRows() *rows {
	return &rows{map[int64]int64{}, map[int64]bool{}, map[int64]bool{}, map[int64]bool{}, map[string]int64{}, map[int64]bool{}}
}

func newExecution(name string, m *machine) *execution {
	return &execution{name: name, machine: m, status: Running, frames: map[int]*frame{}, timers: map[int64]timer{}}
}

// apply is the only code that changes an execution, live and when it is folded
// from its events again. It decides nothing.
func (x *execution) apply(e event) {
	if !e.internal() {
		x.lastID = e.ID
	}
	x.lastRef = max(x.lastRef, e.Ref, e.Ref2())
	f := x.frames[e.Frame]
	switch {
	case e.Type == "ExecutionStarted":
		x.input, x.started = e.Input, e.At
		x.frames[0] = &frame{scope: x.machine.top}
		return
	case e.Type == evDeadline:
		x.setTimer(e.Ref, timer{0, evDeadline, e.Due})
	case strings.HasSuffix(e.Type, "StateEntered"):
		f.state, f.input, f.entered, f.enteredPrev, f.enteredAt = f.scope.states[e.State], e.Input, e.ID, e.Prev, e.At
		f.retries, f.tries = make([]int, len(f.state.retry)), 0
	case strings.HasSuffix(e.Type, "StateExited"):
		x.exited(f, e)
	case e.Type == "TaskScheduled":
		x.scheduled(f, e)
	case e.Type == "TaskSubmitted":
		f.task.submitted = true
		x.dropTask(f.task.ref)
	case e.Type == evToken:
		x.addToken(e)
	case e.Type == "TaskSucceeded" || e.Type == "TaskFailed" || e.Type == "TaskTimedOut":
		x.clearTask(f)
	case e.Type == evHeartbeat:
		x.clearTimer(f.task.heartbeat)
		f.task.heartbeat = e.Ref
		x.setTimer(e.Ref, timer{f.id, "heartbeat", e.Due})
	case e.Type == evWait || e.Type == evRetry || e.Type == evYield:
		f.timer = e.Ref
		x.setTimer(e.Ref, timer{f.id, e.Type, e.Due})
		if e.Type == evRetry {
			f.retries[e.Retrier]++
			f.tries++
			x.dropChildren(f)
		}
	case e.Type == evBegin:
		x.clearTimer(f.timer)
		f.timer = 0
	case e.Type == "MapStateStarted":
		f.children = &children{items: e.Items, results: make([]json.RawMessage, len(e.Items)), live: map[int]int{}, limit: e.Limit, tolerated: e.Tolerated}
	case e.Type == "ParallelStateStarted":
		f.children = &children{results: make([]json.RawMessage, len(f.state.branches)), live: map[int]int{}}
	case e.Type == "MapIterationStarted" || e.Type == evBranch:
		x.began(e)
		return // the new frame starts its own thread of events
	case e.Type == "MapIterationSucceeded" || e.Type == evBranchEnd:
		x.ended(f, e.Output, e.ID)
	case e.Type == "MapIterationFailed" || e.Type == "MapIterationAborted":
		if e.Type == "MapIterationFailed" {
			x.frames[f.parent].children.failed++
		}
		x.ended(f, json.RawMessage("null"), e.ID)
	case e.Type == "ExecutionSucceeded":
		x.over(Succeeded, e)
	case e.Type == "ExecutionFailed":
		x.over(Failed, e)
	case e.Type == "ExecutionTimedOut":
		x.over(TimedOut, e)
	case e.Type == "ExecutionAborted":
		x.over(Aborted, e)
	}
	// A thread's next event points at this one, but for two that the service skips.
	switch {
	case f == nil || e.internal() || e.Type == "TaskStateAborted":
	case e.Type == "MapStateSucceeded":
		f.prev = e.Prev
	default:
		f.prev = e.ID
	}
}

// Ref2 is the highest ref that an event implies: a scheduled task's timers follow
// the task's own ref.
func (e event) Ref2() int64 {
	if e.Type == "TaskScheduled" {
		return e.Ref + 2
	}
	return 0
}

func (x *execution) exited(f *frame, e event) {
	if len(e.Assign) > 0 && f.vars == nil {
		f.vars = map[string]json.RawMessage{}
	}
	for name, value := range e.Assign {
		f.vars[name] = value
	}
	x.clearTimer(f.timer)
	x.dropChildren(f)
	f.timer, f.state, f.input = 0, nil, e.Output
}

func (x *execution) scheduled(f *frame, e event) {
	x.clearTimer(f.timer)
	f.timer = 0
	f.task = &task{ref: e.Ref, function: e.Function, payload: e.Input, wait: e.Wait, heartbeatSeconds: e.Heartbeat}
	if x.rows != nil {
		x.rows.addTasks[e.Ref] = true
	}
	x.addToken(e)
	if e.Timeout > 0 {
		f.task.timeout = e.Ref + 1
		x.setTimer(e.Ref+1, timer{f.id, "timeout", e.At + int64(e.Timeout)*1000})
	}
	if e.Heartbeat > 0 {
		f.task.heartbeat = e.Ref + 2
		x.setTimer(e.Ref+2, timer{f.id, "heartbeat", e.At + int64(e.Heartbeat)*1000})
	}
}

func (x *execution) began(e event) {
	parent := x.frames[e.Parent]
	child := &frame{id: e.Frame, parent: e.Parent, index: e.Index, prev: parent.prev, item: e.Input}
	if e.Type == evBranch {
		child.scope = parent.state.branches[e.Index]
	} else {
		child.scope, child.item, child.prev = parent.state.processor, parent.children.items[e.Index], e.ID
	}
	child.input = e.Input
	x.lastFrame = max(x.lastFrame, e.Frame)
	x.frames[e.Frame] = child
	parent.children.live[e.Index] = e.Frame
	parent.children.next = max(parent.children.next, e.Index+1)
}

func (x *execution) ended(f *frame, result json.RawMessage, id int64) {
	parent := x.frames[f.parent]
	parent.children.results[f.index] = result
	parent.children.done++
	parent.prev, parent.children.last = max(parent.prev, f.prev), id
	x.drop(f)
}

// drop takes a frame away with all that hangs on it.
func (x *execution) drop(f *frame) {
	x.dropChildren(f)
	x.clearTask(f)
	x.clearTimer(f.timer)
	delete(x.frames, f.id)
	if parent := x.frames[f.parent]; parent != nil && parent.children != nil && f.id != 0 {
		delete(parent.children.live, f.index)
	}
}

func (x *execution) dropChildren(f *frame) {
	if f.children == nil {
		return
	}
	for _, id := range f.children.live {
		x.drop(x.frames[id])
	}
	f.children = nil
}

func (x *execution) clearTask(f *frame) {
	if f.task == nil {
		return
	}
	if !f.task.submitted {
		x.dropTask(f.task.ref)
	}
	if f.task.wait && x.rows != nil {
		x.rows.delTokens[f.task.ref] = true
	}
	x.clearTimer(f.task.timeout)
	x.clearTimer(f.task.heartbeat)
	f.task = nil
}

func (x *execution) dropTask(ref int64) {
	if x.rows == nil {
		return
	}
	if x.rows.addTasks[ref] {
		delete(x.rows.addTasks, ref)
		return
	}
	x.rows.delTasks[ref] = true
}

func (x *execution) addToken(e event) {
	if x.rows != nil && e.Token != nil {
		x.rows.addTokens[string(e.Token)] = e.Ref
	}
}

// calling tells whether a function is being called.
func (x *execution) calling() bool {
	for _, f := range x.frames {
		if f.task != nil && !f.task.submitted {
			return true
		}
	}
	return false
}

func (x *execution) setTimer(ref int64, t timer) {
	x.timers[ref] = t
	if x.rows != nil {
		x.rows.addTimers[ref] = t.due
	}
}

func (x *execution) clearTimer(ref int64) {
	if _, ok := x.timers[ref]; !ok {
		return
	}
	delete(x.timers, ref)
	if x.rows == nil {
		return
	}
	if _, fresh := x.rows.addTimers[ref]; fresh {
		delete(x.rows.addTimers, ref)
		return
	}
	x.rows.delTimers[ref] = true
}

func (x *execution) over(s Status, e event) {
	x.status, x.output, x.error, x.cause, x.stopped = s, e.Output, e.Error, e.Cause, e.At
	if root := x.frames[0]; root != nil {
		x.drop(root)
	}
	for ref := range x.timers {
		x.clearTimer(ref)
	}
}
