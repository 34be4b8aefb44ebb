package feedback_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rightful/rightful/events"
	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/feedback"
	"github.com/rightful/rightful/shared/preference"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/sqlite"
	"github.com/rightful/rightful/shared/unsubscribe"
	"github.com/rightful/rightful/shared/webhook"
)

const id = rights.ID("DR-7K4M-29QX-H3WT")

type house struct {
	feedback.Feedback
	now time.Time
}

// newHouse has one request, whose letters go out.
func newHouse(t testing.TB) *house {
	t.Helper()
	dir := t.TempDir()
	master, err1 := envelope.OpenFile(filepath.Join(dir, "key"))
	keys, err2 := sqlite.OpenKeys(t.Context(), filepath.Join(dir, "keys.db"))
	store, err3 := sqlite.Open(t.Context(), filepath.Join(dir, "store.db"), &envelope.Sealer{Master: master, Keys: keys})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close(); keys.Close() })
	h := &house{now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return h.now }
	h.Feedback = feedback.Feedback{Store: store, Choices: preference.Center{Store: store, Keys: unsubscribe.Derive(master.SigningKey, 1), Now: now}, Now: now}
	personal := rights.Personal{Subject: rights.Subject{Email: "bounce@simulator.amazonses.com"}}
	r := rights.NewRequest(id, rights.Access, personal, "key", rights.DefaultRegimes(), h.now)
	line := r.Record(h.now, rights.ByPerson, rights.Received, nil)
	if _, err := store.Create(t.Context(), rights.Creation{Request: r, Personal: personal, Events: []rights.Event{line}}); err != nil {
		t.Fatal(err)
	}
	return h
}

// said is what is kept of an address: "every out bounce" for each choice.
func (h *house) said(t *testing.T, address string) string {
	t.Helper()
	choices, err := h.Store.PreferencesOf(t.Context(), h.Choices.Keys.Pseudonym(address))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, c := range choices {
		all = append(all, c.Topic+map[bool]string{true: " out ", false: " in "}[c.OptedOut]+string(c.Source))
	}
	return strings.Join(all, ", ")
}

