package step

import (
	"context"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// Decide applies the policy: is this our job or another company's, is the same
// request being carried out already, or does it go on.
type Decide struct {
	Store  rights.Requests
	Policy rights.Policy
	Now    func() time.Time
}

// Do decides. It closes what we don't carry out and says so to the workflow by an
// error: Denied, or Referred where the data is another company's.
func (s Decide) Do(ctx context.Context, in In) (Out, error) {
	r, err := going(ctx, s.Store, in.Request)
	if err != nil {
		return Out{}, s.referred(r, err)
	}
	now, ground := s.Now(), rights.NoReason
	if s.Policy.Processor {
		ground = rights.OutsideLaw
	} else if r.Duplicate, err = s.earlier(ctx, r); err != nil {
		return Out{}, err
	} else if r.Duplicate != "" {
		ground = rights.TooFrequent
	}
	line := rights.Decided
	if ground != rights.NoReason {
		if r, err = r.Refuse(ground, now); err != nil {
			return Out{}, err
		}
		line = rights.WasDenied
	}
	r.Wait = rights.Wait{}
	event := r.Record(now, rights.ByRightful, line, map[string]string{"ground": string(ground)})
	if r, err = s.Store.Move(ctx, r, rights.Change{Events: []rights.Event{event}}); err != nil {
		return Out{}, err
	}
	_, err = going(ctx, s.Store, r.ID)
	return Out{}, s.referred(r, err)
}

// referred makes Denied into Referred where the data is another company's, whose
// processor we are (GDPR Art. 28(3)(e)).
func (s Decide) referred(r rights.Request, err error) error {
	if rights.CodeOf(err) == rights.Denied && r.Reason == rights.OutsideLaw && s.Policy.Processor {
		return &rights.Error{Code: rights.Referred, Detail: "The data is another company's, which has to answer."}
	}
	return err
}

// earlier finds a request for the same right by the same proven address that is
// still being carried out. It looks only after the proof, so that nobody learns
// from the outside what somebody else has asked for.
func (s Decide) earlier(ctx context.Context, r rights.Request) (rights.ID, error) {
	f := rights.Filter{SubjectKey: r.SubjectKey, Right: r.Right, Status: rights.InProgress, Limit: 500}
	others, _, err := s.Store.List(ctx, f)
	if err != nil {
		return "", err
	}
	for _, other := range others {
		first := other.ProvenAt.Before(r.ProvenAt) || other.ProvenAt.Equal(r.ProvenAt) && other.ID < r.ID
		if other.ID != r.ID && other.Reason != rights.NeedsProof && first {
			return other.ID, nil
		}
	}
	return "", nil
}
