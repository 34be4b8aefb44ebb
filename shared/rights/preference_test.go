package rights_test

import (
	"testing"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// TestMayMail: the newest word counts, a refusal of everything too, and where consent
// is needed silence is a no.
func TestMayMail(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	out := func(topic string, after time.Duration) rights.Preference {
		return rights.Preference{Topic: topic, OptedOut: true, At: at.Add(after), Basis: rights.Objected}
	}
	in := func(topic string, after time.Duration) rights.Preference {
		return rights.Preference{Topic: topic, At: at.Add(after), Basis: rights.Consent}
	}
	every := rights.EveryTopic
	for name, c := range map[string]struct {
		choices       []rights.Preference
		opted, agreed bool // may mail where silence means yes, and where it means no
	}{
		"silence":                      {nil, true, false},
		"out":                          {[]rights.Preference{out("news", 0)}, false, false},
		"in":                           {[]rights.Preference{in("news", 0)}, true, true},
		"another topic's out":          {[]rights.Preference{out("tips", 0)}, true, false},
		"another topic's in":           {[]rights.Preference{in("tips", 0)}, true, false},
		"everything out":               {[]rights.Preference{out(every, 0)}, false, false},
		"in, then everything out":      {[]rights.Preference{in("news", 0), out(every, time.Hour)}, false, false},
		"everything out, then in":      {[]rights.Preference{out(every, 0), in("news", time.Hour)}, true, true},
		"both in the same second":      {[]rights.Preference{out(every, 0), in("news", 0)}, false, false},
		"out, then everything back in": {[]rights.Preference{out("news", 0), in(every, time.Hour)}, false, false},
		"the sale alone":               {[]rights.Preference{out(rights.SaleTopic, 0)}, true, false},
	} {
		if rights.MayMail(c.choices, "news", false) != c.opted || rights.MayMail(c.choices, "news", true) != c.agreed {
			t.Errorf("%s: got %v and %v", name, !c.opted, !c.agreed)
		}
	}
}