// TestSES replays a sample of every kind of event, each of them twice and all of them
// in any order: what is kept is the same.
func TestSES(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(events.Files, "mail-feedback/*.json")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for round := range 10 {
		h := newHouse(t)
		order := append(append([]string{}, files...), files...)
		rand.New(rand.NewPCG(uint64(round), 1)).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, file := range order {
			text, err := fs.ReadFile(events.Files, file)
			if err != nil {
				t.Fatal(err)
			}
			var e struct{ Detail struct{ EventType string } }
			if err := json.Unmarshal(text, &e); err != nil {
				t.Fatal(err)
			}
			kinds[e.Detail.EventType] = true
			if err := h.Take(t.Context(), text); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		}
		got := map[string]string{}
		for _, name := range []string{"bounce", "complaint", "dead", "full", "odd", "listed", "upset", "angry", "fan", "reader", "chooser", "leaver"} {
			got[name] = h.said(t, name+"@simulator.amazonses.com")
		}
		want := map[string]string{
			"bounce": "every out bounce", "complaint": "every out complaint", "dead": "every out bounce", "upset": "every out complaint", "angry": "every out complaint",
			"full": "", "odd": "", "listed": "", "fan": "", "reader": "", "chooser": "product-news out provider, tips in provider", "leaver": "every out provider",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("round %d (-want +got):\n%s", round, diff)
		}
		ledger, err := h.Store.Ledger(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		lines := map[string]int{}
		for _, l := range ledger[1:] {
			lines[l.Detail["kind"]]++
		}
		if diff := cmp.Diff(map[string]int{"bounce": 1, "complaint": 1, "reject": 1, "rendering_failure": 1}, lines); diff != "" {
			t.Fatalf("round %d, the request's ledger (-want +got):\n%s", round, diff)
		}
	}
	if len(kinds) != 10 {
		t.Errorf("SES knows ten kinds of event, the samples show %v", kinds)
	}
}

// TestLateComplaint: whoever comes back by their own choice isn't sent away again by an
// event from before.
func TestLateComplaint(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	text, err := fs.ReadFile(events.Files, "mail-feedback/complaint-abuse.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Take(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Choices.ChooseFor(t.Context(), "upset@simulator.amazonses.com", rights.Preference{Topic: rights.EveryTopic, Source: rights.ByPage}); err != nil {
		t.Fatal(err)
	}
	if err := h.Take(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	if got := h.said(t, "upset@simulator.amazonses.com"); got != "every in page" {
		t.Errorf("it says %q", got)
	}
}

// TestSoftBounces: four within 30 days are bad luck, however often each is told; the
// fifth is a dead address. Old ones are forgotten.
func TestSoftBounces(t *testing.T) {
	t.Parallel()
	bounce := func(h *house, n int) {
		t.Helper()
		text := strings.NewReplacer("ID", string(rune('a'+n)), "AT", h.now.Format(time.RFC3339)).Replace(`{"detail":{"eventType":"Bounce","bounce":{"bounceType":"Transient","feedbackId":"ID","timestamp":"AT","bouncedRecipients":[{"emailAddress":"full@example.com"}]}}}`)
		for range 3 {
			if err := h.Take(t.Context(), json.RawMessage(text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	h := newHouse(t)
	for n := range 4 {
		bounce(h, n)
	}
	if got := h.said(t, "full@example.com"); got != "" {
		t.Errorf("after four: %s", got)
	}
	bounce(h, 4)
	if got := h.said(t, "full@example.com"); got != "every out bounce" {
		t.Errorf("after five: %q", got)
	}
	h = newHouse(t)
	for n := range 12 {
		bounce(h, n)
		h.now = h.now.Add(10 * 24 * time.Hour)
	}
	if got := h.said(t, "full@example.com"); got != "" {
		t.Errorf("one in ten days: %s", got)
	}
}

const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZg=="

// TestHook replays what senders report; what isn't signed, or can't be read, keeps
// nothing.
func TestHook(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	hook := feedback.Hook{Feedback: h.Feedback, Secret: secret}
	send := func(id, body, secret string) error {
		header, err := webhook.Sign(secret, id, h.now, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return hook.Receive(t.Context(), header, []byte(body))
	}
	files, err := fs.Glob(events.Files, "mail-report/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range append(files, files...) {
		text, err := fs.ReadFile(events.Files, file)
		if err != nil {
			t.Fatal(err)
		}
		if err := send(file, string(text), secret); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for address, want := range map[string]string{"dead": "every out bounce", "full": "", "upset": "every out complaint", "leaver": "product-news out provider"} {
		if got := h.said(t, address+"@example.com"); got != want {
			t.Errorf("%s: %q", address, got)
		}
	}
	const good = `{"type":"mail.complained","timestamp":"2026-03-02T09:00:00Z","data":{"address":"new@example.com"}}`
	for body, want := range map[string]rights.Code{
		`{`:           rights.Malformed,
		good + good:   rights.Malformed,
		`{"extra":1}`: rights.Malformed,
		strings.Replace(good, "complained", "opened", 1):            rights.Invalid,
		strings.Replace(good, "2026", "2036", 1):                    rights.Invalid,
		strings.Replace(good, "new@example.com", "nobody", 1):       rights.Invalid,
		strings.Replace(good, `"}}`, `","topic":"Not one!"}}`, 1):   rights.Invalid,
		strings.Replace(good, `"}}`, `","unknown":"Not one!"}}`, 1): rights.Malformed,
	} {
		if err := send("1", body, secret); rights.CodeOf(err) != want {
			t.Errorf("%s: %v", body, err)
		}
	}
	if err := send("1", good, "whsec_YW5vdGhlciBzZWNyZXQgb2Ygc2VuZGVycw=="); rights.CodeOf(err) != rights.Forbidden {
		t.Errorf("another secret: %v", err)
	}
	if err := (feedback.Hook{Feedback: h.Feedback}).Receive(t.Context(), http.Header{}, []byte(good)); rights.CodeOf(err) != rights.Forbidden {
		t.Errorf("no secret: %v", err)
	}
	if got := h.said(t, "new@example.com"); got != "" {
		t.Errorf("a bad report kept %s", got)
	}
}

// TestReconcile: what SES's own list says and no event brought.
func TestReconcile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	list := func(_ context.Context, since time.Time, take func(string, bool, time.Time) error) error {
		if !since.Equal(h.now.Add(-time.Hour)) {
			t.Errorf("since %s", since)
		}
		return errors.Join(take("dead@example.com", false, since), take("upset@example.com", true, since))
	}
	for range 2 {
		if seen, err := h.Reconcile(t.Context(), list, h.now.Add(-time.Hour)); seen != 2 || err != nil {
			t.Errorf("%d, %v", seen, err)
		}
	}
	if got := h.said(t, "dead@example.com") + "; " + h.said(t, "upset@example.com"); got != "every out bounce; every out complaint" {
		t.Errorf("it says %s", got)
	}
}

// FuzzTake: no event can do more than be refused.
func FuzzTake(f *testing.F) {
	files, err := fs.Glob(events.Files, "mail-feedback/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(events.Files, file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	h := newHouse(f)
	f.Fuzz(func(t *testing.T, text string) {
		err := h.Take(t.Context(), json.RawMessage(text))
		if err != nil && rights.CodeOf(err) != rights.Malformed {
			t.Errorf("%q: %v", text, err)
		}
	})
}

// FuzzReceive: a signed report does no more than be refused either.
func FuzzReceive(f *testing.F) {
	files, err := fs.Glob(events.Files, "mail-report/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(events.Files, file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	h := newHouse(f)
	hook := feedback.Hook{Feedback: h.Feedback, Secret: secret}
	f.Fuzz(func(t *testing.T, body []byte) {
		header, err := webhook.Sign(secret, "1", h.now, body)
		if err != nil {
			t.Fatal(err)
		}
		err = hook.Receive(t.Context(), header, body)
		if code := rights.CodeOf(err); err != nil && code != rights.Malformed && code != rights.Invalid {
			t.Errorf("%q: %v", body, err)
		}
	})
}
