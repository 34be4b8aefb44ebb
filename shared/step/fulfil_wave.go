package step

import (
	"context"
	"fmt"
	"time"

	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/rights"
)

// FulfilWave hands each system of one wave its share and waits until all are
// through, however long they take and however many tries they need. It is the point
// of no return: where policy asks for an operator's eyes it is Unapproved until
// they have approved the plan.
type FulfilWave struct {
	Store   rights.Store
	Systems []connector.System
	Queue   rights.Queue
	Outbox  outbox.Outbox
	Policy  rights.Policy
	Now     func() time.Time
}

// FulfilWaveIn names the wave.
type FulfilWaveIn struct {
	Request rights.ID `json:"request"`
	Wave    int       `json:"wave"`
	Token   string    `json:"token"`
}

// Do hands the wave over.
func (s FulfilWave) Do(ctx context.Context, in FulfilWaveIn) (Out, error) {
	r, err := going(ctx, s.Store, in.Request)
	if err != nil {
		return Out{}, err
	}
	if s.Policy.NeedsReview(r) && r.Plan.ApprovedAt.IsZero() {
		return Out{}, &rights.Error{Code: rights.Unapproved, Detail: "An operator has to approve the plan first."}
	}
	located, err := s.located(ctx, r)
	if err != nil {
		return Out{}, err
	}
	var tasks []rights.Task
	for _, system := range s.Systems {
		if system.Wave() == in.Wave {
			tasks = append(tasks, s.share(r, system, in.Wave, located))
		}
	}
	action := r.Right.Action()
	h := handover{s.Store, s.Queue, s.Outbox, s.Now}
	return Out{}, h.wave(ctx, r, fmt.Sprintf("%s.%s.%d", r.ID, action, in.Wave), in.Token, tasks)
}

func (s FulfilWave) located(ctx context.Context, r rights.Request) (map[string]rights.Task, error) {
	tasks, err := s.Store.TasksOf(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	located := map[string]rights.Task{}
	for _, t := range tasks {
		if t.Action == rights.Locate {
			located[t.System] = t
		}
	}
	return located, nil
}

// share is what one system has to do: its action, nothing where it holds nothing,
// and a person's work where no machine can do it.
func (s FulfilWave) share(r rights.Request, system connector.System, wave int, located map[string]rights.Task) rights.Task {
	action, now := r.Right.Action(), s.Now()
	t := newTask(r, action, system, wave, now)
	switch plan := located[system.Name()]; {
	case plan.Outcome == rights.NoData, plan.Outcome == rights.Skipped:
		t.Note = plan.Note
		return t.End(plan.Outcome, now)
	case action == rights.Manual || !system.Does(action):
		t.Outcome, t.Due = rights.NeedsAttention, time.Time{}
		t.Note = "nobody has taught this system to do it: do it by hand and mark it done"
	}
	return t
}
