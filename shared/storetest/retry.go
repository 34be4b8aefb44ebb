package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rightful/rightful/shared/rights"
)

// state is all that can be read of a request.
type state struct {
	Request  rights.Request
	Personal rights.Personal
	Ledger   []rights.Event
	Tasks    []rights.Task
	Pending  []rights.Signal
}

func stateOf(t *testing.T, s rights.Store, id rights.ID) state {
	t.Helper()
	var now state
	var err error
	if now.Request, err = s.Get(t.Context(), id); rights.CodeOf(err) == rights.NotFound && err != nil {
		return now
	}
	if err != nil {
		t.Fatal(err)
	}
	now.Personal = must[rights.Personal](t)(s.Personal(t.Context(), id))
	now.Ledger = must[[]rights.Event](t)(s.Ledger(t.Context(), id))
	now.Tasks = must[[]rights.Task](t)(s.TasksOf(t.Context(), id))
	now.Pending = must[[]rights.Signal](t)(s.PendingSignals(t.Context(), 100))
	return now
}

// answersLost makes every call of a request's life three times, as a caller does
// who hears nothing of what took effect. The repeated calls succeed or are a
// Conflict, and leave everything as the first one did.
func answersLost(t *testing.T, s rights.Store) {
	var r rights.Request
	var tasks []rights.Task
	w := rights.Wave{Key: string(newID(1)) + ".erase.1", Request: newID(1), Token: "token", At: at}
	share := rights.Task{ID: rights.NewTaskID(newID(1), rights.Erase, "crm"), Request: newID(1), System: "crm", Action: rights.Erase, Wave: 1, Due: at}
	var next rights.Request
	var change rights.Change
	for _, step := range []struct {
		name string
		read func()
		call func() error
	}{
		{"Create", func() {}, func() error {
			_, err := s.Create(t.Context(), keyed(1, "k", "body"))
			return err
		}},
		{"Move", func() { next, change = acknowledged(t, r) }, func() error {
			_, err := s.Move(t.Context(), next, change)
			return err
		}},
		{"OpenWave", func() {}, func() error {
			_, err := s.OpenWave(t.Context(), w, []rights.Task{share})
			return err
		}},
		{"MoveTask", func() {}, func() error {
			_, _, err := s.MoveTask(t.Context(), tasks[0].Tried(at, "answered 503"), nil)
			return err
		}},
		{"MoveTask with a decision", func() {
			next, change = r, rights.Change{}
			change.Events = []rights.Event{next.Record(at, rights.ByOperator, rights.TaskSkipped, nil)}
		}, func() error {
			_, _, err := s.MoveTask(t.Context(), tasks[0].End(rights.Skipped, at), &rights.Decision{Request: next, Events: change.Events})
			return err
		}},
		{"OpenWave of ended tasks", func() {}, func() error {
			_, err := s.OpenWave(t.Context(), w, []rights.Task{share})
			return err
		}},
		{"ClearSignal", func() {}, func() error { return s.ClearSignal(t.Context(), w.Signal(at).Key) }},
		{"Erase", func() {}, func() error { return s.Erase(t.Context(), newID(1)) }},
	} {
		step.read()
		before := stateOf(t, s, newID(1))
		if err := step.call(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		after := stateOf(t, s, newID(1))
		for range 2 {
			if err := step.call(); err != nil && rights.CodeOf(err) != rights.Conflict {
				t.Errorf("%s, called again: %v", step.name, err)
			}
			same(t, stateOf(t, s, newID(1)), after)
		}
		if changed := step.name != "OpenWave of ended tasks"; changed == cmp.Equal(before, after) {
			t.Errorf("%s changed something: %t", step.name, !changed)
		}
		r, tasks = after.Request, after.Tasks
	}
}
