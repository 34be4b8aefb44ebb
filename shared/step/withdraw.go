package step

import (
	"context"
	"time"

	"github.com/rightful/rightful/shared/bundle"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/rights"
)

// Withdraw clears up after a person who took the request back: what was exported
// is thrown away, shares that are still open are left out, and the person is told
// what had been done before.
type Withdraw struct {
	Store   rights.Store
	Systems []connector.System
	Vault   bundle.Vault
	Post    notice.Post
	Now     func() time.Time
}

// Do clears up.
func (s Withdraw) Do(ctx context.Context, in In) (Out, error) {
	r, err := s.Store.Get(ctx, in.Request)
	if err != nil {
		return Out{}, err
	}
	if r.Status != rights.Revoked {
		return Out{}, seeAgain(r, "Withdraw")
	}
	if err := s.Vault.Remove(ctx, r.ID); err != nil {
		return Out{}, err
	}
	tasks, err := s.Store.TasksOf(ctx, r.ID)
	if err != nil {
		return Out{}, err
	}
	for i, t := range tasks {
		if t.Open() {
			t.Note = "the person took the request back"
			// A worker that ends the share in this instant wins; the next try sees it.
			if tasks[i], _, err = s.Store.MoveTask(ctx, t.End(rights.Skipped, s.Now()), nil); err != nil {
				return Out{}, err
			}
		}
	}
	return Out{}, s.Post.Send(ctx, r, notice.WithdrawnByPerson, lines(s.Systems, tasks))
}
