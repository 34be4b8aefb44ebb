package step

import (
	"context"

	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/rights"
)

// Refuse tells the person that the request is not carried out, why, and whom they
// can turn to. Decide or an operator has closed it before.
//
// GDPR Art. 12(4): the reasons, the complaint and the remedy, within one month.
type Refuse struct {
	Store rights.Requests
	Post  notice.Post
}

// Do tells.
func (s Refuse) Do(ctx context.Context, in In) (Out, error) {
	r, err := s.Store.Get(ctx, in.Request)
	if err != nil {
		return Out{}, err
	}
	if r.Status != rights.Refused {
		return Out{}, seeAgain(r, "Refuse")
	}
	return Out{}, s.Post.Send(ctx, r, notice.Refused, nil)
}
