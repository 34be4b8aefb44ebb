package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/console"
	"github.com/rightful/rightful/shared/preference"
	"github.com/rightful/rightful/shared/rights"
)

// operate makes an operator's call that has to succeed.
func operate[T any](t *testing.T, h *house, method, path, body string) T {
	t.Helper()
	answer, text := h.do(t, method, "/v1/operator"+path, body, "Authorization", "Bearer "+h.token)
	var out T
	if err := json.Unmarshal([]byte(text), &out); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %d: %s", path, answer.StatusCode, text)
	}
	return out
}

// TestRequestToBeLetAlone: whoever asks by the form gets no more mail from that moment,
// the newsletters are told by the request, and the others by hand.
func TestRequestToBeLetAlone(t *testing.T) {
	h := newHouse(t, nil)
	_, body := h.do(t, "POST", "/v1/requests", `{"right":"unsubscribe","subject":{"email":"ada@example.com"}}`)
	if !h.suppressed(t, "ada@example.com", "news") {
		t.Error("she still gets mail")
	}
	if err := h.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	var receipt struct{ ID rights.ID }
	if err := json.Unmarshal([]byte(body), &receipt); err != nil {
		t.Fatal(err)
	}
	tasks, err := h.store.TasksOf(t.Context(), receipt.ID)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]rights.Outcome{}
	for _, task := range tasks {
		got[task.System] = task.Outcome
	}
	if len(got) != 3 || got["mailing"] != rights.Done || got["crm"] != rights.NeedsAttention {
		t.Errorf("the systems' shares: %v", got)
	}
}

// TestSignal: Sec-GPC counts with a request and on the preference page; any other value
// is none, a scanner's HEAD changes nothing, and the site says that it is honoured.
func TestSignal(t *testing.T) {
	h := newHouse(t, nil)
	sold := func(address string) bool {
		t.Helper()
		choices, err := h.store.PreferencesOf(t.Context(), h.portal.Choices.Keys.Pseudonym(address))
		if err != nil {
			t.Fatal(err)
		}
		return rights.MaySell(choices)
	}
	page := func(address string) string {
		return strings.Replace(h.link(t, address, "news"), "/u/", "/preferences/", 1)
	}
	h.do(t, "POST", "/v1/requests", `{"right":"access","subject":{"email":"api@example.com"}}`, "Sec-GPC", "1")
	h.do(t, "POST", "/v1/requests", `{"right":"access","subject":{"email":"none@example.com"}}`, "Sec-GPC", "0")
	h.do(t, "GET", page("get@example.com"), "", "Sec-GPC", "1")
	h.do(t, "HEAD", page("head@example.com"), "", "Sec-GPC", "1")
	h.do(t, "GET", page("odd@example.com"), "", "Sec-GPC", "true")
	h.do(t, "GET", h.link(t, "link@example.com", "news"), "", "Sec-GPC", "1")
	for address, want := range map[string]bool{"api": false, "none": true, "get": false, "head": true, "odd": true, "link": true} {
		if got := sold(address + "@example.com"); got != want {
			t.Errorf("%s: may be sold is %t", address, got)
		}
	}
	answer, body := h.do(t, "GET", page("get@example.com"), "")
	if answer.Header.Get("Vary") != "Sec-GPC" || !strings.Contains(body, "privacy signal") {
		t.Errorf("Vary: %s: %s", answer.Header.Get("Vary"), body)
	}
	var said struct {
		GPC        bool
		LastUpdate string
	}
	answer, body = h.do(t, "GET", "/.well-known/gpc.json", "")
	if err := json.Unmarshal([]byte(body), &said); err != nil || !said.GPC || answer.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%v: %s", err, body)
	}
	if _, err := time.Parse(time.DateOnly, said.LastUpdate); err != nil {
		t.Error(err)
	}
}

// TestChangesOfMind: who flips a choice back and forth is stopped, at a no: to refuse
// is always possible.
func TestChangesOfMind(t *testing.T) {
	h := newHouse(t, nil)
	link := h.link(t, "ada@example.com", "news")
	status := 0
	for n := 0; n < 40 && status != http.StatusTooManyRequests; n++ {
		h.click(t, link, oneClick)
		answer, _ := h.click(t, link, "action=undo")
		status = answer.StatusCode
	}
	if status != http.StatusTooManyRequests || !h.suppressed(t, "ada@example.com", "news") {
		t.Errorf("the last undo answers %d", status)
	}
	if answer, _ := h.click(t, strings.Replace(link, "/u/", "/preferences/", 1), "action=every"); answer.StatusCode != http.StatusOK || !h.suppressed(t, "ada@example.com", "tips") {
		t.Errorf("refusing everything answers %d", answer.StatusCode)
	}
}

