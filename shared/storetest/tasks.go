package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// wave opens a wave of tasks at these systems.
func wave(t *testing.T, s rights.Store, r rights.Request, token string, systems ...string) ([]rights.Task, []rights.Signal) {
	t.Helper()
	var tasks []rights.Task
	for _, system := range systems {
		tasks = append(tasks, rights.Task{ID: rights.NewTaskID(r.ID, rights.Erase, system), Request: r.ID, System: system, Action: rights.Erase, Wave: 1, Due: at})
	}
	signals, err := s.OpenWave(t.Context(), rights.Wave{Key: string(r.ID) + ".erase.1", Request: r.ID, Token: token, Then: rights.NextWave, At: at}, tasks)
	if err != nil {
		t.Fatal(err)
	}
	return must[[]rights.Task](t)(s.TasksOf(t.Context(), r.ID)), signals
}

// resumes are the pending signals that aren't starts.
func resumes(t *testing.T, s rights.Store) []rights.Signal {
	t.Helper()
	var found []rights.Signal
	for _, signal := range must[[]rights.Signal](t)(s.PendingSignals(t.Context(), 100)) {
		if signal.Token != "" {
			found = append(found, signal)
		}
	}
	return found
}

func lastOneSignals(t *testing.T, s rights.Store) {
	tasks, signals := wave(t, s, create(t, s, 1), "token", "billing", "crm")
	if len(tasks) != 2 || len(signals) != 0 {
		t.Fatalf("%d tasks, %d signals", len(tasks), len(signals))
	}
	for i, task := range tasks {
		task.Found = []rights.Found{{Collection: "contacts", Count: 3}}
		task.Keeps = []rights.Keep{{What: "invoices", Count: 1, Why: "tax law", Until: at}}
		moved, signals, err := s.MoveTask(t.Context(), task.Tried(at, "").End(rights.Kept, at), nil)
		if err != nil {
			t.Fatal(err)
		}
		if want := i; len(signals) != want {
			t.Errorf("ending task %d left %d signals", i, len(signals))
		}
		same(t, must[rights.Task](t)(s.Task(t.Context(), task.ID)), moved)
	}
	if pending := resumes(t, s); len(pending) != 1 || pending[0].Token != "token" || pending[0].Failure != rights.NextWave {
		t.Errorf("pending: %+v", pending)
	}
}

