package rights_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rightful/rightful/shared/rights"
)

// TestDeadlines: cases with the date that the law comes to, and the trap in each.
func TestDeadlines(t *testing.T) {
	law := rights.DefaultRegimes()
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return at.Add(15 * time.Hour)
	}
	test := func(name, country, region, received, want string, due func(rights.Regime, time.Time, string) time.Time) {
		t.Run(name, func(t *testing.T) {
			got := due(law.For(country, region), day(received), country)
			if got.Format(time.DateTime) != want+" 23:59:59" {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	answer, ack, extended := rights.Regime.ExpectedBy, rights.Regime.AcknowledgeBy, rights.Regime.ExtendedTo
	test("EasterRolls", "DE", "", "2026-03-05", "2026-04-07", answer)             // not 5 or 6 April
	test("EasterElsewhere", "FI", "", "2026-03-05", "2026-04-06", answer)         // no table: weekends alone, never too late
	test("ShortMonth", "DE", "", "2026-08-31", "2026-09-30", answer)              // not 1 October
	test("LeapYear", "DE", "", "2028-01-30", "2028-02-29", answer)                // not 28 February
	test("ExtensionFromTheStart", "DE", "", "2027-01-31", "2027-04-30", extended) // not from the rolled date
	test("Thanksgiving", "US", "CA", "2026-11-16", "2026-12-01", ack)             // 26 November is skipped, the 27th is not
	test("CaliforniaAnswer", "US", "CA", "2026-11-16", "2026-12-31", answer)      // 45 days from receipt
	test("CaliforniaExtended", "US", "CA", "2026-11-16", "2027-02-14", extended)

	if got := law.For("US", "TX").ID; got != law.Fallback {
		t.Errorf("a place without a row falls under %s", got)
	}
	if got := law.For("DE", "").AcknowledgeBy(day("2026-03-05"), "DE"); !got.IsZero() {
		t.Errorf("the GDPR sets no acknowledgement, got %s", got)
	}
}

func TestTokens(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	tokens := rights.Tokens{Key: []byte("a key of thirty-two secret bytes")}
	claims := rights.Claims{Audience: rights.ForVerify, Request: "DR-TEST-2222-2222", Serial: 3, Expires: now.Add(time.Hour)}
	token := tokens.Mint(claims)
	if got, err := tokens.Redeem(token, rights.ForVerify, now); err != nil || got != claims {
		t.Errorf("%+v %v", got, err)
	}
	if token != tokens.Mint(claims) {
		t.Error("minting again gives another token")
	}
	if got, err := tokens.Redeem(token, rights.ForVerify, now.Add(time.Hour)); rights.CodeOf(err) != rights.Expired || got != claims {
		t.Errorf("expired: %+v %v", got, err)
	}
	refused := func(name, token string, audience rights.Audience, by rights.Tokens) {
		t.Run(name, func(t *testing.T) {
			if got, err := by.Redeem(token, audience, now); rights.CodeOf(err) != rights.Forbidden || got != (rights.Claims{}) {
				t.Errorf("%+v %v", got, err)
			}
		})
	}
	refused("WrongAudience", token, rights.ForStatus, tokens)
	refused("WrongKey", token, rights.ForVerify, rights.Tokens{Key: []byte("another key of thirty-two bytes!")})
	refused("WrongVersion", "r2"+token[2:], rights.ForVerify, tokens)
	refused("Empty", "", rights.ForVerify, tokens)
	refused("TooLong", token+strings.Repeat("A", 600), rights.ForVerify, tokens)
	for i := range token {
		for _, flip := range []byte{1, 4, 32} {
			changed := []byte(token)
			changed[i] ^= flip
			if _, err := tokens.Redeem(string(changed), rights.ForVerify, now); err == nil {
				t.Fatalf("a changed letter at %d was taken", i)
			}
		}
	}
	if tokens.Code("DR-A", 1) == tokens.Code("DR-A", 2) || !tokens.SameCode("DR-A", 1, " "+tokens.Code("DR-A", 1)[:4]+"-"+tokens.Code("DR-A", 1)[4:]) || tokens.SameCode("DR-A", 1, "") {
		t.Error("codes")
	}
}

func FuzzRedeem(f *testing.F) {
	tokens := rights.Tokens{Key: []byte("a key of thirty-two secret bytes")}
	f.Add("r1.a.b")
	f.Add(rights.Tokens{Key: []byte("x")}.Mint(rights.Claims{Audience: rights.ForStatus, Request: "DR-TEST-2222-2222", Expires: time.Unix(1<<40, 0)}))
	f.Fuzz(func(t *testing.T, token string) {
		if c, err := tokens.Redeem(token, rights.ForStatus, time.Unix(0, 0)); err == nil {
			t.Errorf("%q was taken as %+v", token, c)
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add("ada@example.com", "Ada", "DE", "details")
	f.Add("a@b.c\r\nBcc: x@y.z", "\u202e", "D", "\x00")
	f.Fuzz(func(t *testing.T, email, name, country, details string) {
		p, err := rights.Personal{Details: details, Subject: rights.Subject{Email: email, Name: name, Country: country}}.Clean()
		if err != nil {
			if e, ok := errors.AsType[*rights.Error](err); !ok || e.Code != rights.Invalid || len(e.Fields) == 0 {
				t.Errorf("%v", err)
			}
			return
		}
		if strings.ContainsAny(p.Subject.Email+p.Subject.Name, "\r\n\x00") || !strings.Contains(p.Subject.Email, "@") || len(p.Subject.Email) > rights.MaxEmail {
			t.Errorf("%q %q was taken", p.Subject.Email, p.Subject.Name)
		}
	})
}

// TestNamesOfTheWorld: what people are called is taken as it is.
func TestNamesOfTheWorld(t *testing.T) {
	for _, name := range []string{"Ada", "O'Brien", "Łukasz Żółć", "مهدی\u200cزاده", "美咲", "Nguyễn Văn A", "João d'Ávila-Ç", "👩\u200d🔬"} {
		p, err := rights.Personal{Subject: rights.Subject{Email: "a@example.com", Name: name}}.Clean()
		if err != nil || p.Subject.Name != name {
			t.Errorf("%q became %q: %v", name, p.Subject.Name, err)
		}
	}
}

func TestPersonalIsNotPrinted(t *testing.T) {
	p := rights.Personal{Subject: rights.Subject{Email: "ada@example.com"}}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "p", p, "s", p.Subject)
	if text := log.String() + fmt.Sprintf("%v %s %+v", p, p.Subject, p); strings.Contains(text, "ada@") {
		t.Errorf("printed: %s", text)
	}
}

func TestParseID(t *testing.T) {
	for text, want := range map[string]bool{"DR-7K4M-29QX-H3WT": true, " dr-7k4m-29qx-h3wt ": true, "DR-7K4M-29QX": false, "DR-7K4M-29QX-H3W0": false, "XX-7K4M-29QX-H3WT": false, "": false, "DR-7K4M-29QX-H3WT.erase": false} {
		if id, err := rights.ParseID(text); (err == nil) != want || want && id != "DR-7K4M-29QX-H3WT" {
			t.Errorf("%q: %q %v", text, id, err)
		}
	}
}

// TestClosedStaysClosed: whatever is tried in whatever order, a request that is
// over moves no more, and its ledger stays whole.
func TestClosedStaysClosed(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	moves := []func(rights.Request) (rights.Request, error){
		func(r rights.Request) (rights.Request, error) { return r.Acknowledged(r.Proof.Renew(now, time.Hour)) },
		func(r rights.Request) (rights.Request, error) { return r.Proven(now) },
		func(r rights.Request) (rights.Request, error) { return r.Lapse(now) },
		func(r rights.Request) (rights.Request, error) { return r.Withdraw(now) },
		func(r rights.Request) (rights.Request, error) { return r.Refuse(rights.Fraud, now) },
		func(r rights.Request) (rights.Request, error) { return r.Fulfil(now) },
		func(r rights.Request) (rights.Request, error) { return r.Handed(rights.Wait{For: rights.ForWave}) },
		func(r rights.Request) (rights.Request, error) { return r.ToReview(rights.Wait{For: rights.ForReview}) },
		rights.Request.Back,
	}
	rapid.Check(t, func(t *rapid.T) {
		right := rapid.SampledFrom(rights.Rights()).Draw(t, "right")
		r := rights.NewRequest("DR-TEST-2222-2222", right, rights.Personal{}, "key", rights.DefaultRegimes(), now)
		var ledger []rights.Event
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, len(moves)-1), 0, 20).Draw(t, "moves") {
			next, err := moves[n](r)
			if err != nil {
				if rights.CodeOf(err) != rights.NotNow {
					t.Fatal(err)
				}
				continue
			}
			if r.Status.Closed() {
				t.Fatalf("a request that is %s became %s", r.Status, next.Status)
			}
			ledger = append(ledger, next.Record(now, rights.ByRightful, "moved", map[string]string{"n": fmt.Sprint(n)}))
			r = next
		}
		if err := rights.VerifyLedger(ledger, r.Ledger); err != nil {
			t.Fatal(err)
		}
		if len(ledger) == 0 {
			return
		}
		at := rapid.IntRange(0, len(ledger)-1).Draw(t, "at")
		tampered := append([]rights.Event(nil), ledger...)
		tampered[at].Actor = rights.ByOperator
		if rights.VerifyLedger(tampered, r.Ledger) == nil || rights.VerifyLedger(append(ledger[:at:at], ledger[at+1:]...), r.Ledger) == nil {
			t.Fatal("a changed or missing line went unseen")
		}
	})
}
