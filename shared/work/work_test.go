package work_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/disk"
	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/sqlite"
	"github.com/rightful/rightful/shared/work"
)

const id = rights.ID("DR-TEST-2222-2222")

var task = rights.NewTaskID(id, rights.Erase, "crm")

// system is a system that does what the test says.
type system struct {
	erase    func(connector.Job) (connector.Answer, error)
	suppress func(connector.Job) (connector.Answer, error)
	callback func() (connector.Answer, error)
}

func (system) Name() string            { return "crm" }
func (system) Title() string           { return "Customers" }
func (system) Wave() int               { return 1 }
func (system) Does(rights.Action) bool { return true }
func (system) KnowsBy() string         { return "email" }
func (system) Holds() bool             { return true }

func (s system) Locate(context.Context, connector.Job) (connector.Answer, error) {
	return connector.Answer{}, errors.New("not asked here")
}

func (s system) Export(context.Context, connector.Job, connector.Sink) (connector.Answer, error) {
	return connector.Answer{}, errors.New("not asked here")
}

func (s system) Erase(_ context.Context, j connector.Job) (connector.Answer, error) {
	return s.erase(j)
}

func (s system) Suppress(_ context.Context, j connector.Job) (connector.Answer, error) {
	return s.suppress(j)
}

func (s system) Callback(http.Header, []byte, time.Time, connector.Sink) (connector.Answer, error) {
	return s.callback()
}

// flow counts what the workflow was told.
type flow struct{ told int }

func (f *flow) Start(context.Context, rights.ID) error { return nil }
func (f *flow) Resume(context.Context, rights.Signal) error {
	f.told++
	return nil
}
func (f *flow) Forget(context.Context, rights.ID) error { return nil }

// bench is a worker with one open task.
type bench struct {
	work.Worker
	now  time.Time
	flow *flow
}

func newBench(t *testing.T, s *system) *bench {
	t.Helper()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	master, err := envelope.OpenFile(filepath.Join(dir, "key"))
	must(err)
	keys, err := sqlite.OpenKeys(t.Context(), filepath.Join(dir, "keys.db"))
	must(err)
	sealer := &envelope.Sealer{Master: master, Keys: keys}
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "store.db"), sealer)
	must(err)
	t.Cleanup(func() { store.Close(); keys.Close() })
	b := &bench{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), flow: &flow{}}
	log := slog.New(slog.DiscardHandler)
	b.Worker = work.Worker{
		Store: store, Systems: []connector.System{s}, Vault: disk.Vault{Dir: filepath.Join(dir, "vault"), Sealer: sealer},
		Outbox: outbox.Outbox{Signals: store, Flow: b.flow, Log: log}, Now: func() time.Time { return b.now }, Log: log,
	}
	r := rights.NewRequest(id, rights.Erasure, rights.Personal{}, "key", rights.DefaultRegimes(), b.now)
	line := r.Record(b.now, rights.ByPerson, rights.Received, nil)
	_, err = store.Create(t.Context(), rights.Creation{Request: r, Personal: rights.Personal{Subject: rights.Subject{Email: "ada@example.com"}}, Events: []rights.Event{line}})
	must(err)
	_, err = store.OpenWave(t.Context(), rights.Wave{Key: "wave", Request: id, Token: "token", At: b.now}, []rights.Task{{ID: task, Request: id, System: "crm", Action: rights.Erase, Wave: 1, Due: b.now}})
	must(err)
	return b
}

