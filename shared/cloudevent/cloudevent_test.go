package cloudevent_test

import (
	"encoding/json"
	"io/fs"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rightful/rightful/events"
	"github.com/rightful/rightful/shared/cloudevent"
	"github.com/rightful/rightful/shared/rights"
)

// TestSample: the sample is what we send, to the id.
func TestSample(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	const person = "mGq0Vx3C5pQd2Zr8aT1kLwYe"
	choices := []rights.Preference{
		{Person: person, Topic: "product-news", OptedOut: true, At: at, Source: rights.ByOneClick, Basis: rights.Objected},
		{Person: person, Topic: rights.SaleTopic, OptedOut: true, At: at.Add(-24 * time.Hour), Source: rights.BySignal, Basis: rights.SaleOptOut},
	}
	text, err := fs.ReadFile(events.Files, "preference-changed/unsubscribed.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(cloudevent.PreferenceChanged(person, choices), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(text), string(got)+"\n"); diff != "" {
		t.Errorf("(-sample +event):\n%s", diff)
	}
	again := cloudevent.PreferenceChanged(person, slices.Clone(choices))
	choices[0].OptedOut = false
	if other := cloudevent.PreferenceChanged(person, choices); other.ID == again.ID {
		t.Error("another choice has the same id")
	}
}
