package rights_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rightful/rightful/shared/rights"
)

func regime(t *testing.T, id rights.RegimeID) rights.Regime {
	t.Helper()
	g := rights.DefaultRegimes().Named(id)
	if g.ID != id {
		t.Fatalf("there is no regime %s", id)
	}
	return g
}

// TestDeadlines_AtTheYearsEnd: the rolled day may lie in the next year.
func TestDeadlines_AtTheYearsEnd(t *testing.T) {
	t.Parallel()
	for received, want := range map[string]string{
		"2026-11-25": "2026-12-28", // 25 December is a Friday, and a weekend follows
		"2026-12-08": "2027-01-08",
		"2026-12-01": "2027-01-04", // 1 January is a Friday, and a weekend follows
		"2027-12-31": "2028-01-31",
	} {
		got := regime(t, "eu_gdpr").ExpectedBy(day(t, received).Add(9*time.Hour), "DE")
		if got.Format(time.DateTime) != want+" 23:59:59" {
			t.Errorf("received %s: got %s, want the end of %s", received, got, want)
		}
	}
}

func TestDeadlinesForEveryDay(t *testing.T) {
	t.Parallel()
	table := rights.DefaultRegimes()
	rapid.Check(t, func(t *rapid.T) {
		received := time.Unix(rapid.Int64Range(1_700_000_000, 4_000_000_000).Draw(t, "received"), 0).UTC()
		g := rapid.SampledFrom(table.Rows).Draw(t, "regime")
		country := rapid.SampledFrom([]string{"DE", "US", "FR", ""}).Draw(t, "country")
		expected, extended := g.ExpectedBy(received, country), g.ExtendedTo(received, country)
		if expected.Sub(received) < 27*24*time.Hour || !extended.After(expected) {
			t.Fatalf("expected by %s, extended to %s", expected, extended)
		}
		if g.Respond.Roll && !rights.Works(country, expected.Truncate(24*time.Hour)) {
			t.Fatalf("nobody works on the last day, %s", expected)
		}
		if same := g.ExpectedBy(received.Truncate(24*time.Hour), country); !same.Equal(expected) {
			t.Fatalf("the hour of receipt moves the deadline from %s to %s", same, expected)
		}
		if ack := g.AcknowledgeBy(received, country); !ack.IsZero() && (!ack.Before(expected) || !rights.Works(country, ack.Truncate(24*time.Hour))) {
			t.Fatalf("acknowledge by %s", ack)
		}
	})
}

func TestRegimes(t *testing.T) {
	t.Parallel()
	table := rights.DefaultRegimes()
	for place, want := range map[[2]string]rights.RegimeID{
		{"DE", ""}: "eu_gdpr", {"DE", "BY"}: "eu_gdpr", {"US", "CA"}: "us_ca_ccpa",
		{"US", "TX"}: table.Fallback, {"CA", ""}: table.Fallback, {"", "CA"}: table.Fallback, {"", ""}: table.Fallback,
	} {
		if got := table.For(place[0], place[1]).ID; got != want {
			t.Errorf("%v has %s, want %s", place, got, want)
		}
	}
	if got := table.Named("gone").ID; got != table.Fallback {
		t.Errorf("a row that is gone became %s", got)
	}
	for _, g := range table.Rows {
		if g.Name == "" || g.Law == "" || g.Complaint == "" || g.Respond.Cite == "" || g.Extend.Cite == "" || g.Ack != (rights.Term{}) && g.Ack.Cite == "" {
			t.Errorf("%s doesn't say what it rests on", g.ID)
		}
	}
}
