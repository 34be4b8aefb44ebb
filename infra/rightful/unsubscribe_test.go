package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/unsubscribe"
)

const oneClick = "List-Unsubscribe=One-Click"

// link mints a link by the operator's API and returns its path.
func (h *house) link(t testing.TB, address, topic string) string {
	t.Helper()
	answer, body := h.do(t, "POST", "/v1/operator/links", fmt.Sprintf(`{"address":%q,"topic":%q}`, address, topic), "Authorization", "Bearer "+h.token)
	var l unsubscribe.Link
	if err := json.Unmarshal([]byte(body), &l); err != nil || answer.StatusCode != http.StatusOK || l.Headers["List-Unsubscribe"] != "<"+l.URL+">" {
		t.Fatalf("%d: %s", answer.StatusCode, body)
	}
	return strings.TrimPrefix(l.URL, h.url)
}

// suppressed asks whether somebody may not be mailed.
func (h *house) suppressed(t testing.TB, address, topic string) bool {
	t.Helper()
	answer, body := h.do(t, "POST", "/v1/operator/suppression/check", fmt.Sprintf(`{"addresses":["somebody.else@example.com",%q],"topic":%q}`, address, topic), "Authorization", "Bearer "+h.token)
	var checked struct{ Suppressed []bool }
	if err := json.Unmarshal([]byte(body), &checked); err != nil || answer.StatusCode != http.StatusOK || len(checked.Suppressed) != 2 || checked.Suppressed[0] {
		t.Fatalf("%d: %s", answer.StatusCode, body)
	}
	return checked.Suppressed[1]
}

func (h *house) click(t testing.TB, path, body string) (*http.Response, string) {
	t.Helper()
	return h.do(t, "POST", path, body, "Content-Type", "application/x-www-form-urlencoded")
}

func TestUnsubscribe(t *testing.T) {
	h := newHouse(t, nil)
	const ada = "Ada@Example.com"

	t.Run("GetAndHeadChangeNothing", func(t *testing.T) {
		path := h.link(t, ada, "news")
		for _, method := range []string{"HEAD", "GET", "GET"} {
			answer, body := h.do(t, method, path, "")
			if answer.StatusCode != http.StatusOK || len(answer.Cookies()) > 0 || answer.Header.Get("Cache-Control") != "no-store" || method == "GET" && strings.Count(body, "<button") != 1 {
				t.Errorf("%s answers %d: %s", method, answer.StatusCode, body)
			}
		}
		if h.suppressed(t, ada, "news") {
			t.Error("a scanner unsubscribed her")
		}
	})

	t.Run("OneClickInBothEncodings", func(t *testing.T) {
		var form bytes.Buffer
		parts := multipart.NewWriter(&form)
		parts.WriteField("List-Unsubscribe", "One-Click")
		parts.Close()
		for topic, sent := range map[string][2]string{"offers": {"application/x-www-form-urlencoded", oneClick}, "events": {parts.FormDataContentType(), form.String()}} {
			path := h.link(t, ada, topic)
			for range 2 {
				answer, body := h.do(t, "POST", path, sent[1], "Content-Type", sent[0])
				if answer.StatusCode != http.StatusOK || body != "" || len(answer.Cookies()) > 0 || answer.Header.Get("Location") != "" {
					t.Errorf("%s answers %d %v: %s", topic, answer.StatusCode, answer.Header, body)
				}
			}
			if !h.suppressed(t, "ada@example.com", topic) || h.suppressed(t, ada, "other-topic") {
				t.Errorf("one click on %s did something else", topic)
			}
		}
	})

	t.Run("PageWithUndo", func(t *testing.T) {
		path := h.link(t, ada, "tips")
		if answer, body := h.click(t, path, "action=unsubscribe"); answer.StatusCode != http.StatusOK || !strings.Contains(body, "You are unsubscribed") || !strings.Contains(body, "Undo") {
			t.Errorf("%d: %s", answer.StatusCode, body)
		}
		if _, body := h.do(t, "GET", path, ""); !strings.Contains(body, "You are unsubscribed") || !h.suppressed(t, ada, "tips") {
			t.Error("the page forgot it")
		}
		if _, body := h.click(t, path, "action=undo"); !strings.Contains(body, "again") || h.suppressed(t, ada, "tips") {
			t.Error("undo didn't")
		}
		h.click(t, path, "action=every")
		if !h.suppressed(t, ada, "anything") {
			t.Error("stopping everything didn't")
		}
		if h.click(t, path, "action=undo"); h.suppressed(t, ada, "anything") {
			t.Error("undo didn't give everything back")
		}
	})

	t.Run("CheckerFindsNothingWrong", func(t *testing.T) {
		status, out, errs := rightful("check", "unsubscribe", "--allow-http", h.url+h.link(t, "checked@example.com", "news"))
		if status != 0 || strings.Count(out, "ok  ") != 7 {
			t.Errorf("%d: %s%s", status, out, errs)
		}
	})

	t.Run("BadTokenHelpsAndStoresNothing", func(t *testing.T) {
		good := h.link(t, "bob@example.com", "news")
		for _, path := range []string{"/u/x", "/u/u1.1.news.p.s", good[:len(good)-1], good + "A"} {
			if answer, body := h.do(t, "GET", path, ""); answer.StatusCode != http.StatusOK || !strings.Contains(body, "tell us here") || strings.Contains(body, "news") {
				t.Errorf("%s answers %d: %s", path, answer.StatusCode, body)
			}
			if answer, _ := h.click(t, path, oneClick); answer.StatusCode != http.StatusNotFound {
				t.Errorf("a click on %s answers %d: a program takes it for done", path, answer.StatusCode)
			}
		}
		if h.suppressed(t, "bob@example.com", "news") {
			t.Error("a bad link unsubscribed him")
		}
	})

	t.Run("ScannerOfAThousandMails", func(t *testing.T) {
		k := h.portal.Choices.Keys
		for n := range 1000 {
			l, err := k.Link(h.url, fmt.Sprintf("reader%d@example.com", n), "news")
			if err != nil {
				t.Fatal(err)
			}
			path := strings.TrimPrefix(l.URL, h.url)
			h.do(t, "HEAD", path, "")
			h.do(t, "GET", path, "")
		}
		for n := range 1000 {
			choices, err := h.store.PreferencesOf(t.Context(), k.Pseudonym(fmt.Sprintf("reader%d@example.com", n)))
			if err != nil || len(choices) > 0 {
				t.Fatalf("reader %d: %v, %v", n, choices, err)
			}
		}
	})
}

