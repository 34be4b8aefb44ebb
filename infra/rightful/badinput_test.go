package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rightful/rightful/shared/problem"
	"github.com/rightful/rightful/shared/rights"
)

// refused checks that an answer is problem details that name the field and repeat
// nothing that was sent.
func refusedWith(t *testing.T, answer *http.Response, body string, status int, field string, sent ...string) {
	t.Helper()
	if answer.StatusCode != status {
		t.Errorf("answered %d, want %d: %s", answer.StatusCode, status, body)
	}
	if got := answer.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("the answer is %s", got)
	}
	var d problem.Details
	if err := json.Unmarshal([]byte(body), &d); err != nil || d.Status != status || d.Code == "" || d.Detail == "" {
		t.Errorf("%v: %s", err, body)
	}
	named := field == ""
	for _, f := range d.Errors {
		named = named || strings.Contains(f.Location, field) || strings.Contains(f.Message, field)
	}
	if !named {
		t.Errorf("no error names %s: %s", field, body)
	}
	for _, text := range sent {
		if strings.Contains(body, text) {
			t.Errorf("the answer repeats what was sent: %s", body)
		}
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	test := func(name, body string, status int, field string) {
		t.Run(name, func(t *testing.T) {
			answer, text := h.do(t, "POST", "/v1/requests", body)
			refusedWith(t, answer, text, status, field, "evil", "mallory")
		})
	}
	subject := func(fields string) string { return `{"right":"access","subject":{` + fields + `}}` }
	test("Empty", "", 400, "")
	test("Broken", `{"right":`, 400, "")
	test("NotAnObject", `[]`, 422, "body")
	test("NoRight", `{"subject":{"email":"mallory@example.com"}}`, 422, "right")
	test("UnknownRight", `{"right":"evil","subject":{"email":"mallory@example.com"}}`, 422, "right")
	test("RightIsANumber", `{"right":5,"subject":{"email":"mallory@example.com"}}`, 422, "right")
	test("NoSubject", `{"right":"access"}`, 422, "subject")
	test("SubjectIsText", `{"right":"access","subject":"mallory"}`, 422, "subject")
	test("NoEmail", subject(`"name":"mallory"`), 422, "email")
	test("EmptyEmail", subject(`"email":""`), 422, "email")
	test("EmailIsANumber", subject(`"email":5`), 422, "email")
	test("EmailWithoutAt", subject(`"email":"mallory.example.com"`), 422, "email")
	test("EmailWithoutDomain", subject(`"email":"mallory@localhost"`), 422, "email")
	test("EmailWithName", subject(`"email":"Mallory <mallory@example.com>"`), 422, "email")
	test("TwoEmails", subject(`"email":"mallory@example.com,evil@example.com"`), 422, "email")
	test("EmailWithNewline", subject(`"email":"mallory@example.com\r\nBcc: evil@example.com"`), 422, "email")
	test("EmailTooLong", subject(`"email":"`+strings.Repeat("m", 250)+`@example.com"`), 422, "email")
	test("HeaderInName", subject(`"email":"mallory@example.com","name":"x\r\nBcc: evil@example.com"`), 422, "name")
	test("ControlInName", subject(`"email":"mallory@example.com","name":"\u0000"`), 422, "name")
	test("ReversedName", subject(`"email":"mallory@example.com","name":"\u202egnp.exe"`), 422, "name")
	test("NameTooLong", subject(`"email":"mallory@example.com","name":"`+strings.Repeat("x", 201)+`"`), 422, "name")
	test("CountryTooLong", subject(`"email":"mallory@example.com","country":"Germany"`), 422, "country")
	test("BadIdentifier", subject(`"email":"mallory@example.com","identifiers":{"Evil Key":"x"}`), 422, "identifiers")
	test("TooManyIdentifiers", subject(`"email":"mallory@example.com","identifiers":{"a":"1","b":"2","c":"3","d":"4","e":"5","f":"6"}`), 422, "identifiers")
	test("UnknownField", `{"right":"access","subject":{"email":"mallory@example.com"},"admin":true}`, 422, "admin")
	test("DetailsTooLong", `{"right":"access","subject":{"email":"mallory@example.com"},"details":"`+strings.Repeat("x", 1001)+`"}`, 422, "details")
	test("TenMegabytes", `{"right":"access","details":"`+strings.Repeat("x", 10<<20)+`"}`, 413, "")

	if requests, mails := h.stored(t); requests != 0 || mails != 0 {
		t.Errorf("bad input stored %d requests and sent %d mails", requests, mails)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	id, token := h.file(t, "access", "ada@example.com")
	other, foreign := h.file(t, "access", "person01@example.org")
	h.until(t, id, rights.InProgress, rights.NeedsProof)
	theirs := h.until(t, other, rights.InProgress, rights.NeedsProof)
	if err := h.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := h.until(t, id, rights.InProgress, rights.NeedsProof)
	verify := "/v1/requests/" + string(id) + "/verification"
	proof := h.verifyToken(r)
	flipped := proof[:len(proof)-2] + "AA"

	for name, c := range map[string]struct {
		method, path, body, bearer string
		status                     int
	}{
		"ForeignProof":           {"POST", verify, `{"token":"` + h.verifyToken(theirs) + `"}`, "", 403},
		"TamperedProof":          {"POST", verify, `{"token":"` + flipped + `"}`, "", 403},
		"StatusTokenAsProof":     {"POST", verify, `{"token":"` + token + `"}`, "", 403},
		"NeitherTokenNorCode":    {"POST", verify, `{}`, "", 422},
		"BothTokenAndCode":       {"POST", verify, `{"token":"` + proof + `","code":"12345678"}`, "", 422},
		"UnknownRequest":         {"POST", "/v1/requests/DR-2222-2222-2222/verification", `{"code":"12345678"}`, "", 404},
		"NoRequestAtAll":         {"POST", "/v1/requests/nonsense/verification", `{"code":"12345678"}`, "", 404},
		"StatusWithoutToken":     {"GET", "/v1/requests/" + string(id), "", "", 401},
		"StatusWithForeignToken": {"GET", "/v1/requests/" + string(id), "", foreign, 403},
		"StatusWithProofToken":   {"GET", "/v1/requests/" + string(id), "", proof, 403},
		"ExportBeforeProof":      {"GET", "/v1/requests/" + string(id) + "/export", "", token, 409},
		"OperatorWithoutToken":   {"GET", "/v1/operator/requests", "", "", 401},
		"OperatorWithOtherToken": {"GET", "/v1/operator/requests", "", token, 401},
	} {
		t.Run(name, func(t *testing.T) {
			var headers []string
			if c.bearer != "" {
				headers = []string{"Authorization", "Bearer " + c.bearer}
			}
			answer, body := h.do(t, c.method, c.path, c.body, headers...)
			refusedWith(t, answer, body, c.status, "")
		})
	}
	if got := h.until(t, id, rights.InProgress, rights.NeedsProof); got.Version != r.Version {
		t.Error("a refused proof changed the request")
	}

	t.Run("WrongCodeFiveTimesLocksTheCodeAndNotTheLink", func(t *testing.T) {
		right := h.portal.Links.Tokens.Code(id, r.Proof.Serial)
		for try := range 6 {
			answer, body := h.do(t, "POST", verify, `{"code":"0000 0000"}`)
			want := http.StatusUnprocessableEntity
			if try >= rights.MaxWrong-1 {
				want = http.StatusTooManyRequests
			}
			refusedWith(t, answer, body, want, "", right)
		}
		if answer, body := h.do(t, "POST", verify, `{"code":"`+right+`"}`); answer.StatusCode != http.StatusTooManyRequests {
			t.Errorf("the right code was taken after five wrong ones: %s", body)
		}
		if answer, body := h.do(t, "POST", verify, `{"token":"`+proof+`"}`); answer.StatusCode != http.StatusOK {
			t.Errorf("the link is locked: %s", body)
		}
		if answer, body := h.do(t, "POST", verify, `{"token":"`+proof+`"}`); answer.StatusCode != http.StatusOK {
			t.Errorf("the link used again is an error: %s", body)
		}
	})
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	body := `{"right":"access","subject":{"email":"ada@example.com"}}`
	_, first := h.do(t, "POST", "/v1/requests", body, "Idempotency-Key", "one-key-1")
	for range 8 {
		if answer, again := h.do(t, "POST", "/v1/requests", body, "Idempotency-Key", "one-key-1"); answer.StatusCode != http.StatusAccepted || idOf(again) != idOf(first) || idOf(first) == "" {
			t.Fatalf("%d %s", answer.StatusCode, again)
		}
	}
	answer, text := h.do(t, "POST", "/v1/requests", strings.Replace(body, "access", "erasure", 1), "Idempotency-Key", "one-key-1")
	refusedWith(t, answer, text, http.StatusUnprocessableEntity, "", "one-key-1")
	h.until(t, rights.ID(idOf(first)), rights.InProgress, rights.NeedsProof)
	if err := h.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if requests, mails := h.stored(t); requests != 1 || mails != 1 {
		t.Errorf("one key made %d requests and %d mails", requests, mails)
	}
}

func idOf(body string) string {
	var receipt struct{ ID string }
	json.Unmarshal([]byte(body), &receipt)
	return receipt.ID
}

func TestLimits(t *testing.T) {
	t.Parallel()
	tooMany := func(t *testing.T, h *house, path, body string) {
		t.Helper()
		if err := h.settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		requests, mails := h.stored(t)
		answer, text := h.do(t, "POST", path, body)
		refusedWith(t, answer, text, http.StatusTooManyRequests, "", "ada@example.com", "new@example.com")
		if wait := answer.Header.Get("Retry-After"); wait == "" || wait == "0" {
			t.Errorf("Retry-After is %q", wait)
		}
		if err := h.settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r, m := h.stored(t); r != requests || m != mails {
			t.Errorf("a refused call stored %d requests and sent %d mails", r-requests, m-mails)
		}
	}
	t.Run("Address", func(t *testing.T) {
		h := newHouse(t, nil)
		for range 5 {
			h.file(t, "access", "ada@example.com")
		}
		tooMany(t, h, "/v1/requests", `{"right":"access","subject":{"email":"ADA@example.com"}}`)
		h.file(t, "access", "person01@example.org")
		if _, body := h.do(t, "POST", "/dev/clock", `{"advance":"61m"}`); !strings.Contains(body, "now") {
			t.Fatal(body)
		}
		h.file(t, "access", "ada@example.com")
	})
	t.Run("Client", func(t *testing.T) {
		h := newHouse(t, func(s *settings) { s.PerClient = 3 })
		for n := range 3 {
			h.file(t, "access", fmt.Sprintf("person%02d@example.org", n))
		}
		tooMany(t, h, "/v1/requests", `{"right":"access","subject":{"email":"new@example.com"}}`)
	})
	t.Run("Resend", func(t *testing.T) {
		h := newHouse(t, nil)
		id, _ := h.file(t, "access", "ada@example.com")
		h.until(t, id, rights.InProgress, rights.NeedsProof)
		path := "/v1/requests/" + string(id) + "/verification/resend"
		for range 4 {
			if answer, body := h.do(t, "POST", path, ""); answer.StatusCode != http.StatusAccepted {
				t.Fatalf("%d %s", answer.StatusCode, body)
			}
		}
		tooMany(t, h, path, "")
	})
}

// TestSameAnswer: whether an address is known can't be told from the answer.
func TestSameAnswer(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	shape := func(email string) string {
		answer, body := h.do(t, "POST", "/v1/requests", `{"right":"erasure","subject":{"email":"`+email+`"}}`)
		var fields map[string]any
		if err := json.Unmarshal([]byte(body), &fields); err != nil {
			t.Fatal(err)
		}
		for _, own := range []string{"id", "access_token", "status_url", "received_at"} {
			fields[own] = "…"
		}
		answer.Header.Del("Date")
		answer.Header.Del("Location")
		return fmt.Sprint(answer.StatusCode, answer.Header, fields, len(body))
	}
	if known, unknown := shape("ada@example.com"), shape("bob@example.net"); known != unknown {
		t.Errorf("known:   %s\nunknown: %s", known, unknown)
	}
}
