package step

import (
	"context"
	"time"

	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/rights"
)

// Review waits until an operator approves the plan or denies the request. The
// console ends the wait.
type Review struct {
	Store  rights.Requests
	Outbox outbox.Outbox
	Now    func() time.Time
}

// Do asks for the review.
func (s Review) Do(ctx context.Context, in WaitIn) (Out, error) {
	r, err := going(ctx, s.Store, in.Request)
	if err != nil {
		return Out{}, err
	}
	wait := rights.Wait{For: rights.ForReview, Token: in.Token}
	var change rights.Change
	if !r.Plan.ApprovedAt.IsZero() {
		r.Wait = wait
		change.Signals = r.Resume("{}", s.Now())
	} else if r, err = r.ToReview(wait); err != nil {
		return Out{}, err
	} else {
		change.Events = []rights.Event{r.Record(s.Now(), rights.ByRightful, rights.ReviewAsked, map[string]string{"plan": r.Plan.Hash})}
	}
	if _, err := s.Store.Move(ctx, r, change); err != nil {
		return Out{}, err
	}
	s.Outbox.Deliver(ctx, change.Signals...)
	return Out{}, nil
}
