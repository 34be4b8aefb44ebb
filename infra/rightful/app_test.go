package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// house is the whole app behind a test server.
type house struct {
	*app
	url string
}

// newHouse opens the app over a fresh folder; change may alter its settings.
func newHouse(t testing.TB, change func(*settings)) *house {
	t.Helper()
	s := settings{
		Addr: "127.0.0.1:0", Data: t.TempDir(), From: "privacy@example.com", Company: "Example Company", Contact: "privacy@example.com", Review: "none", LinkKey: 1,
		ProofLife: 168 * time.Hour, ExportLife: 336 * time.Hour, Retention: 17520 * time.Hour, PerAddress: 5, PerClient: 1000, Dev: true, DemoAnswer: 20 * time.Millisecond,
	}
	if change != nil {
		change(&s)
	}
	log := slog.New(slog.DiscardHandler)
	front := &late{ready: make(chan struct{})}
	server := httptest.NewServer(front)
	a, err := open(t.Context(), s, server.URL, log)
	if err != nil {
		server.Close()
		t.Fatal(err)
	}
	front.open(a.handler(true, log))
	t.Cleanup(func() {
		server.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return &house{a, server.URL}
}

// do sends a body as it is and returns the answer and its body.
func (h *house) do(t testing.TB, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, h.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	noFollow := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: 20 * time.Second}
	answer, err := noFollow.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

// file hands in a request and returns its id and access token.
func (h *house) file(t testing.TB, right, email string) (rights.ID, string) {
	t.Helper()
	answer, body := h.do(t, "POST", "/v1/requests", `{"right":"`+right+`","subject":{"email":"`+email+`","country":"DE"}}`)
	var receipt struct {
		ID    rights.ID `json:"id"`
		Token string    `json:"access_token"`
	}
	if answer.StatusCode != http.StatusAccepted || json.Unmarshal([]byte(body), &receipt) != nil {
		t.Fatalf("%d %s", answer.StatusCode, body)
	}
	return receipt.ID, receipt.Token
}

// until waits for a request to come to a place in its life.
func (h *house) until(t testing.TB, id rights.ID, status rights.Status, reason rights.Reason) rights.Request {
	t.Helper()
	var r rights.Request
	if !eventually(func() bool {
		var err error
		r, err = h.store.Get(t.Context(), id)
		return err == nil && r.Status == status && r.Reason == reason
	}) {
		t.Fatalf("request %s is %s %s, want %s %s", id, r.Status, r.Reason, status, reason)
	}
	return r
}

// verifyToken is the token in the newest proof link of a request.
func (h *house) verifyToken(r rights.Request) string {
	_, token, _ := strings.Cut(h.portal.Links.Verify(r), "/verify/")
	return token
}

// stored counts the requests and the mails.
func (h *house) stored(t testing.TB) (requests, mails int) {
	t.Helper()
	found, _, err := h.store.List(t.Context(), rights.Filter{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	_, body := h.do(t, "GET", "/dev/mailbox", "", "Accept", "application/json")
	var list []any
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	return len(found), len(list)
}
