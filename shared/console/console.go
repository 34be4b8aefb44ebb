// Package console is what the operator uses: the requests that wait for somebody,
// and the decisions about them.
//
// It promises that a decision, its ledger line and the signal that carries it to
// the workflow are stored together, that an approval holds for the plan it names
// and no other, and that nothing it shows by itself names a person: whoever has to
// see the person asks for it with a reason, which the ledger keeps.
//
// It leaves to the door in front of it who is an operator.
package console

import (
	"context"
	"log/slog"
	"time"

	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/preference"
	"github.com/rightful/rightful/shared/rights"
)

// Console carries out what an operator may do.
type Console struct {
	Store   rights.Store
	Systems []connector.System
	Queue   rights.Queue
	Outbox  outbox.Outbox
	Now     func() time.Time
	Log     *slog.Logger

	Choices preference.Center
}

// Approve lets a request go on with the plan that the operator has seen.
func (c Console) Approve(ctx context.Context, id rights.ID, plan string) (rights.Request, error) {
	r, err := c.Store.Get(ctx, id)
	if err != nil {
		return r, err
	}
	if r.Reason != rights.NeedsReview {
		return r, &rights.Error{Code: rights.NotNow, Detail: "This request doesn't wait for an approval. Look at what it waits for."}
	}
	if plan != r.Plan.Hash {
		return r, &rights.Error{Code: rights.PlanChanged, Detail: "The plan you approve is not today's. Look at the request again and approve the plan it shows.", Fields: []rights.Field{{Name: "plan", Detail: "Send the plan that the request shows."}}}
	}
	now := c.Now()
	signals := r.Resume("{}", now)
	next, err := r.Back()
	if err != nil {
		return r, err
	}
	next.Plan.ApprovedAt = now.UTC()
	line := next.Record(now, rights.ByOperator, rights.Approved, map[string]string{"plan": plan})
	return c.move(ctx, next, rights.Change{Events: []rights.Event{line}, Signals: signals})
}

// Deny refuses a request before anything was done for it. The explanation goes to
// the person as it is.
//
// GDPR Art. 12(4): the reasons have to be given.
func (c Console) Deny(ctx context.Context, id rights.ID, ground rights.Reason, explanation string) (rights.Request, error) {
	r, err := c.Store.Get(ctx, id)
	if err != nil {
		return r, err
	}
	if !ground.Ground() {
		return r, &rights.Error{Code: rights.Invalid, Detail: "Name one of the grounds for a refusal.", Fields: []rights.Field{{Name: "ground", Detail: "Use one of: suspected_fraud, insuf_verification, no_match, claim_not_covered, outside_jurisdiction, too_many_requests, other."}}}
	}
	if r.Reason == rights.AtSystems || r.Status.Closed() {
		return r, &rights.Error{Code: rights.NotNow, Detail: "This request is being carried out or is over, so it can't be denied any more. Skip single systems instead, with a reason."}
	}
	personal, err := c.Store.Personal(ctx, id)
	if err != nil {
		return r, err
	}
	personal.Explanation = explanation
	if personal, err = personal.Clean(); err != nil {
		return r, err
	}
	now := c.Now()
	next, err := r.Refuse(ground, now.UTC())
	if err != nil {
		return r, err
	}
	line := next.Record(now, rights.ByOperator, rights.WasDenied, map[string]string{"ground": string(ground)})
	return c.move(ctx, next, rights.Change{Events: []rights.Event{line}, Signals: next.Interrupt(rights.Denied, now), Personal: &personal})
}

// Reveal shows whose request it is, to somebody who says why they have to know.
func (c Console) Reveal(ctx context.Context, id rights.ID, reason string) (rights.Personal, error) {
	if err := needReason(reason); err != nil {
		return rights.Personal{}, err
	}
	r, err := c.Store.Get(ctx, id)
	if err != nil {
		return rights.Personal{}, err
	}
	line := r.Record(c.Now(), rights.ByOperator, rights.Revealed, map[string]string{"reason": reason})
	// The line comes first: nobody sees a person without a trace.
	if _, err := c.move(ctx, r, rights.Change{Events: []rights.Event{line}}); err != nil {
		return rights.Personal{}, err
	}
	return c.Store.Personal(ctx, id)
}

func (c Console) move(ctx context.Context, r rights.Request, change rights.Change) (rights.Request, error) {
	moved, err := c.Store.Move(ctx, r, change)
	if err == nil {
		c.Outbox.Deliver(ctx, change.Signals...)
	}
	return moved, err
}

func needReason(reason string) error {
	if reason == "" || len(reason) > 500 {
		return &rights.Error{Code: rights.Invalid, Detail: "Give a reason of at most 500 characters; it goes into the ledger, so name nobody in it.", Fields: []rights.Field{{Name: "reason", Detail: "Give a reason of at most 500 characters."}}}
	}
	return nil
}
