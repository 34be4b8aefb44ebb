package work

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/rightful/rightful/shared/bundle"
	"github.com/rightful/rightful/shared/onward"
	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/rights"
)

// Sweep finds again what a crash or a lost message left behind: signals that were
// not delivered, tasks that are due, people who chose anew, records whose time is over.
type Sweep struct {
	Store      rights.Store
	Outbox     outbox.Outbox
	Queue      rights.Queue
	Flow       rights.Flow
	Onward     onward.Onward
	Vault      bundle.Vault
	Forget     func(context.Context, rights.ID) error // what else keeps mails of a request; nil for nothing
	ExportLife time.Duration                          // how long an export is kept; 0 for as long as the record
	Now        func() time.Time
	Log        *slog.Logger
}

// Run sweeps once and returns how many things it set going.
func (s Sweep) Run(ctx context.Context) (int, error) {
	signals, err1 := s.Outbox.Flush(ctx)
	due, err2 := s.Store.DueTasks(ctx, s.Now(), 1000)
	err3 := s.Queue.Hand(ctx, due...)
	told, err7 := s.Onward.Tell(ctx)
	over, err4 := s.Store.CheckWaves(ctx, s.Now())
	s.Outbox.Deliver(ctx, over...)
	removed, err5 := s.dropExports(ctx)
	erased, err6 := s.erase(ctx)
	return signals + len(due) + told + len(over) + removed + erased, errors.Join(err1, err2, err3, err4, err5, err6, err7)
}

// Recover makes the tasks due at once that a process held when it died, and
// sweeps. Only one process on one machine may call it, before it starts to work.
func (s Sweep) Recover(ctx context.Context) error {
	held, err := s.Store.DueTasks(ctx, s.Now().Add(Lease), 100_000)
	if err != nil {
		return err
	}
	for _, id := range held {
		t, err := s.Store.Task(ctx, id)
		if err != nil {
			return err
		}
		if t.Due = s.Now(); t.Open() {
			// The workflow has gone on already and may be handing the same task over.
			if _, _, err := s.Store.MoveTask(ctx, t, nil); ignoreConflict(err) != nil {
				return err
			}
		}
	}
	_, err = s.Run(ctx)
	return err
}

// dropExports removes the exports that can't be fetched any more.
func (s Sweep) dropExports(ctx context.Context) (int, error) {
	if s.ExportLife == 0 {
		return 0, nil
	}
	over, _, err := s.Store.List(ctx, rights.Filter{ExportBefore: s.Now().Add(-s.ExportLife), Limit: 100})
	if err != nil {
		return 0, err
	}
	for _, r := range over {
		// The file goes first: until the request says so, the next sweep looks again.
		if err := s.Vault.Remove(ctx, r.ID, r.Export); err != nil {
			return 0, fmt.Errorf("couldn't remove the export of %s: %w", r.ID, err)
		}
		r.Export = ""
		line := r.Record(s.Now(), rights.ByRightful, rights.ExportGone, nil)
		if _, err := s.Store.Move(ctx, r, rights.Change{Events: []rights.Event{line}}); ignoreConflict(err) != nil {
			return 0, err
		}
	}
	return len(over), nil
}

// erase removes the records whose retention is over.
func (s Sweep) erase(ctx context.Context) (int, error) {
	over, _, err := s.Store.List(ctx, rights.Filter{EraseAfter: s.Now(), Limit: 100})
	if err != nil {
		return 0, err
	}
	for _, r := range over {
		// The store goes last: until then the next sweep finds the request again.
		steps := []func(context.Context, rights.ID) error{
			func(ctx context.Context, id rights.ID) error { return s.Vault.Remove(ctx, id) },
			s.Flow.Forget, s.Forget, s.Store.Erase,
		}
		for _, step := range steps {
			if step == nil {
				continue
			}
			if err := step(ctx, r.ID); err != nil {
				return 0, fmt.Errorf("couldn't erase %s after its retention: %w", r.ID, err)
			}
		}
		s.Log.InfoContext(ctx, "erased a record after its retention", "request", r.ID)
	}
	return len(over), nil
}
