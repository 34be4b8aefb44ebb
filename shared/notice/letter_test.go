package notice_test

import (
	"flag"
	"html"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/rights"
)

var update = flag.Bool("update", false, "write the letters in testdata anew")

var from = mail.Address{Name: "Example Company", Address: "privacy@example.com"}

func at(month time.Month, day int) time.Time {
	return time.Date(2026, month, day, 9, 30, 0, 0, time.UTC)
}

func letter(kind notice.Kind, right rights.Right) notice.Letter {
	return notice.Letter{
		Kind: kind, To: "ada@example.org", Name: "Ada Example",
		Request: rights.Request{ID: "DR-7K4M-29QX-H3WT", Right: right, Regime: "eu_gdpr", ReceivedAt: at(time.March, 14), ExpectedBy: at(time.April, 14), Proof: rights.Challenge{Serial: 1}},
		Company: "Example Company", Contact: "help@example.com", Regime: rights.DefaultRegimes().Named("eu_gdpr"),
		StatusURL: "https://privacy.example.com/requests/r1.c3RhdHVz.c2lnbmVk",
	}
}

func proof() *notice.Proof {
	return &notice.Proof{Link: "https://privacy.example.com/verify/r1.dmVyaWZ5.c2lnbmVk", Code: "12345678", Until: at(time.March, 21)}
}

func with(l notice.Letter, change func(*notice.Letter)) notice.Letter {
	change(&l)
	return l
}

var invoices = rights.Keep{What: "invoices", Count: 3, Why: "Tax law asks us to keep invoices for ten years (§ 147 AO).", Until: at(time.December, 31)}

// letters are one of every kind and turn; each is a pair of files in testdata.
var letters = map[string]notice.Letter{
	"confirm":             with(letter(notice.Acknowledged, rights.Erasure), func(l *notice.Letter) { l.Name, l.Proof = "", proof() }),
	"acknowledged":        with(letter(notice.Acknowledged, rights.OptOutSale), func(l *notice.Letter) { l.Name = "" }),
	"proof_resent":        with(letter(notice.ProofResent, rights.Access), func(l *notice.Letter) { l.Name, l.Proof, l.Request.Proof.Serial = "", proof(), 2 }),
	"expired":             with(letter(notice.Expired, rights.Erasure), func(l *notice.Letter) { l.Name = "" }),
	"finished_by_hand":    with(letter(notice.Finished, rights.Rectification), func(l *notice.Letter) { l.Systems = []notice.SystemLine{{Title: "Help desk", Outcome: rights.ByHand}} }),
	"finished_nothing":    letter(notice.Finished, rights.Restriction),
	"refused_not_covered": with(letter(notice.Refused, rights.Portability), func(l *notice.Letter) { l.Request.Reason = rights.NotCovered }),
	"referred":            with(letter(notice.Referred, rights.Erasure), func(l *notice.Letter) { l.ReferTo = "Example Shop, privacy@shop.example.com" }),
	"referred_unnamed":    letter(notice.Referred, rights.Erasure),
	"withdrawn":           letter(notice.WithdrawnByPerson, rights.Erasure),
	"withdrawn_late": with(letter(notice.WithdrawnByPerson, rights.Erasure), func(l *notice.Letter) {
		l.Systems = []notice.SystemLine{{Title: "Web shop", Outcome: rights.Done}, {Title: "Billing", Outcome: rights.Skipped}}
	}),
	"finished_export": with(letter(notice.Finished, rights.Access), func(l *notice.Letter) {
		l.Systems = []notice.SystemLine{{Title: "Web shop", Outcome: rights.Done}, {Title: "Newsletter", Outcome: rights.NoData}}
		l.ExportUntil = at(time.April, 2)
	}),
	"finished_erasure": with(letter(notice.Finished, rights.Erasure), func(l *notice.Letter) {
		l.Systems = []notice.SystemLine{
			{Title: "Web shop", Outcome: rights.Done},
			{Title: "Newsletter", Outcome: rights.NoData},
			{Title: "Billing", Outcome: rights.Kept, Keeps: []rights.Keep{invoices, {What: "your address on our do-not-contact list", Why: "Without it we could not keep our promise."}}},
			{Title: "Help desk", Outcome: rights.ByHand},
		}
	}),
	"finished_in_part": with(letter(notice.Finished, rights.Erasure), func(l *notice.Letter) {
		l.Systems = []notice.SystemLine{{Title: "Web shop", Outcome: rights.Done}, {Title: "Old archive", Outcome: rights.Skipped}}
	}),
	"refused_duplicate": with(letter(notice.Refused, rights.Erasure), func(l *notice.Letter) {
		l.Request.Reason, l.Request.Duplicate = rights.TooFrequent, "DR-2222-3333-4444"
	}),
	"refused_explained": with(letter(notice.Refused, rights.Erasure), func(l *notice.Letter) {
		l.Request.Reason = rights.OtherGround
		l.Explanation = "Your account is part of an open court case.\n\nAsk again when it has ended."
	}),
}

