package asl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Execution is how an execution stands.
type Execution struct {
	Name, Machine string
	Status        Status
	Input, Output json.RawMessage
	Error, Cause  string
	States        []string // where it stands, the outermost first
	Started       time.Time
	Stopped       time.Time // zero while it runs
}

// Describe tells how an execution stands, or ErrNoExecution.
func (e *Engine) Describe(ctx context.Context, name string) (Execution, error) {
	var out Execution
	err := e.input(ctx, name, func(r *run) error {
		x := r.x
		out = Execution{Name: name, Machine: x.machine.name, Status: x.status, Input: x.input, Output: x.output, Error: x.error, Cause: x.cause, Started: time.UnixMilli(x.started).UTC()}
		if x.stopped != 0 {
			out.Stopped = time.UnixMilli(x.stopped).UTC()
		}
		for _, id := range slices.Sorted(maps.Keys(x.frames)) {
			if st := x.frames[id].state; st != nil {
				out.States = append(out.States, st.name)
			}
		}
		return nil
	})
	return out, err
}

// Delete erases a finished execution with all it recorded. Deleting what isn't
// there is done.
func (e *Engine) Delete(ctx context.Context, name string) error {
	h, err := e.hold(name)
	if err != nil {
		return err
	}
	defer e.release(name, h)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.x == nil {
		if err := e.load(ctx, name, h); errors.Is(err, ErrNoExecution) {
			return nil
		} else if err != nil {
			return err
		}
	}
	if h.x.status == Running {
		return ErrRunning
	}
	// Its last events may still be on their way to the disk.
	if h.stored != nil {
		<-h.stored
	}
	if err := e.record.erase(ctx, name); err != nil {
		return fmt.Errorf("couldn't erase execution %s: %w", name, err)
	}
	h.x, h.stored = nil, nil
	return nil
}

// HistoryEvent is one event in the service's shape: Details holds the members of
// the "…EventDetails" object that goes with the type.
type HistoryEvent struct {
	ID        int64          `json:"id"`
	Previous  int64          `json:"previousEventId"`
	Type      string         `json:"type"`
	Timestamp time.Time      `json:"timestamp"`
	Details   map[string]any `json:"details,omitempty"`
}

// History returns what an execution did, oldest first, or ErrNoExecution.
func (e *Engine) History(ctx context.Context, name string) ([]HistoryEvent, error) {
	if _, err := e.Describe(ctx, name); err != nil {
		return nil, err
	}
	events, err := e.record.events(ctx, name)
	if err != nil {
		return nil, err
	}
	var all []HistoryEvent
	states := map[int]string{}
	for _, ev := range events {
		if ev.State != "" {
			states[ev.Frame] = ev.State
		}
		if !ev.internal() {
			all = append(all, HistoryEvent{ID: ev.ID, Previous: ev.Prev, Type: ev.Type, Timestamp: time.UnixMilli(ev.At).UTC(), Details: ev.details()})
		}
	}
	return all, nil
}

// details are the members that the service gives an event of this type.
func (e event) details() map[string]any {
	d := map[string]any{}
	put := func(key string, value any) { d[key] = value }
	failure := func() {
		if e.Error != "" {
			put("error", e.Error)
		}
		if e.Cause != "" {
			put("cause", e.Cause)
		}
	}
	switch e.Type {
	case "ExecutionStarted":
		put("input", e.Input)
	case "ExecutionSucceeded":
		put("output", e.Output)
	case "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted":
		failure()
	case "TaskScheduled":
		put("parameters", e.Input)
		put("resource", resource(e.Wait))
		put("resourceType", "lambda")
		if e.Timeout > 0 {
			put("timeoutInSeconds", e.Timeout)
		}
		if e.Heartbeat > 0 {
			put("heartbeatInSeconds", e.Heartbeat)
		}
	case "TaskStarted", "TaskSubmitted", "TaskFailed", "TaskTimedOut", "TaskSucceeded":
		put("resource", "invoke")
		put("resourceType", "lambda")
		failure()
		if e.Output != nil {
			put("output", e.Output)
		}
	case "EvaluationFailed":
		failure()
		put("state", e.State)
		if e.Location != "" {
			put("location", e.Location)
		}
	case "MapStateStarted":
		put("length", len(e.Items))
	case "MapIterationStarted", "MapIterationSucceeded", "MapIterationFailed", "MapIterationAborted":
		put("name", e.State)
		put("index", e.Index)
	default:
		e.stateDetails(put)
	}
	return d
}

func (e event) stateDetails(put func(string, any)) {
	if e.State == "" {
		return
	}
	put("name", e.State)
	if e.Input != nil {
		put("input", e.Input)
	}
	if e.Output != nil {
		put("output", e.Output)
	}
	if len(e.Assign) > 0 {
		put("assignedVariables", e.Assign)
	}
}

func resource(wait bool) string {
	if wait {
		return "invoke.waitForTaskToken"
	}
	return "invoke"
}
