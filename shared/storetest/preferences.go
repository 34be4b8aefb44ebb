package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

func choice(topic string, out bool, after time.Duration) rights.Preference {
	p := rights.Preference{Person: "somebody", Topic: topic, OptedOut: out, At: at.Add(after), Source: rights.ByOneClick, Basis: rights.Objected}
	if !out {
		p.Source, p.Basis = rights.ByPage, rights.Consent
	}
	return p
}

func prefer(t *testing.T, s rights.Store, all ...rights.Preference) []rights.Preference {
	t.Helper()
	for _, p := range all {
		if _, err := s.Prefer(t.Context(), p, nil); err != nil {
			t.Fatal(err)
		}
	}
	return must[[]rights.Preference](t)(s.PreferencesOf(t.Context(), "somebody"))
}

func preferencesKept(t *testing.T, s rights.Store) {
	if none := prefer(t, s); len(none) != 0 {
		t.Errorf("%+v", none)
	}
	got := prefer(t, s, choice("offers", true, 0), choice("news", true, time.Hour), choice("tips", false, 0))
	same(t, got, []rights.Preference{choice("news", true, time.Hour), choice("offers", true, 0), choice("tips", false, 0)})
}

// preferencesAgain: the same click twice keeps the first time; an older choice that
// comes late changes nothing; a newer one counts, and so does a refusal that has to be
// repeated the next day.
func preferencesAgain(t *testing.T, s rights.Store) {
	first := choice("news", true, time.Hour)
	for n, step := range []struct {
		choice  rights.Preference
		changed bool
		want    rights.Preference
	}{
		{first, true, first},
		{first, false, first},
		{choice("news", true, 24*time.Hour), false, first},
		{choice("news", false, 0), false, first},
		{choice("news", true, 25*time.Hour), true, choice("news", true, 25*time.Hour)},
		{choice("news", false, 26*time.Hour), true, choice("news", false, 26*time.Hour)},
		{choice("news", false, 99*time.Hour), false, choice("news", false, 26*time.Hour)},
	} {
		changed, err := s.Prefer(t.Context(), step.choice, nil)
		if err != nil || changed != step.changed {
			t.Errorf("step %d changed %v, %v", n, changed, err)
		}
		same(t, prefer(t, s), []rights.Preference{step.want})
	}
}

// preferencesLate: what comes late from before a repetition is before it, though the
// choice keeps its first time.
func preferencesLate(t *testing.T, s rights.Store) {
	first := choice("news", true, 0)
	same(t, prefer(t, s, first, choice("news", true, 5*time.Hour)), []rights.Preference{first})
	same(t, prefer(t, s, choice("news", false, 3*time.Hour)), []rights.Preference{first})
	back := choice("news", false, 6*time.Hour)
	same(t, prefer(t, s, back), []rights.Preference{back})
}

