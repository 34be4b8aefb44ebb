package step

import (
	"context"
	"fmt"
	"slices"
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

// Do hands the wave over.
func (s FulfilWave) Do(ctx context.Context, in WaitIn) (Out, error) {
	r, err := going(ctx, s.Store, in.Request)
	if err != nil {
		return Out{}, err
	}
	done, err := s.Store.TasksOf(ctx, r.ID)
	if err != nil {
		return Out{}, err
	}
	var planned []rights.Event
	if r.Plan.Hash == "" {
		hash, records := rights.PlanOf(r, done)
		r.Plan = rights.Plan{Hash: hash}
		planned = []rights.Event{r.Record(s.Now(), rights.ByRightful, rights.Planned, map[string]string{"plan": hash, "systems": fmt.Sprint(len(s.concerned(r))), "records": fmt.Sprint(records)})}
	}
	if s.Policy.NeedsReview(r) && r.Plan.ApprovedAt.IsZero() {
		return Out{}, s.unapproved(ctx, r, planned)
	}
	wave, then := s.next(r, done)
	var tasks []rights.Task
	for _, system := range s.concerned(r) {
		if system.Wave() == wave {
			tasks = append(tasks, s.share(r, system, done))
		}
	}
	h := handover{s.Store, s.Queue, s.Outbox, s.Now}
	w := rights.Wave{Key: fmt.Sprintf("%s.%s.%d", r.ID, r.Right.Action(), wave), Request: r.ID, Token: in.Token, Then: then}
	return Out{}, h.wave(ctx, r, w, planned, tasks)
}

// unapproved keeps the plan for whoever has to approve it.
func (s FulfilWave) unapproved(ctx context.Context, r rights.Request, planned []rights.Event) error {
	if len(planned) > 0 {
		back, err := r.Back()
		if err != nil {
			return err
		}
		back.Wait = rights.Wait{}
		if _, err := s.Store.Move(ctx, back, rights.Change{Events: planned}); err != nil {
			return err
		}
	}
	return &rights.Error{Code: rights.Unapproved, Detail: "An operator has to approve the plan first."}
}

// concerned are the systems that a request is about: one that holds no data only hears
// of choices.
func (s FulfilWave) concerned(r rights.Request) []connector.System {
	return slices.DeleteFunc(slices.Clone(s.Systems), func(system connector.System) bool {
		return !system.Holds() && r.Right.Action() != rights.Suppress
	})
}

// next is the first wave in which somebody's share isn't over, and where the workflow
// goes on after it. Where no share is left the wave is empty, and over at once.
func (s FulfilWave) next(r rights.Request, done []rights.Task) (wave int, then rights.Code) {
	var waves []int
	for _, system := range s.concerned(r) {
		id := rights.NewTaskID(r.ID, r.Right.Action(), system.Name())
		over := slices.ContainsFunc(done, func(t rights.Task) bool { return t.ID == id && !t.Open() })
		if !over {
			waves = append(waves, system.Wave())
		}
	}
	slices.Sort(waves)
	waves = slices.Compact(waves)
	if len(waves) > 0 {
		wave = waves[0]
	}
	switch {
	case len(waves) > 1:
		then = rights.NextWave
	case r.Right.Action() == rights.Export:
		then = rights.Exported
	}
	return wave, then
}

// share is what one system has to do: its action, nothing where it holds nothing,
// and a person's work where no machine can do it.
func (s FulfilWave) share(r rights.Request, system connector.System, done []rights.Task) rights.Task {
	action, now := r.Right.Action(), s.Now()
	t := newTask(r, action, system, system.Wave(), now)
	var plan rights.Task
	if i := slices.IndexFunc(done, func(t rights.Task) bool { return t.Action == rights.Locate && t.System == system.Name() }); i >= 0 {
		plan = done[i]
	}
	switch {
	case plan.Outcome == rights.NoData, plan.Outcome == rights.Skipped:
		t.Note = plan.Note
		return t.End(plan.Outcome, now)
	case action == rights.Manual || !system.Does(action):
		t.Outcome, t.Due = rights.NeedsAttention, time.Time{}
		t.Note = "nobody has taught this system to do it: do it by hand and mark it done"
	}
	return t
}
