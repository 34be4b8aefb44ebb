package console

import (
	"context"

	"github.com/rightful/rightful/shared/rights"
)

// Retry hands a system's share to the workers again, at once.
func (c Console) Retry(ctx context.Context, id rights.ID, system string) (rights.Task, error) {
	return c.decide(ctx, id, system, rights.TaskRetried, "", func(t rights.Task) rights.Task {
		t.Outcome, t.Tries, t.Due, t.Note = "", 0, c.Now(), ""
		return t
	})
}

// Skip leaves a system out, for a reason.
func (c Console) Skip(ctx context.Context, id rights.ID, system, reason string) (rights.Task, error) {
	return c.end(ctx, id, system, rights.TaskSkipped, rights.Skipped, reason)
}

// Done records that somebody carried the share out by hand. Evidence says where
// that can be seen: a ticket's number, never a person's data.
func (c Console) Done(ctx context.Context, id rights.ID, system, reason, evidence string) (rights.Task, error) {
	if evidence != "" {
		reason += " (" + evidence + ")"
	}
	return c.end(ctx, id, system, rights.TaskByHand, rights.ByHand, reason)
}

func (c Console) end(ctx context.Context, id rights.ID, system string, kind rights.EventKind, outcome rights.Outcome, reason string) (rights.Task, error) {
	if err := needReason(reason); err != nil {
		return rights.Task{}, err
	}
	return c.decide(ctx, id, system, kind, reason, func(t rights.Task) rights.Task {
		t.Note = reason
		return t.End(outcome, c.Now())
	})
}

// decide moves the open share of a system together with its ledger line.
func (c Console) decide(ctx context.Context, id rights.ID, system string, kind rights.EventKind, reason string, change func(rights.Task) rights.Task) (rights.Task, error) {
	r, err := c.Store.Get(ctx, id)
	if err != nil {
		return rights.Task{}, err
	}
	t, err := c.share(ctx, id, system)
	if err != nil {
		return t, err
	}
	detail := map[string]string{"system": system, "action": string(t.Action)}
	if reason != "" {
		detail["reason"] = reason
	}
	line := r.Record(c.Now(), rights.ByOperator, kind, detail)
	moved, signals, err := c.Store.MoveTask(ctx, change(t), &rights.Decision{Request: r, Events: []rights.Event{line}})
	if err != nil {
		return t, err
	}
	c.Outbox.Deliver(ctx, signals...)
	if moved.Open() {
		return moved, c.Queue.Hand(ctx, moved.ID)
	}
	return moved, nil
}

// share finds the one share of a system that is still open: a request asks a
// system to locate and to act, but never both at once.
func (c Console) share(ctx context.Context, id rights.ID, system string) (rights.Task, error) {
	tasks, err := c.Store.TasksOf(ctx, id)
	if err != nil {
		return rights.Task{}, err
	}
	known := false
	for _, t := range tasks {
		if t.System == system {
			known = true
			if t.Open() {
				return t, nil
			}
		}
	}
	if known {
		return rights.Task{}, &rights.Error{Code: rights.NotNow, Detail: "This system is through with the request. There is nothing left to decide."}
	}
	return rights.Task{}, &rights.Error{Code: rights.NotFound, Detail: "The request has no such system. Look at the names it shows."}
}
