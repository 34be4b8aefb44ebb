package storetest

import (
	"testing"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

func choice(topic string, out bool, after time.Duration) rights.Preference {
	return rights.Preference{Person: "somebody", Topic: topic, OptedOut: out, At: at.Add(after), Source: rights.ByOneClick}
}

func prefer(t *testing.T, s rights.Store, all ...rights.Preference) []rights.Preference {
	t.Helper()
	for _, p := range all {
		if err := s.Prefer(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	return must[[]rights.Preference](t)(s.PreferencesOf(t.Context(), "somebody"))
}

func preferencesKept(t *testing.T, s rights.Store) {
	if none := prefer(t, s); len(none) != 0 {
		t.Errorf("%+v", none)
	}
	got := prefer(t, s, choice("offers", true, 0), choice("news", true, time.Hour))
	same(t, got, []rights.Preference{choice("news", true, time.Hour), choice("offers", true, 0)})
	if rights.MayMail(got, "news") || !rights.MayMail(got, "events") {
		t.Error("the choices say something else")
	}
	if got := prefer(t, s, choice(rights.EveryTopic, true, 0)); rights.MayMail(got, "events") {
		t.Error("who wants no mail gets some")
	}
}

// preferencesAgain: the same click twice keeps the first time; an older choice that
// comes late changes nothing; a newer one counts.
func preferencesAgain(t *testing.T, s rights.Store) {
	first := choice("news", true, time.Hour)
	same(t, prefer(t, s, first, choice("news", true, 2*time.Hour)), []rights.Preference{first})
	same(t, prefer(t, s, choice("news", false, 0)), []rights.Preference{first})
	back := choice("news", false, 3*time.Hour)
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
