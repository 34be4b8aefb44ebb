package storetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

func createStores(t *testing.T, s rights.Store) {
	c := creation(1)
	r := create(t, s, 1)
	c.Request.Version = 1
	same(t, r, c.Request)
	same(t, must[rights.Request](t)(s.Get(t.Context(), r.ID)), c.Request)
	personal, err := s.Personal(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, personal, c.Personal)
	same(t, must[[]rights.Event](t)(s.Ledger(t.Context(), r.ID)), c.Events)
	same(t, must[[]rights.Signal](t)(s.PendingSignals(t.Context(), 10)), c.Signals)
}

func createTaken(t *testing.T, s rights.Store) {
	create(t, s, 1)
	_, err := s.Create(t.Context(), creation(1))
	wantCode(t, err, rights.Conflict)
}

func keyed(n int, key, fingerprint string) rights.Creation {
	c := creation(n)
	c.Key, c.Fingerprint = key, fingerprint
	return c
}

func createReplayed(t *testing.T, s rights.Store) {
	first := must[rights.Request](t)(s.Create(t.Context(), keyed(1, "k", "body")))
	again := must[rights.Request](t)(s.Create(t.Context(), keyed(2, "k", "body")))
	same(t, again, first)
	same(t, must[rights.Request](t)(s.Replayed(t.Context(), "k", "body")), first)
	same(t, must[rights.Request](t)(s.Replayed(t.Context(), "other", "body")), rights.Request{})
	_, err := s.Get(t.Context(), newID(2))
	wantCode(t, err, rights.NotFound)
}

func createKeyReused(t *testing.T, s rights.Store) {
	must[rights.Request](t)(s.Create(t.Context(), keyed(1, "k", "body")))
	_, err := s.Create(t.Context(), keyed(2, "k", "another body"))
	wantCode(t, err, rights.KeyReused)
	_, err = s.Get(t.Context(), newID(2))
	wantCode(t, err, rights.NotFound)
}

func createConcurrently(t *testing.T, s rights.Store) {
	var wait sync.WaitGroup
	ids := make([]rights.ID, 8)
	for n := range ids {
		wait.Go(func() {
			r, err := s.Create(context.Background(), keyed(n+1, "k", "body"))
			if err != nil {
				t.Error(err)
			}
			ids[n] = r.ID
		})
	}
	wait.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("one key made the requests %v", ids)
			break
		}
	}
}

func getUnknown(t *testing.T, s rights.Store) {
	_, err := s.Get(t.Context(), newID(9))
	wantCode(t, err, rights.NotFound)
	_, err = s.Personal(t.Context(), newID(9))
	wantCode(t, err, rights.NotFound)
	_, err = s.Task(t.Context(), rights.NewTaskID(newID(9), rights.Erase, "crm"))
	wantCode(t, err, rights.NotFound)
}

// acknowledged moves a request one step on.
func acknowledged(t *testing.T, r rights.Request) (rights.Request, rights.Change) {
	t.Helper()
	next, err := r.Acknowledged(r.Proof.Renew(at, time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	line := next.Record(at, rights.ByRightful, rights.Acknowledged, nil)
	return next, rights.Change{Events: []rights.Event{line}}
}

func twoMovers(t *testing.T, s rights.Store) {
	r := create(t, s, 1)
	var wait sync.WaitGroup
	errs := make([]error, 8)
	for n := range errs {
		next, change := acknowledged(t, r)
		wait.Go(func() { _, errs[n] = s.Move(context.Background(), next, change) })
	}
	wait.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			wantCode(t, err, rights.Conflict)
		}
	}
	if won != 1 {
		t.Errorf("%d movers won", won)
	}
	if got := must[rights.Request](t)(s.Get(t.Context(), r.ID)); got.Version != 2 {
		t.Errorf("the version is %d", got.Version)
	}
}

func loserChangesNothing(t *testing.T, s rights.Store) {
	r := create(t, s, 1)
	next, change := acknowledged(t, r)
	must[rights.Request](t)(s.Move(t.Context(), next, change))
	change.Signals = []rights.Signal{{Key: "x", Request: r.ID, Token: "t", At: at}}
	change.Personal = &rights.Personal{Subject: rights.Subject{Email: "other@example.com"}}
	_, err := s.Move(t.Context(), next, change)
	wantCode(t, err, rights.Conflict)
	if events := must[[]rights.Event](t)(s.Ledger(t.Context(), r.ID)); len(events) != 2 {
		t.Errorf("the ledger has %d lines", len(events))
	}
	if pending := must[[]rights.Signal](t)(s.PendingSignals(t.Context(), 10)); len(pending) != 1 {
		t.Errorf("%d signals are pending", len(pending))
	}
	if personal := must[rights.Personal](t)(s.Personal(t.Context(), r.ID)); personal.Subject.Email != "ada@example.com" {
		t.Error("the personal fields were replaced")
	}
}

func movePersonal(t *testing.T, s rights.Store) {
	r := create(t, s, 1)
	next, change := acknowledged(t, r)
	change.Personal = &rights.Personal{Subject: rights.Subject{Email: "ada@example.com"}, Explanation: "because"}
	must[rights.Request](t)(s.Move(t.Context(), next, change))
	same(t, must[rights.Personal](t)(s.Personal(t.Context(), r.ID)), *change.Personal)
}

func ledgerWhole(t *testing.T, s rights.Store) {
	r := create(t, s, 1)
	next, change := acknowledged(t, r)
	r = must[rights.Request](t)(s.Move(t.Context(), next, change))
	if err := rights.VerifyLedger(must[[]rights.Event](t)(s.Ledger(t.Context(), r.ID)), r.Ledger); err != nil {
		t.Error(err)
	}
}

