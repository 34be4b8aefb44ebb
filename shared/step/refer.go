package step

import (
	"context"
	"time"

	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/rights"
)

// Refer tells the person whose job the request is: the data is another
// company's, for whom we only keep it.
//
// GDPR Art. 28(3)(e): the processor assists, the controller answers.
type Refer struct {
	Store rights.Requests
	Post  notice.Post
	Now   func() time.Time
}

// Do refers.
func (s Refer) Do(ctx context.Context, in GroundIn) (Out, error) {
	r, err := refused(ctx, s.Store, in, s.Now())
	if err != nil {
		return Out{}, err
	}
	return Out{}, s.Post.Send(ctx, r, notice.Referred, nil)
}