// TestImport: rows are reported one by one, a bad one stops no other, and the same rows
// again change nothing.
func TestImport(t *testing.T) {
	h := newHouse(t, nil)
	rows := `{"rows":[
		{"email":"ada@example.com"},
		{"email":"bob@example.com","topic":"news","choice":"in","at":"2025-01-02"},
		{"email":"nobody at all"},
		{"email":"a@example.com","choice":"maybe"},
		{"email":"a@example.com","topic":"Not one!"},
		{"email":"a@example.com","at":"2099-01-01"},
		{"email":"a@example.com","topic":"news","choice":"in"}]}`
	for try, want := range []string{"2 0 5", "0 2 5"} {
		answer, text := h.do(t, "POST", "/v1/operator/suppression/import", strings.Replace(rows, `,"choice":"maybe"`, `,"choice":"out","at":"soon"`, 1), "Authorization", "Bearer "+h.token)
		var r preference.Report
		if err := json.Unmarshal([]byte(text), &r); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%d: %s", answer.StatusCode, text)
		}
		if got := fmt.Sprint(r.Stored, r.Unchanged, len(r.Refused)); got != want {
			t.Errorf("try %d: %s: %+v", try, got, r.Refused)
		}
		if r.Refused[0].Row != 3 || r.Refused[0].Field != "email" || strings.Contains(text, "nobody at all") {
			t.Errorf("refused: %s", text)
		}
	}
	if !h.suppressed(t, "ada@example.com", "anything") {
		t.Error("the list isn't kept")
	}
}

// TestOperatorSeesChoices: by address, and what can't be retried says so.
func TestOperatorSeesChoices(t *testing.T) {
	h := newHouse(t, nil)
	h.click(t, h.link(t, "ada@example.com", "news"), oneClick)
	if err := h.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := operate[console.Chosen](t, h, "POST", "/preferences/lookup", `{"address":"Ada@Example.com"}`)
	if len(seen.Choices) != 1 || seen.Choices[0].Topic != "news" || seen.Choices[0].Basis != rights.Objected || len(seen.Tasks) != 1 || seen.Tasks[0].Outcome != rights.Done {
		t.Errorf("%+v", seen)
	}
	if same := operate[console.Chosen](t, h, "GET", "/preferences/"+seen.Person, ""); same.Person != seen.Person || len(same.Choices) != 1 {
		t.Errorf("%+v", same)
	}
	answer, body := h.do(t, "POST", "/v1/operator/preferences/"+seen.Person+"/systems/mailing/retry", "", "Authorization", "Bearer "+h.token)
	if answer.StatusCode != http.StatusConflict || !strings.Contains(body, "nothing left") {
		t.Errorf("%d: %s", answer.StatusCode, body)
	}
}

// TestRecipe: a program in any language makes the same pseudonym.
func TestRecipe(t *testing.T) {
	h := newHouse(t, nil)
	_, text, _ := rightful("links", "keys", "--data", filepath.Dir(h.clock.file))
	asked, err := json.Marshal(operate[json.RawMessage](t, h, "POST", "/links/keys", ""))
	if err != nil || compacted(t, text) != compacted(t, string(asked)) {
		t.Errorf("the API gives other keys than the command: %v", err)
	}
	var file struct{ Person string }
	if err := json.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	key, err := base64.StdEncoding.DecodeString(file.Person)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("person\x00ada@example.com"))
	want := base64.URLEncoding.EncodeToString(mac.Sum(nil))[:24]
	page := operate[console.Suppressed](t, h, "GET", "/suppression", "")
	if got := h.portal.Choices.Keys.Pseudonym(" Ada@Example.com"); got != want || !strings.Contains(page.Recipe, "HMAC-SHA-256") {
		t.Errorf("%s, the recipe makes %s", got, want)
	}
}

func compacted(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(text)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