func TestRender(t *testing.T) {
	t.Parallel()
	for name, l := range letters {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := render(t, l)
			golden(t, name+".txt", "Subject: "+m.Subject+"\n\n"+m.Text)
			golden(t, name+".html", m.HTML)
		})
	}
}

func render(t testing.TB, l notice.Letter) notice.Message {
	t.Helper()
	m, err := notice.Render(l, from)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got), go test -update writes it anew:\n%s", name, diff)
	}
}

func TestRender_EveryLetterKeepsTheRules(t *testing.T) {
	t.Parallel()
	for name, l := range letters {
		m := render(t, l)
		if strings.Contains(m.Subject, l.Request.Right.Name()) || strings.Contains(m.Subject, "Ada") || strings.Contains(m.Subject, "@") {
			t.Errorf("%s: the subject names the right or the person", name)
		}
		for _, part := range []string{l.StatusURL, string(l.Request.ID), l.Contact, l.Company} {
			if !strings.Contains(m.Text, part) {
				t.Errorf("%s: the text lacks %q", name, part)
			}
		}
		if n := words(m.Text); n > 150 {
			t.Errorf("%s: %d words besides lists and links, want at most 150", name, n)
		}
		if strings.Contains(m.Text, "<no value>") || strings.Contains(m.Text, "  ") {
			t.Errorf("%s: the template left a hole:\n%s", name, m.Text)
		}
		if remote := regexp.MustCompile(`(?i)<(img|link|script|iframe|object)|\bsrc=|url\(`).FindString(m.HTML); remote != "" {
			t.Errorf("%s: the HTML loads something: %s", name, remote)
		}
		if diff := cmp.Diff(strings.Fields(bare(m.Text)), strings.Fields(shown(m.HTML))); diff != "" {
			t.Errorf("%s: text and HTML say different things (-text +html):\n%s", name, diff)
		}
	}
}

func words(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "- ") && !strings.HasPrefix(line, "> ") && !strings.HasPrefix(line, "https://") {
			n += len(strings.Fields(line))
		}
	}
	return n
}

// bare is the text without the marks that HTML shows as form.
func bare(text string) string {
	return regexp.MustCompile(`(?m)^[->] `).ReplaceAllString(text, "")
}

// shown is what a reader of the HTML sees.
func shown(page string) string {
	_, body, _ := strings.Cut(page, "<body")
	return html.UnescapeString(regexp.MustCompile(`<[^>]*>|^[^>]*>`).ReplaceAllString(body, " "))
}

func TestRender_EveryGroundHasItsSentence(t *testing.T) {
	t.Parallel()
	seen := map[string]rights.Reason{}
	for _, ground := range rights.Grounds() {
		l := letter(notice.Refused, rights.Erasure)
		l.Request.Reason = ground
		text := render(t, l).Text
		if other, ok := seen[text]; ok {
			t.Errorf("%s and %s read the same", ground, other)
		}
		seen[text] = ground
		if strings.Contains(text, string(ground)) {
			t.Errorf("%s is told as a code", ground)
		}
		if !strings.Contains(text, l.Regime.Complaint) {
			t.Errorf("%s: nobody to complain to", ground)
		}
	}
}

func TestRender_KeyTellsLettersApartAndTriesTogether(t *testing.T) {
	t.Parallel()
	first, again := render(t, letters["confirm"]), render(t, letters["confirm"])
	if first.Key != again.Key {
		t.Errorf("the same letter has the keys %s and %s", first.Key, again.Key)
	}
	resent := letters["proof_resent"]
	next := with(resent, func(l *notice.Letter) { l.Request.Proof.Serial++ })
	if render(t, resent).Key == render(t, next).Key {
		t.Error("two proof mails share a key: the second would never arrive")
	}
}

func TestRender_RefusesWhatItCannotWrite(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]notice.Letter{
		"unknown kind": letter("greeting", rights.Access),
		"no address":   with(letter(notice.Expired, rights.Access), func(l *notice.Letter) { l.To = "" }),
		"no proof":     letter(notice.ProofResent, rights.Access),
	} {
		if _, err := notice.Render(l, from); err == nil {
			t.Errorf("%s: rendered", name)
		}
	}
}
