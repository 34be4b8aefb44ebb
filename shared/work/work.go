// Package work carries out tasks: the share that one system has in a request.
//
// It promises that a task ends once, whoever answers first — the call, a late
// callback or an operator — and that a system's failure never fails the request:
// a share is tried again with growing pauses and then parked for an operator. The
// task's row is the truth; a message about it only says "look".
//
// It leaves to connector how a system is asked, to outbox how the workflow hears
// that a wave is over, and to console what an operator may decide.
package work

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/rightful/rightful/shared/bundle"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/unsubscribe"
)

// Worker carries out tasks.
type Worker struct {
	Store   rights.Store
	Systems []connector.System
	Vault   bundle.Vault
	Outbox  outbox.Outbox
	Links   rights.Links

	UnsubscribeKeys unsubscribe.Keys // opens the addresses that opt-outs bring

	Now    func() time.Time
	Jitter func() float64 // in [0,1), for the pauses; nil means none
	Log    *slog.Logger
}

const (
	// Lease is how long a task that was taken isn't handed out again. It is longer
	// than any call may last.
	Lease = 5 * time.Minute
	// MaxTries is how often a task is tried before it is parked: with Pause, some
	// nine hours.
	MaxTries   = 16
	firstPause = 5 * time.Second
	maxPause   = time.Hour
)

// Pause is how long to wait after the tries-th failure.
func Pause(tries int) time.Duration {
	pause := firstPause << min(max(tries-1, 0), 20)
	return min(pause, maxPause)
}

// Do carries out one task if it is due. It returns the task as it is afterwards;
// a task that ended meanwhile or that somebody else has taken is left alone.
func (w Worker) Do(ctx context.Context, id rights.TaskID) (rights.Task, error) {
	return w.do(ctx, id, &whose{store: w.Store})
}

// DoAll carries out tasks at once, as Do does each, and reads the request that they
// share once. It returns an error for each task, nil where it went well.
func (w Worker) DoAll(ctx context.Context, ids []rights.TaskID) []error {
	errs := make([]error, len(ids))
	of := &whose{store: w.Store}
	var group sync.WaitGroup
	for i, id := range ids {
		group.Go(func() { _, errs[i] = w.do(ctx, id, of) })
	}
	group.Wait()
	return errs
}

func (w Worker) do(ctx context.Context, id rights.TaskID, of *whose) (rights.Task, error) {
	t, err := w.Store.Task(ctx, id)
	if err != nil || !t.Open() || t.Due.IsZero() || t.Due.After(w.Now()) {
		return t, err
	}
	if t.ID.OfPerson() {
		return w.suppress(ctx, t)
	}
	r, personal, err := of.read(ctx, t.Request)
	if err != nil {
		return t, err
	}
	if r.Status.Closed() {
		return w.settle(ctx, t, func(t rights.Task) rights.Task {
			t.Note = "the request was over before this system was asked"
			return t.End(rights.Skipped, w.Now())
		})
	}
	// A retry moves its due time behind the lease: the sweep won't hand it out while
	// it runs, and a crash from here on makes it due again by itself. The first try
	// has the one message that whoever opened the wave sent, and saves the write.
	if len(t.Attempts) > 0 {
		t.Due = w.Now().Add(Lease)
		if t, _, err = w.Store.MoveTask(ctx, t, nil); err != nil {
			return t, ignoreConflict(err)
		}
	}
	answer, err := w.ask(ctx, t, personal.Subject)
	return w.settle(ctx, t, func(t rights.Task) rights.Task {
		if err != nil {
			return w.failed(t, err)
		}
		return w.answered(t, answer)
	})
}

// ask makes the call. What the system exports goes into the vault as it comes.
func (w Worker) ask(ctx context.Context, t rights.Task, subject rights.Subject) (connector.Answer, error) {
	system := w.system(t.System)
	if system == nil {
		return connector.Answer{}, &connector.Error{Problem: "no definition of this system is loaded", Final: true}
	}
	ctx, cancel := context.WithTimeout(ctx, Lease-30*time.Second)
	defer cancel()
	job := connector.Job{Task: t.ID, Subject: subject, Callback: w.Links.Callback(t), At: w.Now()}
	switch t.Action {
	case rights.Locate:
		return system.Locate(ctx, job)
	case rights.Erase:
		return system.Erase(ctx, job)
	case rights.Suppress:
		return system.Suppress(ctx, w.letAlone(job))
	case rights.Export:
		return w.collect(ctx, t, func(sink connector.Sink) (connector.Answer, error) { return system.Export(ctx, job, sink) })
	}
	return connector.Answer{}, &connector.Error{Problem: fmt.Sprintf("no machine can %s here", t.Action), Final: true}
}

