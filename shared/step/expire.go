package step

import (
	"context"
	"time"

	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/rights"
)

// Expire ends a request whose proof never came, and says how to ask again. A
// person who asked for a new link meanwhile gets the time that this link has.
type Expire struct {
	Store rights.Requests
	Post  notice.Post
	Now   func() time.Time
}

// ExpireOut tells the workflow whether it is over, and otherwise how long to wait.
type ExpireOut struct {
	Expired      bool `json:"expired"`
	ProofSeconds int  `json:"proof_seconds"`
}

// Do expires.
func (s Expire) Do(ctx context.Context, in In) (ExpireOut, error) {
	r, err := s.Store.Get(ctx, in.Request)
	if err != nil {
		return ExpireOut{}, err
	}
	now := s.Now()
	if r.Status != rights.Lapsed {
		if r, err = going(ctx, s.Store, in.Request); err != nil {
			return ExpireOut{}, err
		}
		if r.Reason != rights.NeedsProof || now.Before(r.Proof.ExpiresAt) {
			return ExpireOut{ProofSeconds: wholeSeconds(r.Proof.ExpiresAt.Sub(now))}, nil
		}
		if r, err = r.Lapse(now); err != nil {
			return ExpireOut{}, err
		}
		r.Wait = rights.Wait{}
		line := r.Record(now, rights.ByRightful, rights.WasLapsed, nil)
		if r, err = s.Store.Move(ctx, r, rights.Change{Events: []rights.Event{line}}); err != nil {
			return ExpireOut{}, err
		}
	}
	return ExpireOut{Expired: true}, s.Post.Send(ctx, r, notice.Expired, nil)
}