func (b *bench) do(t *testing.T) rights.Task {
	t.Helper()
	got, err := b.Do(t.Context(), task)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (b *bench) answer(task rights.TaskID) error {
	header := http.Header{}
	header.Set("webhook-id", string(task))
	return b.Answer(context.Background(), "crm", task, header, nil)
}

func done() (connector.Answer, error) {
	return connector.Answer{Outcome: rights.Done, Found: []rights.Found{{Collection: "contacts", Count: 2}}}, nil
}

func TestWorker(t *testing.T) {
	t.Parallel()

	t.Run("EndsOnceAndTellsTheWorkflow", func(t *testing.T) {
		calls := 0
		b := newBench(t, &system{erase: func(j connector.Job) (connector.Answer, error) {
			calls++
			if j.Task != task || j.Subject.Email != "ada@example.com" {
				t.Errorf("asked with %s", j.Task)
			}
			return done()
		}})
		for range 2 {
			if got := b.do(t); got.Outcome != rights.Done || got.Records() != 2 {
				t.Errorf("%+v", got)
			}
		}
		if calls != 1 || b.flow.told != 1 {
			t.Errorf("%d calls, told %d times", calls, b.flow.told)
		}
	})

	t.Run("AnswerBeforeTheCallReturnsIsNotLost", func(t *testing.T) {
		s := &system{callback: done}
		b := newBench(t, s)
		s.erase = func(connector.Job) (connector.Answer, error) {
			if err := b.answer(task); err != nil {
				t.Error(err)
			}
			return connector.Answer{Outcome: rights.Accepted}, nil
		}
		if got := b.do(t); got.Outcome != rights.Done || b.flow.told != 1 {
			t.Errorf("%+v, told %d times", got, b.flow.told)
		}
	})

	t.Run("LateAnswerTwiceIsOne", func(t *testing.T) {
		b := newBench(t, &system{callback: done, erase: func(connector.Job) (connector.Answer, error) {
			return connector.Answer{Outcome: rights.Accepted, Reference: "j-1"}, nil
		}})
		if got := b.do(t); got.Outcome != rights.Accepted || !got.Due.IsZero() || !got.Open() {
			t.Errorf("%+v", got)
		}
		b.now = b.now.AddDate(0, 0, 40)
		for range 2 {
			if err := b.answer(task); err != nil {
				t.Error(err)
			}
		}
		if b.flow.told != 1 {
			t.Errorf("told %d times", b.flow.told)
		}
	})

	t.Run("AnswerForAnotherTaskIsRefused", func(t *testing.T) {
		b := newBench(t, &system{callback: done})
		header := http.Header{}
		header.Set("webhook-id", "DR-TEST-9999-9999.erase.crm")
		if err := b.Answer(t.Context(), "crm", task, header, nil); rights.CodeOf(err) != rights.Forbidden {
			t.Errorf("got %v", err)
		}
		if err := b.answer("DR-TEST-9999-9999.erase.crm"); rights.CodeOf(err) != rights.NotFound {
			t.Errorf("got %v", err)
		}
	})

	t.Run("FailuresPauseLongerAndPark", func(t *testing.T) {
		b := newBench(t, &system{erase: func(connector.Job) (connector.Answer, error) {
			return connector.Answer{}, &connector.Error{Problem: "answered 503", RetryAfter: 30 * time.Second}
		}})
		got, pause := b.do(t), time.Duration(0)
		for tries := 1; tries < work.MaxTries; tries++ {
			next := got.Due.Sub(b.now)
			if got.Tries != tries || next < pause || next < 30*time.Second || next > time.Hour {
				t.Fatalf("after %d tries it pauses %s", got.Tries, next)
			}
			pause, b.now = next, got.Due
			got = b.do(t)
		}
		if got.Outcome != rights.NeedsAttention || !got.Due.IsZero() || !got.Open() || got.Attempts[0].Problem != "answered 503" {
			t.Errorf("%+v", got)
		}
	})

	t.Run("FinalErrorParksAtOnce", func(t *testing.T) {
		b := newBench(t, &system{erase: func(connector.Job) (connector.Answer, error) {
			return connector.Answer{}, &connector.Error{Problem: "answered 401", Final: true}
		}})
		if got := b.do(t); got.Outcome != rights.NeedsAttention || got.Tries != 1 {
			t.Errorf("%+v", got)
		}
	})

	t.Run("OurOwnErrorShowsNothing", func(t *testing.T) {
		b := newBench(t, &system{erase: func(connector.Job) (connector.Answer, error) {
			return connector.Answer{}, errors.New("ada@example.com broke it")
		}})
		if got := b.do(t); got.Attempts[0].Problem != "failed inside Rightful: see the log" || got.Due.IsZero() {
			t.Errorf("%+v", got)
		}
	})

	t.Run("ClosedRequestAsksNobody", func(t *testing.T) {
		b := newBench(t, &system{erase: func(connector.Job) (connector.Answer, error) {
			t.Error("the system was asked")
			return done()
		}})
		r, err := b.Store.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if r, err = r.Withdraw(b.now); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Store.Move(t.Context(), r, rights.Change{}); err != nil {
			t.Fatal(err)
		}
		if got := b.do(t); got.Outcome != rights.Skipped {
			t.Errorf("%+v", got)
		}
	})
}
