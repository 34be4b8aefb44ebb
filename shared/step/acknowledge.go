package step

import (
	"context"
	"time"

	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/rights"
)

// Acknowledge puts the request to work and tells the person that it arrived,
// with the link and the code where the address has to be proved.
//
// 11 CCR § 7021(a): confirm receipt within 10 business days. GDPR Art. 12(6): ask
// for proof only where it is needed.
type Acknowledge struct {
	Store  rights.Requests
	Post   notice.Post
	Policy rights.Policy
	Now    func() time.Time
}

// AcknowledgeOut tells the workflow how long to wait for a proof.
type AcknowledgeOut struct {
	ProofSeconds int `json:"proof_seconds"`
}

// Do acknowledges.
func (s Acknowledge) Do(ctx context.Context, in In) (AcknowledgeOut, error) {
	r, err := going(ctx, s.Store, in.Request)
	if err != nil {
		return AcknowledgeOut{}, err
	}
	now := s.Now()
	if r.Status == rights.Open {
		if r, err = r.Acknowledged(r.Proof.Renew(now, s.Policy.ProofLife)); err != nil {
			return AcknowledgeOut{}, err
		}
		line := r.Record(now, rights.ByRightful, rights.Acknowledged, map[string]string{"regime": string(r.Regime), "expected_by": r.ExpectedBy.Format(time.DateOnly)})
		if r, err = s.Store.Move(ctx, r, rights.Change{Events: []rights.Event{line}}); err != nil {
			return AcknowledgeOut{}, err
		}
	}
	// A crash before this line sends the letter on the next try, a crash after it
	// sends it once more under the same key.
	if err := s.Post.Send(ctx, r, notice.Acknowledged, nil); err != nil {
		return AcknowledgeOut{}, err
	}
	return AcknowledgeOut{ProofSeconds: wholeSeconds(r.Proof.ExpiresAt.Sub(now))}, nil
}