// TestUnsubscribe_OutlivesErasure: who is erased and comes back by an import is still
// not to be mailed.
func TestUnsubscribe_OutlivesErasure(t *testing.T) {
	h := newHouse(t, nil)
	h.click(t, h.link(t, "ada@example.com", "news"), oneClick)
	_, body := h.do(t, "POST", "/v1/requests", `{"right":"erasure","subject":{"email":"ada@example.com"}}`)
	var receipt struct{ ID rights.ID }
	if err := json.Unmarshal([]byte(body), &receipt); err != nil {
		t.Fatal(err)
	}
	if err := h.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.store.Erase(t.Context(), receipt.ID); err != nil {
		t.Fatal(err)
	}
	if err := h.advance(t.Context(), 40*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if !h.suppressed(t, "ada@example.com", "news") {
		t.Error("the erasure took her choice with it")
	}
}

// TestUnsubscribe_KeysRotate: links of an old key work, and those of a revoked one show
// the page that helps.
func TestUnsubscribe_KeysRotate(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.LinkKey, s.Revoked = 3, []int{2} })
	for id, want := range map[int]int{1: http.StatusOK, 2: http.StatusNotFound, 3: http.StatusOK} {
		k := h.portal.Choices.Keys
		k.Current = id
		l, err := k.Link("", "ada@example.com", fmt.Sprintf("topic-%d", id))
		if err != nil {
			t.Fatal(err)
		}
		if answer, _ := h.click(t, l.URL, oneClick); answer.StatusCode != want {
			t.Errorf("a link of key %d answers %d", id, answer.StatusCode)
		}
		if suppressed := h.suppressed(t, "ada@example.com", fmt.Sprintf("topic-%d", id)); suppressed != (want == http.StatusOK) {
			t.Errorf("key %d: suppressed is %t", id, suppressed)
		}
	}
}

// BenchmarkClick is a one-click POST made durable, 64 at once, beside a bare handler
// that only opens the token: the limit. Every click is another person's.
func BenchmarkClick(b *testing.B) {
	h := newHouse(b, nil)
	k := h.portal.Choices.Keys
	mux := http.NewServeMux()
	h.portal.Pages(mux)
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := k.Open(strings.TrimPrefix(r.URL.Path, "/u/")); err != nil {
			w.WriteHeader(http.StatusNotFound)
		}
	})
	const clicks, atOnce = 20_000, 64
	paths := make([]string, clicks)
	for n := range paths {
		l, err := k.Link("", fmt.Sprintf("reader%d@example.com", n), "news")
		if err != nil {
			b.Fatal(err)
		}
		paths[n] = l.URL
	}
	run := func(handler http.Handler) (rate float64, took []time.Duration) {
		took = make([]time.Duration, clicks)
		var group sync.WaitGroup
		var next atomic.Int64
		start := time.Now()
		for range atOnce {
			group.Go(func() {
				for n := next.Add(1) - 1; n < clicks; n = next.Add(1) - 1 {
					r, _ := http.NewRequest("POST", paths[n], strings.NewReader(oneClick))
					r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					begin := time.Now()
					handler.ServeHTTP(discard{http.Header{}}, r)
					took[n] = time.Since(begin)
				}
			})
		}
		group.Wait()
		rate = clicks / time.Since(start).Seconds()
		slices.Sort(took)
		return rate, took
	}
	limit, bareTook := run(bare)
	ours, took := run(mux)
	tell := func(what string, rate float64, took []time.Duration) {
		fmt.Printf("%-24s %7.0f clicks/s  p50 %v  p99 %v\n", what, rate, took[clicks/2].Round(time.Microsecond), took[clicks*99/100].Round(time.Microsecond))
	}
	tell("the token opened alone", limit, bareTook)
	tell("made durable", ours, took)
	b.ReportMetric(ours/limit, "of-the-limit")
	choices, err := h.store.PreferencesOf(b.Context(), k.Pseudonym("reader19999@example.com"))
	if err != nil || len(choices) != 1 {
		b.Errorf("the last click kept %v, %v", choices, err)
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header            { return d.header }
func (d discard) Write(text []byte) (int, error) { return len(text), nil }
func (d discard) WriteHeader(int)                {}
