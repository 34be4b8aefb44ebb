package step

import (
	"context"
	"time"

	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/rights"
)

// Refuse tells the person that the request is not carried out, why, and whom they
// can turn to. An operator's denial has closed the request already; a ground that
// Decide found closes it here.
//
// GDPR Art. 12(4): the reasons, the complaint and the remedy, within one month.
type Refuse struct {
	Store rights.Requests
	Post  notice.Post
	Now   func() time.Time
}

// GroundIn names the ground that Decide found, "" after an operator's denial.
type GroundIn struct {
	Request rights.ID     `json:"request"`
	Ground  rights.Reason `json:"ground"`
}

// Do refuses.
func (s Refuse) Do(ctx context.Context, in GroundIn) (Out, error) {
	r, err := refused(ctx, s.Store, in, s.Now())
	if err != nil {
		return Out{}, err
	}
	return Out{}, s.Post.Send(ctx, r, notice.Refused, nil)
}

// refused closes the request on the ground unless it is closed. Refuse and Refer
// share it.
func refused(ctx context.Context, store rights.Requests, in GroundIn, now time.Time) (rights.Request, error) {
	r, err := store.Get(ctx, in.Request)
	if err != nil || r.Status == rights.Refused {
		return r, err
	}
	if r, err = going(ctx, store, in.Request); err != nil {
		return r, err
	}
	if r, err = r.Refuse(in.Ground, now); err != nil {
		return r, err
	}
	r.Wait = rights.Wait{}
	line := r.Record(now, rights.ByRightful, rights.WasDenied, map[string]string{"ground": string(in.Ground)})
	return store.Move(ctx, r, rights.Change{Events: []rights.Event{line}})
}
