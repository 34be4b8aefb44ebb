package connector_test

import (
	"database/sql"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/webhook"
)

const crmYAML = `kind: http
name: crm
title: Customers
timeout: 300ms
base_url: ${URL}
bearer: secret:crm
callback_secret: secret:hook
collections:
  - { name: contacts, path: "/people/{email}", query: { q: "{email}" }, items: data.list, next: data.next }
erase:
  - { method: DELETE, path: /people, query: { email: "{email}" }, body: { who: "{email}", back: "{callback}" }, async: true, reference: job }
`

var secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("twenty-four secret bytes"))

// serve loads the crm definition against a handler.
func serve(t *testing.T, h http.HandlerFunc, private bool) connector.System {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	s := connector.Settings{Variables: map[string]string{"URL": server.URL}, Secrets: map[string]string{"crm": "token", "hook": secret}}
	if private {
		s.AllowPrivate = []string{strings.TrimPrefix(server.URL, "http://")}
	}
	systems, err := connector.Load(fstest.MapFS{"crm.yaml": {Data: []byte(crmYAML)}}, s)
	if err != nil {
		t.Fatal(err)
	}
	return systems[0]
}

func job() connector.Job {
	return connector.Job{Task: "DR-TEST-2222-2222.erase.crm", Subject: rights.Subject{Email: "a+b/c@example.com"}, Callback: "https://example.com/back", At: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	const good = "kind: sql\nname: shop\ntitle: Shop\ndriver: sqlite\ndsn: x\ncollections:\n  - {name: people, table: people, column: email, on_erase: delete}\n"
	test := func(name, from, to, want string) {
		t.Run(name, func(t *testing.T) {
			_, err := connector.Load(fstest.MapFS{"shop.yaml": {Data: []byte(strings.Replace(good, from, to, 1))}}, connector.Settings{OpenSQL: sql.Open})
			switch {
			case want == "" && err != nil:
				t.Error(err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "shop.yaml")):
				t.Errorf("got %v, want shop.yaml and %q", err, want)
			}
		})
	}
	test("Good", "", "", "")
	test("UnknownField", "title:", "titel:", "titel")
	test("UnknownKind", "kind: sql", "kind: ftp", "kind:")
	test("BadName", "name: shop", "name: Shop!", "name:")
	test("NoTitle", "title: Shop", "title: \"\"", "title:")
	test("BadTable", "table: people", `table: "people; DROP"`, "no name of a table")
	test("BadOnErase", "on_erase: delete", "on_erase: shred", "on_erase:")
	test("KeepWithoutWhy", "on_erase: delete", "on_erase: keep", "why:")
	test("MaskWithoutMask", "on_erase: delete", "on_erase: mask", "mask:")
	test("UnknownParent", "on_erase: delete", "parent: nobody, parent_column: id, on_erase: delete", "parent:")
	test("BadTimeout", "driver:", "timeout: soon\ndriver:", "timeout:")
	test("MissingVariable", "dsn: x", "dsn: ${NOWHERE}", "NOWHERE")
	test("NotYAML", "collections:", "collections: [", "[6:14]")
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	answer := func(status int, body string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if len(header) == 2 {
				w.Header().Set(header[0], header[1])
			}
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
	}
	failure := func(name string, h http.HandlerFunc, want connector.Error) {
		t.Run(name, func(t *testing.T) {
			_, err := serve(t, h, true).Locate(t.Context(), job())
			got, ok := errors.AsType[*connector.Error](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(want, *got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	failure("ServerError", answer(503, "a@example.com broke it"), connector.Error{Problem: "answered 503"})
	failure("ThrottledSeconds", answer(429, "", "Retry-After", "120"), connector.Error{Problem: "answered 429", RetryAfter: 2 * time.Minute})
	failure("ThrottledDate", answer(429, "", "Retry-After", "Mon, 02 Mar 2026 09:05:00 GMT"), connector.Error{Problem: "answered 429", RetryAfter: 5 * time.Minute})
	failure("ThrottledForEver", answer(429, "", "Retry-After", "99999999999"), connector.Error{Problem: "answered 429", RetryAfter: 24 * time.Hour})
	failure("Refused", answer(401, ""), connector.Error{Problem: "answered 401: check the credentials and the definition", Final: true})
	failure("RedirectIsNotFollowed", answer(302, "", "Location", "http://example.com/"), connector.Error{Problem: "answered 302: check the credentials and the definition", Final: true})
	failure("NoList", answer(200, `{"data": 5}`), connector.Error{Problem: "answered without the list of contacts", Final: true})
	failure("NextPageElsewhere", answer(200, `{"data": {"list": [{"a": 1}], "next": "http://example.org/steal"}}`), connector.Error{Problem: "the next page of contacts is at another address", Final: true})
	failure("Hangs", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, connector.Error{Problem: "gave no answer in time"})

	t.Run("PrivateAddressIsRefused", func(t *testing.T) {
		_, err := serve(t, answer(200, "{}"), false).Locate(t.Context(), job())
		if got, ok := errors.AsType[*connector.Error](err); !ok || !got.Final || !strings.Contains(got.Problem, "private network") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("UnknownPersonIsNoData", func(t *testing.T) {
		a, err := serve(t, answer(404, ""), true).Locate(t.Context(), job())
		if err != nil || a.Outcome != rights.NoData {
			t.Errorf("%+v %v", a, err)
		}
	})
	t.Run("PagesAreReadAndIdentityEscaped", func(t *testing.T) {
		var seen []string
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			seen = append(seen, r.URL.EscapedPath()+"?"+r.URL.Query().Get("q")+" "+r.Header.Get("Authorization"))
			if r.URL.Query().Get("page") == "" {
				io.WriteString(w, `{"data": {"list": [{"b": 1.10, "a": 2}], "next": "?page=2"}}`)
				return
			}
			io.WriteString(w, `{"data": {"list": [{"b": null}], "next": ""}}`)
		}, true)
		var records []string
		a, err := s.Export(t.Context(), job(), func(collection string, r connector.Record) error {
			text, err := r.MarshalJSON()
			records = append(records, collection+strings.ReplaceAll(string(text), "\n", ""))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{`contacts{"b":1.10,"a":2}`, `contacts{"b":null}`}, records); diff != "" {
			t.Error(diff)
		}
		if len(seen) != 2 || seen[0] != "/people/a+b%2Fc@example.com?a+b/c@example.com Bearer token" {
			t.Errorf("called %q", seen)
		}
		if diff := cmp.Diff([]rights.Found{{Collection: "contacts", Count: 2}}, a.Found); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("AcceptedForLater", func(t *testing.T) {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if r.Header.Get("Idempotency-Key") != string(job().Task) || string(body) != `{"back":"https://example.com/back","who":"a+b/c@example.com"}` {
				w.WriteHeader(400)
				return
			}
			w.WriteHeader(202)
			io.WriteString(w, `{"job": "j-1"}`)
		}, true)
		a, err := s.Erase(t.Context(), job())
		if err != nil || a.Outcome != rights.Accepted || a.Reference != "j-1" {
			t.Errorf("%+v %v", a, err)
		}
	})
	t.Run("NobodyIsNotEverybody", func(t *testing.T) {
		empty := job()
		empty.Subject.Email = ""
		_, err := serve(t, answer(200, "{}"), true).Erase(t.Context(), empty)
		if got, ok := errors.AsType[*connector.Error](err); !ok || !got.Final {
			t.Errorf("got %v", err)
		}
	})
}

func TestCallback(t *testing.T) {
	t.Parallel()
	s := serve(t, func(http.ResponseWriter, *http.Request) {}, true)
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	test := func(name, secret, body string, at time.Time, spoil func(http.Header), want rights.Code) {
		t.Run(name, func(t *testing.T) {
			header, err := webhook.Sign(secret, "task", at, []byte(body))
			if err != nil {
				t.Fatal(err)
			}
			spoil(header)
			reached := 0
			_, err = s.Callback(header, []byte(body), now, func(string, connector.Record) error { reached++; return nil })
			if want == "" && err != nil || want != "" && rights.CodeOf(err) != want {
				t.Errorf("got %v, want %q", err, want)
			}
			if want == rights.Forbidden && reached > 0 {
				t.Error("an unsigned record got through")
			}
		})
	}
	none := func(http.Header) {}
	good := `{"outcome":"done","found":[{"collection":"c","count":1}],"records":{"c":[{"a":1}]}}`
	other := "whsec_" + base64.StdEncoding.EncodeToString([]byte("another secret of bytes."))
	test("Good", secret, good, now, none, "")
	test("OneOfSeveralSignatures", secret, good, now, func(h http.Header) { h.Set("webhook-signature", "v1,bm8= "+h.Get("webhook-signature")) }, "")
	test("WrongSecret", other, good, now, none, rights.Forbidden)
	test("TooOld", secret, good, now.Add(-6*time.Minute), none, rights.Forbidden)
	test("FromTheFuture", secret, good, now.Add(6*time.Minute), none, rights.Forbidden)
	test("AnotherTask", secret, good, now, func(h http.Header) { h.Set("webhook-id", "other") }, rights.Forbidden)
	test("NoSignature", secret, good, now, func(h http.Header) { h.Del("webhook-signature") }, rights.Forbidden)
	test("UnknownField", secret, `{"outcome":"done","extra":1}`, now, none, rights.Malformed)
	test("UnknownOutcome", secret, `{"outcome":"accepted"}`, now, none, rights.Malformed)
	test("KeptWithoutKeeps", secret, `{"outcome":"kept"}`, now, none, rights.Malformed)
	test("NegativeCount", secret, `{"outcome":"done","found":[{"collection":"c","count":-1}]}`, now, none, rights.Malformed)
	test("RecordIsNoObject", secret, `{"outcome":"done","records":{"c":[5]}}`, now, none, rights.Malformed)
	test("Broken", secret, `{"outcome":`, now, none, rights.Malformed)
}

// TestVector: a signature made by another implementation of Standard Webhooks.
func TestVector(t *testing.T) {
	t.Parallel()
	h, err := webhook.Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if err != nil || h.Get("webhook-signature") != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("%s %v", h.Get("webhook-signature"), err)
	}
}

func TestSQL(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shop.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE people (id INTEGER, email TEXT, name TEXT); INSERT INTO people VALUES (1,'a@example.com','A'),(2,'b@example.com','B'),(3,'many@example.com','M'),(4,'many@example.com','N'),(5,'many@example.com','O')`); err != nil {
		t.Fatal(err)
	}
	text := "kind: sql\nname: shop\ntitle: Shop\ndriver: sqlite\nmax_matches: 2\ndsn: " + path + "\ncollections:\n  - {name: people, table: people, column: email, on_erase: delete}\n"
	systems, err := connector.Load(fstest.MapFS{"shop.yaml": {Data: []byte(text)}}, connector.Settings{OpenSQL: sql.Open})
	if err != nil {
		t.Fatal(err)
	}
	erase := func(email string) (connector.Answer, error) {
		return systems[0].Erase(t.Context(), connector.Job{Task: "t", Subject: rights.Subject{Email: email}})
	}
	left := func() (n int) {
		if err := db.QueryRow("SELECT count(*) FROM people").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for name, email := range map[string]string{"Nobody": "", "TooMany": "many@example.com"} {
		if _, err := erase(email); err == nil || left() != 5 {
			t.Errorf("%s: got %v and %d rows are left", name, err, left())
		}
	}
	for _, email := range []string{"x' OR '1'='1", "%", "a@example.com' --"} {
		if a, err := erase(email); err != nil || a.Outcome != rights.NoData || left() != 5 {
			t.Errorf("%q: %+v %v, %d rows are left", email, a, err, left())
		}
	}
	if a, err := erase("A@Example.com"); err != nil || a.Outcome != rights.Done || left() != 4 {
		t.Errorf("%+v %v, %d rows are left", a, err, left())
	}
}
