package step

import (
	"context"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// Close seals the ledger and starts the clock after which the record itself is
// erased.
//
// 11 CCR § 7101: keep records of requests for 24 months. GDPR Art. 5(1)(e): no
// longer than is needed.
type Close struct {
	Store  rights.Requests
	Policy rights.Policy
	Now    func() time.Time
}

// Do closes.
func (s Close) Do(ctx context.Context, in In) (Out, error) {
	r, err := s.Store.Get(ctx, in.Request)
	if err != nil {
		return Out{}, err
	}
	if !r.RetainUntil.IsZero() {
		return Out{}, nil
	}
	if !r.Status.Closed() {
		return Out{}, seeAgain(r, "Close")
	}
	r.RetainUntil, r.Wait = r.ClosedAt.Add(s.Policy.Retention), rights.Wait{}
	line := r.Record(s.Now(), rights.ByRightful, rights.Sealed, map[string]string{"status": string(r.Status), "erase_on": r.RetainUntil.Format(time.DateOnly)})
	_, err = s.Store.Move(ctx, r, rights.Change{Events: []rights.Event{line}})
	return Out{}, err
}