// collect stores what export yields as the task's part. A part becomes visible as
// a whole or not at all, and a second try replaces it.
func (w Worker) collect(ctx context.Context, t rights.Task, export func(connector.Sink) (connector.Answer, error)) (connector.Answer, error) {
	file, err := w.Vault.Create(ctx, t.Request, bundle.PartName(t.System))
	if err != nil {
		return connector.Answer{}, err
	}
	part := bundle.NewPart(file)
	answer, err := export(func(collection string, record connector.Record) error { return part.Add(collection, record) })
	if err = errors.Join(err, part.Close()); err != nil {
		return answer, errors.Join(err, file.Abort())
	}
	return answer, file.Commit()
}

func (w Worker) answered(t rights.Task, a connector.Answer) rights.Task {
	t = t.Tried(w.Now(), "")
	t.Found, t.Keeps, t.Reference = a.Found, a.Keeps, a.Reference
	if a.Outcome.Ended() {
		return t.End(a.Outcome, w.Now())
	}
	// The vendor took it and answers later: nobody but it or an operator can move
	// the task now.
	t.Outcome, t.Due = rights.Accepted, time.Time{}
	return t
}

func (w Worker) failed(t rights.Task, err error) rights.Task {
	problem, final, after := "failed inside Rightful: see the log", false, time.Duration(0)
	if fault, ok := errors.AsType[*connector.Error](err); ok {
		problem, final, after = fault.Problem, fault.Final, fault.RetryAfter
	} else {
		w.Log.Error("a task failed", "task", t.ID, "error", err)
	}
	t = t.Tried(w.Now(), problem)
	if final || t.Tries >= MaxTries {
		t.Outcome, t.Due = rights.NeedsAttention, time.Time{}
		return t
	}
	pause := Pause(t.Tries)
	if w.Jitter != nil {
		pause = pause/2 + time.Duration(w.Jitter()*float64(pause/2))
	}
	t.Due = w.Now().Add(max(pause, after))
	return t
}

// settle moves the task as it was read, and tells the workflow where its wave is over.
// A call, its late answer and an operator may all come at once: whoever loses the
// race looks again, and leaves alone what has ended meanwhile.
func (w Worker) settle(ctx context.Context, t rights.Task, change func(rights.Task) rights.Task) (rights.Task, error) {
	for try := 0; ; try++ {
		moved, signals, err := w.Store.MoveTask(ctx, change(t), nil)
		if rights.CodeOf(err) != rights.Conflict || try == 10 {
			w.Outbox.Deliver(ctx, signals...)
			return moved, err
		}
		if t, err = w.Store.Task(ctx, t.ID); err != nil || !t.Open() {
			return t, err
		}
	}
}

func ignoreConflict(err error) error {
	if rights.CodeOf(err) == rights.Conflict {
		return nil
	}
	return err
}

func (w Worker) system(name string) connector.System {
	for _, system := range w.Systems {
		if system.Name() == name {
			return system
		}
	}
	return nil
}

// Answer takes a system's late answer. It is NotFound for a task or system that
// isn't there and Forbidden for a signature that isn't the system's, before
// anything is looked at; an answer to a task that has ended is fine and changes
// nothing.
func (w Worker) Answer(ctx context.Context, name string, id rights.TaskID, header http.Header, body []byte) error {
	// The signature covers webhook-id, so an answer about one task can't be replayed
	// as the answer to another one.
	if header.Get("webhook-id") != string(id) {
		return &rights.Error{Code: rights.Forbidden, Detail: "Sign the answer with the task as its webhook-id."}
	}
	unknown := &rights.Error{Code: rights.NotFound, Detail: "There is no such task at this system. Check the address that the job came with."}
	system := w.system(name)
	if system == nil {
		return unknown
	}
	discard := func(string, connector.Record) error { return nil }
	if _, err := system.Callback(header, body, w.Now(), discard); err != nil {
		return err
	}
	t, err := w.Store.Task(ctx, id)
	if err != nil || t.System != name {
		return errors.Join(unknown, err)
	}
	if !t.Open() {
		return nil
	}
	var answer connector.Answer
	open := func(sink connector.Sink) (connector.Answer, error) {
		return system.Callback(header, body, w.Now(), sink)
	}
	if t.Action == rights.Export {
		answer, err = w.collect(ctx, t, open)
	} else {
		answer, err = open(discard)
	}
	if err != nil {
		return err
	}
	_, err = w.settle(ctx, t, func(t rights.Task) rights.Task { return w.answered(t, answer) })
	return err
}