func endersAtOnce(t *testing.T, s rights.Store) {
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	tasks, _ := wave(t, s, create(t, s, 1), "token", names...)
	var wait sync.WaitGroup
	for _, task := range tasks {
		wait.Go(func() {
			if _, _, err := s.MoveTask(context.Background(), task.End(rights.Done, at), nil); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if pending := resumes(t, s); len(pending) != 1 {
		t.Errorf("%d signals are pending", len(pending))
	}
}

func openedAgain(t *testing.T, s rights.Store) {
	r := create(t, s, 1)
	tasks, _ := wave(t, s, r, "old", "billing", "crm")
	if _, _, err := s.MoveTask(t.Context(), tasks[0].End(rights.Done, at), nil); err != nil {
		t.Fatal(err)
	}
	again, _ := wave(t, s, r, "new", "billing", "crm")
	if again[0].Outcome != rights.Done || !again[1].Open() {
		t.Errorf("opening again changed the tasks: %+v", again)
	}
	if _, _, err := s.MoveTask(t.Context(), again[1].End(rights.Done, at), nil); err != nil {
		t.Fatal(err)
	}
	if pending := resumes(t, s); len(pending) != 1 || pending[0].Token != "new" {
		t.Errorf("pending: %+v", pending)
	}
	// All is ended: opening once more signals the newest token at once.
	if _, signals := wave(t, s, r, "newest", "billing", "crm"); len(signals) != 1 || signals[0].Token != "newest" {
		t.Errorf("signals: %+v", signals)
	}
}

func emptyWave(t *testing.T, s rights.Store) {
	if _, signals := wave(t, s, create(t, s, 1), "token"); len(signals) != 1 || len(resumes(t, s)) != 1 {
		t.Errorf("signals: %+v", signals)
	}
}

func endedTask(t *testing.T, s rights.Store) {
	tasks, _ := wave(t, s, create(t, s, 1), "token", "crm")
	ended, _, err := s.MoveTask(t.Context(), tasks[0].End(rights.Done, at), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = s.MoveTask(t.Context(), ended.End(rights.Skipped, at), nil)
	wantCode(t, err, rights.Conflict)
	_, _, err = s.MoveTask(t.Context(), tasks[0].End(rights.Skipped, at), nil)
	wantCode(t, err, rights.Conflict)
}

func decision(t *testing.T, s rights.Store) {
	r := create(t, s, 1)
	tasks, _ := wave(t, s, r, "token", "crm")
	decided := r
	line := decided.Record(at, rights.ByOperator, rights.TaskSkipped, map[string]string{"system": "crm"})
	stale := decided
	stale.Version = 7
	_, _, err := s.MoveTask(t.Context(), tasks[0].End(rights.Skipped, at), &rights.Decision{Request: stale, Events: []rights.Event{line}})
	wantCode(t, err, rights.Conflict)
	if got := must[rights.Task](t)(s.Task(t.Context(), tasks[0].ID)); !got.Open() || len(resumes(t, s)) != 0 {
		t.Error("a lost race on the request moved the task")
	}
	_, signals, err := s.MoveTask(t.Context(), tasks[0].End(rights.Skipped, at), &rights.Decision{Request: decided, Events: []rights.Event{line}})
	if err != nil || len(signals) != 1 {
		t.Fatalf("%d signals, %v", len(signals), err)
	}
	if events := must[[]rights.Event](t)(s.Ledger(t.Context(), r.ID)); len(events) != 2 {
		t.Errorf("the ledger has %d lines", len(events))
	}
}

func dueTasks(t *testing.T, s rights.Store) {
	tasks, _ := wave(t, s, create(t, s, 1), "token", "a", "b", "c", "d")
	for i, due := range []time.Time{at.Add(time.Hour), at.Add(time.Minute), {}, at.Add(3 * time.Hour)} {
		tasks[i].Due = due
		if _, _, err := s.MoveTask(t.Context(), tasks[i], nil); err != nil {
			t.Fatal(err)
		}
	}
	same(t, must[[]rights.TaskID](t)(s.DueTasks(t.Context(), at.Add(2*time.Hour), 10)), []rights.TaskID{tasks[1].ID, tasks[0].ID})
	same(t, must[[]rights.TaskID](t)(s.DueTasks(t.Context(), at.Add(2*time.Hour), 1)), []rights.TaskID{tasks[1].ID})
	if due := must[[]rights.TaskID](t)(s.DueTasks(t.Context(), at, 10)); len(due) != 0 {
		t.Errorf("due too early: %v", due)
	}
}

// endedWave: a wave in which nobody holds anything is over when it is opened.
func endedWave(t *testing.T, s rights.Store) {
	r := create(t, s, 1)
	share := rights.Task{ID: rights.NewTaskID(r.ID, rights.Erase, "crm"), Request: r.ID, System: "crm", Action: rights.Erase, Wave: 1}
	w := rights.Wave{Key: string(r.ID) + ".erase.1", Request: r.ID, Token: "token", At: at}
	signals, err := s.OpenWave(t.Context(), w, []rights.Task{share.End(rights.NoData, at)})
	if err != nil || len(signals) != 1 {
		t.Fatalf("%d signals, %v", len(signals), err)
	}
	same(t, resumes(t, s), signals)
	if task := must[rights.Task](t)(s.Task(t.Context(), share.ID)); task.Outcome != rights.NoData || task.Open() {
		t.Errorf("the task is %q", task.Outcome)
	}
}

// openedWithMore: a system that was added meanwhile holds the wave up, too.
func openedWithMore(t *testing.T, s rights.Store) {
	r := create(t, s, 1)
	tasks, _ := wave(t, s, r, "old", "crm")
	if _, _, err := s.MoveTask(t.Context(), tasks[0].End(rights.Done, at), nil); err != nil {
		t.Fatal(err)
	}
	again, signals := wave(t, s, r, "new", "crm", "newsletter")
	if len(signals) != 0 || len(again) != 2 || again[0].Version != 2 || again[1].Version != 1 {
		t.Fatalf("%d signals, tasks %+v", len(signals), again)
	}
	if _, signals, err := s.MoveTask(t.Context(), again[1].End(rights.Done, at), nil); err != nil || len(signals) != 1 || signals[0].Token != "new" {
		t.Errorf("signals %+v, %v", signals, err)
	}
}

func twoTaskMovers(t *testing.T, s rights.Store) {
	tasks, _ := wave(t, s, create(t, s, 1), "token", "crm", "billing")
	var wait sync.WaitGroup
	errs := make([]error, 8)
	for n := range errs {
		wait.Go(func() { _, _, errs[n] = s.MoveTask(context.Background(), tasks[0].Tried(at, "answered 503"), nil) })
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
	if got := must[rights.Task](t)(s.Task(t.Context(), tasks[0].ID)); won != 1 || got.Tries != 1 || len(got.Attempts) != 1 {
		t.Errorf("%d movers won, %d tries are stored", won, got.Tries)
	}
}

// endedDecision: an operator who comes too late leaves no line in the ledger.
func endedDecision(t *testing.T, s rights.Store) {
	r := create(t, s, 1)
	tasks, _ := wave(t, s, r, "token", "crm")
	if _, _, err := s.MoveTask(t.Context(), tasks[0].End(rights.Done, at), nil); err != nil {
		t.Fatal(err)
	}
	decided := r
	line := decided.Record(at, rights.ByOperator, rights.TaskSkipped, nil)
	_, _, err := s.MoveTask(t.Context(), tasks[0].End(rights.Skipped, at), &rights.Decision{Request: decided, Events: []rights.Event{line}})
	wantCode(t, err, rights.Conflict)
	same(t, must[rights.Request](t)(s.Get(t.Context(), r.ID)), r)
	same(t, must[[]rights.Event](t)(s.Ledger(t.Context(), r.ID)), creation(1).Events)
}

// manyWave: a wave of more systems than one set holds is over when the last one is.
func manyWave(t *testing.T, s rights.Store) {
	var systems []string
	for n := range 120 {
		systems = append(systems, fmt.Sprintf("system-%03d", n))
	}
	r := create(t, s, 1)
	tasks, _ := wave(t, s, r, "token", systems...)
	var group sync.WaitGroup
	for _, task := range tasks[1:] {
		group.Go(func() {
			if _, signals, err := s.MoveTask(context.Background(), task.End(rights.Done, at), nil); err != nil || len(signals) > 0 {
				t.Errorf("%d signals, %v", len(signals), err)
			}
		})
	}
	group.Wait()
	if left := resumes(t, s); len(left) > 0 {
		t.Fatalf("the wave is over before its last system: %+v", left)
	}
	again, signals := wave(t, s, r, "new", systems...)
	if len(signals) > 0 || len(again) != len(systems) {
		t.Fatalf("%d signals, %d tasks", len(signals), len(again))
	}
	_, signals, err := s.MoveTask(t.Context(), tasks[0].End(rights.Done, at), nil)
	if err != nil || len(signals) != 1 || signals[0].Token != "new" {
		t.Errorf("signals %+v, %v", signals, err)
	}
	same(t, resumes(t, s), signals)
}

// manyTasks: what a request has is read whole, however much it is.
func manyTasks(t *testing.T, s rights.Store) {
	r := create(t, s, 1)
	var tasks []rights.Task
	for n := range 600 {
		system := fmt.Sprintf("system-%03d", n)
		task := rights.Task{ID: rights.NewTaskID(r.ID, rights.Erase, system), Request: r.ID, System: system, Action: rights.Erase, Wave: 1, Due: at, Note: strings.Repeat("n", 2000)}
		tasks = append(tasks, task)
	}
	if _, err := s.OpenWave(t.Context(), rights.Wave{Key: string(r.ID) + ".erase.1", Request: r.ID, Token: "token", At: at}, tasks); err != nil {
		t.Fatal(err)
	}
	found := must[[]rights.Task](t)(s.TasksOf(t.Context(), r.ID))
	for i := range tasks {
		tasks[i].Version = 1
	}
	same(t, found, tasks)
	if due := must[[]rights.TaskID](t)(s.DueTasks(t.Context(), at.Add(time.Hour), 1000)); len(due) != len(tasks) {
		t.Errorf("%d tasks are due", len(due))
	}
	if err := s.Erase(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if left := must[[]rights.Task](t)(s.TasksOf(t.Context(), r.ID)); len(left) > 0 {
		t.Errorf("%d tasks are left", len(left))
	}
}
