package preference_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/mail"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/preference"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/sqlite"
	"github.com/rightful/rightful/shared/unsubscribe"
)

var at = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// post keeps what is sent.
type post struct{ sent []notice.Message }

func (p *post) Send(_ context.Context, m notice.Message) error {
	p.sent = append(p.sent, m)
	return nil
}

func newCenter(t testing.TB) (*preference.Center, *post) {
	t.Helper()
	dir := t.TempDir()
	master, err1 := envelope.OpenFile(filepath.Join(dir, "key"))
	keys, err2 := sqlite.OpenKeys(t.Context(), filepath.Join(dir, "keys.db"))
	store, err3 := sqlite.Open(t.Context(), filepath.Join(dir, "store.db"), &envelope.Sealer{Master: master, Keys: keys})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close(); keys.Close() })
	p := &post{}
	return &preference.Center{
		Store: store, Keys: unsubscribe.Derive(master.SigningKey, 1), Policy: rights.DefaultPolicy(), Base: "https://privacy.example.com",
		Sender: p, From: mail.Address{Address: "privacy@example.com"}, Now: func() time.Time { return at },
	}, p
}

// TestNewestWordCounts: whatever is told of a person, in any order and any number of
// times, the newest word of theirs decides; no list of the company's undoes a refusal.
func TestNewestWordCounts(t *testing.T) {
	c, _ := newCenter(t)
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		address := fmt.Sprintf("person%d@example.com", n)
		words := rapid.SliceOfN(rapid.Bool(), 1, 6).Draw(t, "said") // true refuses; an hour between
		var told []rights.Preference
		for i, out := range words {
			source := rapid.SampledFrom([]rights.ChoiceSource{rights.ByOneClick, rights.ByPage, rights.ByComplaint, rights.ByProvider}).Draw(t, "source")
			for range rapid.IntRange(1, 2).Draw(t, "times") {
				told = append(told, rights.Preference{Topic: "news", OptedOut: out, At: at.Add(time.Duration(i) * 5 * time.Hour), Source: source})
			}
		}
		rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0)).Shuffle(len(told), func(i, j int) { told[i], told[j] = told[j], told[i] })
		for _, p := range told {
			if _, err := c.ChooseFor(context.Background(), address, p); err != nil {
				t.Fatal(err)
			}
		}
		want := !words[len(words)-1]
		if may, err := c.MayMail(context.Background(), address, "news", ""); err != nil || may != want {
			t.Fatalf("said %v, told %v: may mail is %t, %v", words, told, may, err)
		}
		imported := rights.Preference{Topic: "news", At: at.Add(1000 * time.Hour), Source: rights.ByImport}
		if _, err := c.ChooseFor(context.Background(), address, imported); err != nil {
			t.Fatal(err)
		}
		if may, err := c.MayMail(context.Background(), address, "news", ""); err != nil || may != want {
			t.Fatalf("a list made it %t, %v", may, err)
		}
	})
}

// TestSignUp: who has to be asked is asked once they may be, and a question is worth
// nothing until its link is pressed, within its time.
func TestSignUp(t *testing.T) {
	t.Parallel()
	c, p := newCenter(t)
	c.Policy.DoubleOptIn, c.Policy.Company = true, "Example\r\nBcc: everybody@example.com"
	c.Policy.Topics = []rights.Topic{{Name: "news", Title: "News <b>&"}}
	sign := func(address, country string) preference.State {
		t.Helper()
		state, err := c.SignUp(t.Context(), address, "news", country)
		if err != nil {
			t.Fatal(err)
		}
		return state
	}
	if got := sign("bob@example.com", "US"); got != preference.Kept || len(p.sent) != 0 {
		t.Errorf("where nobody has to be asked: %s", got)
	}
	if got := sign("ada@example.com", "DE"); got != preference.Asked || len(p.sent) != 1 {
		t.Fatalf("%s, %d mails", got, len(p.sent))
	}
	m := p.sent[0]
	if _, err := notice.Build(m, at); err != nil || strings.ContainsAny(m.Subject, "\r\n") || !strings.Contains(m.HTML, "News &lt;b&gt;&amp;") || m.To.Address != "ada@example.com" {
		t.Errorf("%v: %+v", err, m)
	}
	_, token, _ := strings.Cut(m.Text, "/preferences/confirm/")
	token, _, _ = strings.Cut(token, "\n")
	c.Now = func() time.Time { return at.Add(8 * 24 * time.Hour) }
	if _, err := c.Confirm(t.Context(), token); !errors.Is(err, unsubscribe.ErrAsked) {
		t.Errorf("too late: %v", err)
	}
	c.Now = func() time.Time { return at.Add(time.Hour) }
	if got := sign("ada@example.com", "DE"); got != preference.Asked {
		t.Errorf("before she answers: %s", got)
	}
	if claims, err := c.Confirm(t.Context(), token); err != nil || claims.Topic != "news" {
		t.Errorf("%+v, %v", claims, err)
	}
	if got := sign("ada@example.com", "DE"); got != preference.Kept {
		t.Errorf("after: %s", got)
	}
	for range 10 {
		_, err := c.SignUp(t.Context(), "busy@example.com", "news", "DE")
		if err != nil && rights.CodeOf(err) != rights.TooMany {
			t.Fatal(err)
		}
	}
	if asked := len(p.sent) - 2; asked != c.Policy.PerAddress {
		t.Errorf("one address was asked %d times within an hour", asked)
	}
}

// FuzzImport: any row is stored, known or refused by its field, and a refusal repeats
// nothing of it.
func FuzzImport(f *testing.F) {
	f.Add("ada@example.com", "news", "in", "2026-01-02")
	f.Add("Ada <ada@example.com>", "every", "out", "2026-01-02T09:00:00Z")
	f.Add("", "sale", "maybe", "soon")
	c, _ := newCenter(f)
	f.Fuzz(func(t *testing.T, email, topic, choice, when string) {
		r, err := c.Import(t.Context(), []preference.Row{{Email: email, Topic: topic, Choice: choice, At: when}})
		if err != nil || r.Stored+r.Unchanged+len(r.Refused) != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		for _, refused := range r.Refused {
			if refused.Field == "" || len(email) > 12 && strings.Contains(refused.Problem, email) {
				t.Errorf("%+v", refused)
			}
		}
	})
}