// preferencesOutlive: an erased request takes no choice with it.
func preferencesOutlive(t *testing.T, s rights.Store) {
	r := create(t, s, 1)
	out := choice("news", true, 0)
	prefer(t, s, out)
	if err := s.Erase(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	same(t, prefer(t, s), []rights.Preference{out})
}

// preferencesImported: a list of the company's never undoes what a person asked for.
func preferencesImported(t *testing.T, s rights.Store) {
	list := func(topic string, out bool) rights.Preference {
		p := choice(topic, out, 9*time.Hour)
		p.Source = rights.ByImport
		return p
	}
	out := choice("news", true, 0)
	same(t, prefer(t, s, out, list("news", false)), []rights.Preference{out})
	same(t, prefer(t, s, list("tips", false)), []rights.Preference{out, list("tips", false)})
	every := choice(rights.EveryTopic, true, 0)
	same(t, prefer(t, s, every, list("offers", false)), []rights.Preference{every, out, list("tips", false)})
}

// preferencesAtOnce: whoever comes together is stored together, each for itself.
func preferencesAtOnce(t *testing.T, s rights.Store) {
	const people = 60
	var group sync.WaitGroup
	for n := range people * 2 {
		group.Go(func() {
			p := choice("news", true, 0)
			p.Person = fmt.Sprint("person", n%people)
			if _, err := s.Prefer(t.Context(), p, nil); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	seen, cursor := map[string]bool{}, ""
	for {
		page, next, err := s.OptedOut(t.Context(), cursor, 25)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page {
			if seen[p.Person] || !p.OptedOut || p.Topic != "news" {
				t.Errorf("%+v twice, or not as it was", p)
			}
			seen[p.Person] = true
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if len(seen) != people {
		t.Errorf("%d of %d", len(seen), people)
	}
}

func news(t *testing.T, s rights.Store) []rights.News {
	t.Helper()
	return must[[]rights.News](t)(s.PendingNews(t.Context(), 10))
}

func tell(t *testing.T, s rights.Store, address string, p rights.Preference) {
	t.Helper()
	n := &rights.News{}
	if address != "" {
		n.Address = []byte(address)
	}
	if _, err := s.Prefer(t.Context(), p, n); err != nil {
		t.Fatal(err)
	}
}

func untold(p rights.Preference) rights.Preference {
	p.Untold = true
	return p
}

// newsPending: a change is news in the write that makes it, until it was told; what
// changed nothing is none.
func newsPending(t *testing.T, s rights.Store) {
	first, second := choice("news", true, 0), choice("tips", true, time.Minute)
	prefer(t, s, choice("offers", true, 0))
	tell(t, s, "sealed", first)
	tell(t, s, "", second)
	tell(t, s, "", choice("offers", true, time.Hour))
	got := news(t, s)
	same(t, got, []rights.News{{Person: "somebody", Address: []byte("sealed"), Choices: []rights.Preference{untold(first), untold(second)}}})
	for range 2 {
		if err := s.ClearNews(t.Context(), got[0]); err != nil {
			t.Fatal(err)
		}
	}
	same(t, news(t, s), []rights.News(nil))
	for _, p := range prefer(t, s) {
		if p.Untold {
			t.Errorf("%s is news still", p.Topic)
		}
	}
}

// newsShared: where only listeners wait, that is kept, until the person chooses anew.
func newsShared(t *testing.T, s rights.Store) {
	tell(t, s, "sealed", choice("news", true, 0))
	if err := s.ShareNews(t.Context(), news(t, s)[0]); err != nil {
		t.Fatal(err)
	}
	got := news(t, s)
	if len(got) != 1 || !got[0].Shared || string(got[0].Address) != "sealed" {
		t.Fatalf("%+v", got)
	}
	tell(t, s, "sealed", choice("tips", true, time.Hour))
	if both := news(t, s); len(both) != 1 || both[0].Shared || len(both[0].Choices) != 2 {
		t.Errorf("%+v", both)
	}
	if err := s.ShareNews(t.Context(), got[0]); err != nil { // late, of what was then
		t.Fatal(err)
	}
	if both := news(t, s); len(both) != 1 || both[0].Shared {
		t.Errorf("a late word shared what is newer: %+v", both)
	}
	if err := s.ClearNews(t.Context(), news(t, s)[0]); err != nil {
		t.Fatal(err)
	}
	same(t, news(t, s), []rights.News(nil))
}

// newsOvertaken: who chooses anew while the news is told on is news again.
func newsOvertaken(t *testing.T, s rights.Store) {
	tell(t, s, "sealed", choice("news", true, 0))
	old := news(t, s)
	back := choice("news", false, time.Hour)
	tell(t, s, "sealed", back)
	if err := s.ClearNews(t.Context(), old[0]); err != nil {
		t.Fatal(err)
	}
	same(t, news(t, s), []rights.News{{Person: "somebody", Address: []byte("sealed"), Choices: []rights.Preference{untold(back)}}})
}

// reopened: a share without a wave is due until it ends, ends without a signal, and
// may be opened again; who worked on it before loses.
func reopened(t *testing.T, s rights.Store) {
	share := rights.Task{ID: rights.NewSuppression("somebody", "crm"), Request: "somebody", System: "crm", Action: rights.Suppress, Due: at, Address: []byte("sealed")}
	open := func() rights.Task {
		if err := s.Reopen(t.Context(), share); err != nil {
			t.Fatal(err)
		}
		due := must[[]rights.TaskID](t)(s.DueTasks(t.Context(), at, 10))
		same(t, due, []rights.TaskID{share.ID})
		return must[rights.Task](t)(s.Task(t.Context(), share.ID))
	}
	old := open()
	held := open()
	if _, _, err := s.MoveTask(t.Context(), old.End(rights.Done, at), nil); rights.CodeOf(err) != rights.Conflict {
		t.Errorf("who was overtaken got %v", err)
	}
	held.Due = at.Add(time.Minute)
	held, _, err := s.MoveTask(t.Context(), held, nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, must[[]rights.TaskID](t)(s.DueTasks(t.Context(), at.Add(time.Minute), 10)), []rights.TaskID{share.ID})
	ended, signals, err := s.MoveTask(t.Context(), held.End(rights.Done, at), nil)
	if err != nil || len(signals) > 0 {
		t.Fatal(signals, err)
	}
	same(t, must[[]rights.Task](t)(s.TasksOf(t.Context(), "somebody")), []rights.Task{ended})
	if again := open(); !again.Open() || string(again.Address) != "sealed" || len(must[[]rights.Signal](t)(s.PendingSignals(t.Context(), 10))) > 0 {
		t.Errorf("%+v", again)
	}
}
