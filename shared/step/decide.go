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

// Verdict is what Decide found.
type Verdict string

const (
	VerdictProceed Verdict = "proceed"
	VerdictRefer   Verdict = "refer"  // the data is another company's (GDPR Art. 28(3)(e))
	VerdictRefuse  Verdict = "refuse" // on DecideOut's ground
)

// DecideOut tells the workflow where to go.
type DecideOut struct {
	Verdict Verdict       `json:"verdict"`
	Ground  rights.Reason `json:"ground"`
}

// Do decides.
func (s Decide) Do(ctx context.Context, in In) (DecideOut, error) {
	r, err := going(ctx, s.Store, in.Request)
	if err != nil {
		return DecideOut{}, err
	}
	out := DecideOut{Verdict: VerdictProceed}
	if s.Policy.Processor {
		out = DecideOut{Verdict: VerdictRefer, Ground: rights.OutsideLaw}
	} else if earlier, err := s.earlier(ctx, r); err != nil {
		return DecideOut{}, err
	} else if earlier != "" {
		out, r.Duplicate = DecideOut{Verdict: VerdictRefuse, Ground: rights.TooFrequent}, earlier
	}
	r.Wait = rights.Wait{}
	line := r.Record(s.Now(), rights.ByRightful, rights.Decided, map[string]string{"verdict": string(out.Verdict), "ground": string(out.Ground)})
	_, err = s.Store.Move(ctx, r, rights.Change{Events: []rights.Event{line}})
	return out, err
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
