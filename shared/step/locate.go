package step

import (
	"context"
	"fmt"
	"time"

	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/rights"
)

// Locate asks every system, read-only, what it holds of the person. Nothing is
// changed anywhere before the answers are a plan.
type Locate struct {
	Store   rights.Store
	Systems []connector.System
	Queue   rights.Queue
	Outbox  outbox.Outbox
	Now     func() time.Time
}

// Do hands the questions over.
func (s Locate) Do(ctx context.Context, in WaitIn) (Out, error) {
	r, err := going(ctx, s.Store, in.Request)
	if err != nil {
		return Out{}, err
	}
	var tasks []rights.Task
	for _, system := range s.Systems {
		if action := r.Right.Action(); (action == rights.Export || action == rights.Erase) && system.Does(action) && system.Does(rights.Locate) {
			tasks = append(tasks, newTask(r, rights.Locate, system, 0, s.Now()))
		}
	}
	h := handover{s.Store, s.Queue, s.Outbox, s.Now}
	w := rights.Wave{Key: fmt.Sprintf("%s.%s", r.ID, rights.Locate), Request: r.ID, Token: in.Token}
	return Out{}, h.wave(ctx, r, w, nil, tasks)
}

func newTask(r rights.Request, action rights.Action, system connector.System, wave int, due time.Time) rights.Task {
	return rights.Task{ID: rights.NewTaskID(r.ID, action, system.Name()), Request: r.ID, System: system.Name(), Action: action, Wave: wave, Due: due}
}

// handover stores a wave and gives its tasks to the workers, with the lines that go
// into the ledger before it. Locate and FulfilWave share it.
type handover struct {
	store  rights.Store
	queue  rights.Queue
	outbox outbox.Outbox
	now    func() time.Time
}

func (h handover) wave(ctx context.Context, r rights.Request, w rights.Wave, before []rights.Event, tasks []rights.Task) error {
	now := h.now()
	w.At = now
	if r.Wait.Token != w.Token {
		var err error
		if r, err = r.Handed(rights.Wait{For: rights.ForWave, Wave: w.Key, Token: w.Token}); err != nil {
			return err
		}
		line := r.Record(now, rights.ByRightful, rights.WaveHanded, map[string]string{"wave": w.Key, "systems": fmt.Sprint(len(tasks))})
		if _, err = h.store.Move(ctx, r, rights.Change{Events: append(before, line)}); err != nil {
			return err
		}
	}
	// A crash here leaves a request that waits at systems without a wave: the
	// workflow tries this step again and opens it.
	signals, err := h.store.OpenWave(ctx, w, tasks)
	if err != nil {
		return err
	}
	h.outbox.Deliver(ctx, signals...)
	var due []rights.TaskID
	for _, t := range tasks {
		if t.Open() && !t.Due.IsZero() {
			due = append(due, t.ID)
		}
	}
	// The rows are the truth: what gets lost on the way is found by the sweep.
	return h.queue.Hand(ctx, due...)
}