func erase(t *testing.T, s rights.Store) {
	r := must[rights.Request](t)(s.Create(t.Context(), keyed(1, "k", "body")))
	wave(t, s, r, "token", "crm")
	create(t, s, 2)
	for range 2 {
		if err := s.Erase(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Get(t.Context(), r.ID)
	wantCode(t, err, rights.NotFound)
	_, err = s.Personal(t.Context(), r.ID)
	wantCode(t, err, rights.NotFound)
	if events := must[[]rights.Event](t)(s.Ledger(t.Context(), r.ID)); len(events) != 0 {
		t.Errorf("%d events are left", len(events))
	}
	if tasks := must[[]rights.Task](t)(s.TasksOf(t.Context(), r.ID)); len(tasks) != 0 {
		t.Errorf("%d tasks are left", len(tasks))
	}
	if pending := must[[]rights.Signal](t)(s.PendingSignals(t.Context(), 10)); len(pending) != 1 || pending[0].Request != newID(2) {
		t.Errorf("pending: %+v", pending)
	}
	same(t, must[rights.Request](t)(s.Replayed(t.Context(), "k", "body")), rights.Request{})
}

func wholeSeconds(t *testing.T, s rights.Store) {
	r := create(t, s, 1)
	next, change := acknowledged(t, r)
	next.ProvenAt = time.Date(2026, 3, 2, 10, 0, 0, 999, time.FixedZone("CET", 3600))
	must[rights.Request](t)(s.Move(t.Context(), next, change))
	got := must[rights.Request](t)(s.Get(t.Context(), r.ID)).ProvenAt
	if want := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC); !got.Equal(want) || got.Location() != time.UTC {
		t.Errorf("got %s, want %s", got, want)
	}
}

func moveBrings(t *testing.T, s rights.Store) {
	r := create(t, s, 1)
	r.Wait = rights.Wait{For: rights.ForProof, Token: "token"}
	next, change := acknowledged(t, r)
	change.Signals = next.Resume("{}", at.Add(time.Hour))
	must[rights.Request](t)(s.Move(t.Context(), next, change))
	same(t, must[[]rights.Event](t)(s.Ledger(t.Context(), r.ID)), append(creation(1).Events, change.Events...))
	same(t, resumes(t, s), change.Signals)
}

// moveWhole: where one part of a move can't be stored, none is.
func moveWhole(t *testing.T, s rights.Store) {
	r := create(t, s, 1)
	next, change := acknowledged(t, r)
	change.Events[0].Seq = 1
	change.Signals = []rights.Signal{{Key: "x", Request: r.ID, Token: "token", At: at}}
	change.Personal = &rights.Personal{Subject: rights.Subject{Email: "other@example.com"}}
	if _, err := s.Move(t.Context(), next, change); err == nil {
		t.Error("two ledger lines have one number")
	}
	same(t, must[rights.Request](t)(s.Get(t.Context(), r.ID)), r)
	same(t, must[[]rights.Event](t)(s.Ledger(t.Context(), r.ID)), creation(1).Events)
	if len(resumes(t, s)) != 0 || must[rights.Personal](t)(s.Personal(t.Context(), r.ID)).Subject.Email != "ada@example.com" {
		t.Error("a part of the move was stored")
	}
}

func oneCause(t *testing.T, s rights.Store) {
	r := create(t, s, 1)
	r.Wait = rights.Wait{For: rights.ForProof, Token: "token"}
	for range 2 {
		r = must[rights.Request](t)(s.Move(t.Context(), r, rights.Change{Signals: r.Resume("{}", at)}))
	}
	if pending := resumes(t, s); len(pending) != 1 {
		t.Errorf("%d signals are pending", len(pending))
	}
}

// emptyDetail: a line without details is the same line after it was stored.
func emptyDetail(t *testing.T, s rights.Store) {
	r := create(t, s, 1)
	line := r.Record(at, rights.ByRightful, rights.WasFulfilled, map[string]string{})
	r = must[rights.Request](t)(s.Move(t.Context(), r, rights.Change{Events: []rights.Event{line}}))
	if err := rights.VerifyLedger(must[[]rights.Event](t)(s.Ledger(t.Context(), r.ID)), r.Ledger); err != nil {
		t.Error(err)
	}
}

func eraseUnknown(t *testing.T, s rights.Store) {
	r := create(t, s, 1)
	if err := s.Erase(t.Context(), newID(9)); err != nil {
		t.Error(err)
	}
	same(t, must[rights.Request](t)(s.Get(t.Context(), r.ID)), r)
	same(t, must[rights.Personal](t)(s.Personal(t.Context(), r.ID)), creation(1).Personal)
}

// eraseBeforeWorker: whoever still holds a request that was erased writes nothing.
func eraseBeforeWorker(t *testing.T, s rights.Store) {
	r := create(t, s, 1)
	tasks, _ := wave(t, s, r, "token", "crm")
	if err := s.Erase(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	_, _, err := s.MoveTask(t.Context(), tasks[0].End(rights.Done, at), nil)
	wantCode(t, err, rights.Conflict)
	next, change := acknowledged(t, r)
	_, err = s.Move(t.Context(), next, change)
	wantCode(t, err, rights.Conflict)
	if found, _, err := s.List(t.Context(), rights.Filter{}); err != nil || len(found) != 0 || len(resumes(t, s)) != 0 {
		t.Errorf("%d requests came back, %v", len(found), err)
	}
}
