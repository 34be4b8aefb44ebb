package step

import (
	"context"

	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/rights"
)

// Refer tells the person whose job the request is: the data is another
// company's, for whom we only keep it. Decide has closed it before.
//
// GDPR Art. 28(3)(e): the processor assists, the controller answers.
type Refer struct {
	Store rights.Requests
	Post  notice.Post
}

// Do refers.
func (s Refer) Do(ctx context.Context, in In) (Out, error) {
	r, err := s.Store.Get(ctx, in.Request)
	if err != nil {
		return Out{}, err
	}
	if r.Status != rights.Refused {
		return Out{}, seeAgain(r, "Refer")
	}
	return Out{}, s.Post.Send(ctx, r, notice.Referred, nil)
}
