package step

import (
	"context"
	"fmt"
	"time"

	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/rights"
)

// Notify ends the request as fulfilled and tells the person what each system did.
//
// GDPR Art. 12(3): information on action taken, within the deadline.
type Notify struct {
	Store   rights.Store
	Systems []connector.System
	Post    notice.Post
	Now     func() time.Time
}

// Do tells.
func (s Notify) Do(ctx context.Context, in In) (Out, error) {
	r, err := going(ctx, s.Store, in.Request)
	if err != nil {
		return Out{}, err
	}
	tasks, err := s.Store.TasksOf(ctx, r.ID)
	if err != nil {
		return Out{}, err
	}
	if !r.Status.Closed() {
		now := s.Now()
		if r, err = r.Fulfil(now); err != nil {
			return Out{}, err
		}
		r.Wait = rights.Wait{}
		line := r.Record(now, rights.ByRightful, rights.WasFulfilled, outcomes(tasks))
		if r, err = s.Store.Move(ctx, r, rights.Change{Events: []rights.Event{line}}); err != nil {
			return Out{}, err
		}
	}
	return Out{}, s.Post.Send(ctx, r, notice.Finished, lines(s.Systems, tasks))
}

// outcomes is what the ledger says of each system: a word and a count.
func outcomes(tasks []rights.Task) map[string]string {
	detail := map[string]string{}
	for _, t := range tasks {
		if t.Action != rights.Locate {
			detail[t.System] = fmt.Sprintf("%s %d", t.Outcome, t.Records())
		}
	}
	return detail
}

// lines is what a letter says of each system that got past the plan.
func lines(systems []connector.System, tasks []rights.Task) []notice.SystemLine {
	var all []notice.SystemLine
	for _, t := range tasks {
		if t.Action != rights.Locate {
			all = append(all, notice.SystemLine{Title: title(systems, t.System), Outcome: t.Outcome, Keeps: t.Keeps})
		}
	}
	return all
}
