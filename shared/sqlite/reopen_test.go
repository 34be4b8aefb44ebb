package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/sqlite"
)

// files are the two files of one store, which a test closes and opens.
type files struct {
	dir  string
	keys *sqlite.Keys
	*sqlite.Store
}

func (f *files) open(t *testing.T) {
	t.Helper()
	master, err := envelope.OpenFile(filepath.Join(f.dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	if f.keys, err = sqlite.OpenKeys(t.Context(), filepath.Join(f.dir, "keys.db")); err != nil {
		t.Fatal(err)
	}
	if f.Store, err = sqlite.Open(t.Context(), filepath.Join(f.dir, "store.db"), &envelope.Sealer{Master: master, Keys: f.keys}); err != nil {
		t.Fatal(err)
	}
}

func (f *files) close(t *testing.T) {
	t.Helper()
	if err := f.Store.Close(); err != nil {
		t.Error(err)
	}
	if err := f.keys.Close(); err != nil {
		t.Error(err)
	}
}

// kept is what a restart has to find again.
type kept struct {
	Request, Replayed rights.Request
	Personal          rights.Personal
	Ledger            []rights.Event
	Tasks             []rights.Task
	Due               []rights.TaskID
	Pending           []rights.Signal
	Wait              time.Duration
}

func (f *files) read(t *testing.T, id rights.ID, now time.Time) kept {
	t.Helper()
	var k kept
	var errs [8]error
	k.Request, errs[0] = f.Get(t.Context(), id)
	k.Replayed, errs[1] = f.Replayed(t.Context(), "k", "body")
	k.Personal, errs[2] = f.Personal(t.Context(), id)
	k.Ledger, errs[3] = f.Ledger(t.Context(), id)
	k.Tasks, errs[4] = f.TasksOf(t.Context(), id)
	k.Due, errs[5] = f.DueTasks(t.Context(), now, 10)
	k.Pending, errs[6] = f.PendingSignals(t.Context(), 10)
	k.Wait, errs[7] = f.Count(t.Context(), "client", 1, time.Hour, now)
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// filled is a store with something of everything.
func filled(t *testing.T, now time.Time) (*files, rights.Request) {
	t.Helper()
	f := &files{dir: t.TempDir()}
	f.open(t)
	personal := rights.Personal{Subject: rights.Subject{Email: "someone.rare@example.com"}}
	r := rights.NewRequest("DR-TEST-2222-2222", rights.Erasure, personal, "subject-key", rights.DefaultRegimes(), now)
	line := r.Record(now, rights.ByPerson, rights.Received, map[string]string{"right": "erasure"})
	r, err := f.Create(t.Context(), rights.Creation{Request: r, Personal: personal, Events: []rights.Event{line}, Signals: []rights.Signal{rights.StartSignal(r.ID, now)}, Key: "k", Fingerprint: "body"})
	if err != nil {
		t.Fatal(err)
	}
	task := rights.Task{ID: rights.NewTaskID(r.ID, rights.Erase, "crm"), Request: r.ID, System: "crm", Action: rights.Erase, Wave: 1, Due: now}
	if _, err := f.OpenWave(t.Context(), rights.Wave{Key: "w", Request: r.ID, Token: "token", At: now}, []rights.Task{task}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Count(t.Context(), "client", 1, time.Hour, now); err != nil {
		t.Fatal(err)
	}
	return f, r
}

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func TestRestart_FindsEverythingAgain(t *testing.T) {
	t.Parallel()
	f, r := filled(t, now)
	before := f.read(t, r.ID, now)
	f.close(t)
	f.open(t)
	defer f.close(t)
	if diff := cmp.Diff(before, f.read(t, r.ID, now)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	if before.Wait != time.Hour || len(before.Tasks) != 1 || len(before.Due) != 1 || len(before.Pending) != 1 || before.Replayed.ID != r.ID {
		t.Error("there was too little to find again")
	}
	_, signals, err := f.MoveTask(t.Context(), before.Tasks[0].End(rights.Done, now), nil)
	if err != nil || len(signals) != 1 || signals[0].Token != "token" {
		t.Errorf("the wave lost its token: %+v, %v", signals, err)
	}
}

// TestDestroyedKey: what a backup of the store still holds can't be read.
func TestDestroyedKey(t *testing.T) {
	t.Parallel()
	f, r := filled(t, now)
	wrapped, err := f.keys.Get(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.holding(t, wrapped)) == 0 {
		t.Fatal("the key is nowhere: this test looks in the wrong place")
	}
	if err := f.keys.Destroy(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	// Both while it is open and after a restart: the log is no second copy.
	if found := f.holding(t, wrapped); len(found) > 0 {
		t.Errorf("the key is still in %v", found)
	}
	f.close(t)
	f.open(t)
	defer f.close(t)
	if found := f.holding(t, wrapped); len(found) > 0 {
		t.Errorf("after a restart the key is still in %v", found)
	}
	if _, err := f.Personal(t.Context(), r.ID); rights.CodeOf(err) != rights.NotFound {
		t.Errorf("got %v", err)
	}
	if got, err := f.Get(t.Context(), r.ID); err != nil || !cmp.Equal(got, r) {
		t.Errorf("the request itself went, too: %v", err)
	}
}

// holding are the files in which the wrapped key can be found.
func (f *files) holding(t *testing.T, wrapped []byte) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(f.dir, "*.db*"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, wrapped[:32]) {
			found = append(found, filepath.Base(path))
		}
	}
	return found
}
