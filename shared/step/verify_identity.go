package step

import (
	"context"
	"time"

	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/rights"
)

// VerifyIdentity waits until the person proves that mail to the address reaches
// them. The portal ends the wait; the workflow's own timer ends it in Expire. A
// right that needs no proof waits for nobody.
type VerifyIdentity struct {
	Store  rights.Requests
	Outbox outbox.Outbox
	Now    func() time.Time
}

// Do leaves the token for the portal.
func (s VerifyIdentity) Do(ctx context.Context, in WaitIn) (Out, error) {
	r, err := going(ctx, s.Store, in.Request)
	if err != nil {
		return Out{}, err
	}
	r.Wait = rights.Wait{For: rights.ForProof, Token: in.Token}
	var change rights.Change
	if r.Reason != rights.NeedsProof {
		// No proof is needed, or the person was faster than this step: the wait is over.
		change.Signals = r.Resume("{}", s.Now())
	}
	if _, err := s.Store.Move(ctx, r, change); err != nil {
		return Out{}, err
	}
	s.Outbox.Deliver(ctx, change.Signals...)
	return Out{}, nil
}
