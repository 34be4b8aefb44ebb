package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/rightful/rightful/shared/rights"
)

// post sends a form.
func (h *house) post(t *testing.T, path string, form url.Values, headers ...string) (*http.Response, string) {
	t.Helper()
	return h.do(t, "POST", path, form.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

// pathOf is the path of an answer's Location.
func pathOf(answer *http.Response) string {
	to, _ := url.Parse(answer.Header.Get("Location"))
	return to.RequestURI()
}

var (
	field  = regexp.MustCompile(`<(?:input|textarea|select)[^>]*\bid="([^"]+)"`)
	inline = regexp.MustCompile(`<script|<style|\son[a-z]+=|\sstyle=`)
)

// accessible checks what every page promises.
func accessible(t *testing.T, answer *http.Response, body string) {
	t.Helper()
	if !strings.Contains(body, `<html lang="en">`) || !strings.Contains(body, "<h1>") || strings.Count(body, "<h1>") != 1 {
		t.Error("the page has no language or not one heading")
	}
	if inline.MatchString(body) {
		t.Errorf("the page has script or style of its own: %s", inline.FindString(body))
	}
	for _, id := range field.FindAllStringSubmatch(body, -1) {
		if !strings.Contains(body, `<label for="`+id[1]+`"`) {
			t.Errorf("the field %s has no label", id[1])
		}
	}
	if csp := answer.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || answer.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("headers: %v", answer.Header)
	}
}

// TestPages goes the whole way as a browser without script does.
func TestPages(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	page := func(path string, status int, want ...string) string {
		t.Helper()
		answer, body := h.do(t, "GET", path, "")
		if answer.StatusCode != status {
			t.Errorf("%s answered %d", path, answer.StatusCode)
		}
		accessible(t, answer, body)
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%s doesn't say %q", path, text)
			}
		}
		return body
	}
	page("/", 200, "What do you want us to do?", "Delete my data")
	page("/requests/new?right=access", 200, "Email address you use with us")
	page("/requests/new", 422, "Select what you want us to do")

	wrong := url.Values{"right": {"access"}, "email": {"ada"}, "name": {"Ada <b>& Co"}}
	answer, body := h.post(t, "/requests/check", wrong)
	accessible(t, answer, body)
	if answer.StatusCode != 422 || !strings.Contains(body, "in the correct format") || !strings.Contains(body, `value="ada"`) || !strings.Contains(body, "Ada &lt;b&gt;&amp; Co") || !strings.Contains(body, "<title>Error: ") {
		t.Errorf("%d %s", answer.StatusCode, body)
	}
	form := url.Values{"right": {"access"}, "email": {"ada@example.com"}, "name": {"Ada <b>& Co"}}
	if answer, body = h.post(t, "/requests/check", form); answer.StatusCode != 200 || !strings.Contains(body, "Check your answers") || strings.Contains(body, "Ada <b>") {
		t.Errorf("%d %s", answer.StatusCode, body)
	}
	if answer, edit := h.post(t, "/requests/edit", form); answer.StatusCode != 200 || !strings.Contains(edit, `value="ada@example.com"`) {
		t.Errorf("changing an answer: %d", answer.StatusCode)
	}
	if answer, _ = h.post(t, "/requests", form, "Sec-Fetch-Site", "cross-site"); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a form on another site was taken: %d", answer.StatusCode)
	}
	// Pressed twice, the button makes one request.
	form.Set("key", regexp.MustCompile(`name="key" value="([^"]+)"`).FindStringSubmatch(body)[1])
	answer, _ = h.post(t, "/requests", form)
	again, _ := h.post(t, "/requests", form)
	if answer.StatusCode != http.StatusSeeOther || pathOf(answer) != pathOf(again) {
		t.Fatalf("answered %d and %d", answer.StatusCode, again.StatusCode)
	}
	filed := pathOf(answer)
	page(filed, 200, "Check your mail")
	found, _, err := h.store.List(t.Context(), rights.Filter{})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d requests, %v", len(found), err)
	}
	r := h.until(t, found[0].ID, rights.InProgress, rights.NeedsProof)

	if answer, body = h.post(t, filed+"/code", url.Values{"code": {"00000000"}}); answer.StatusCode != 422 || !strings.Contains(body, "not the code") {
		t.Errorf("%d %s", answer.StatusCode, body)
	}
	accessible(t, answer, body)

	// Mail scanners follow every link: nothing happens.
	verify := "/verify/" + h.verifyToken(r)
	for range 20 {
		page(verify, 200, "Yes, I asked for this", "If you did not ask for this")
		h.do(t, "HEAD", verify, "")
	}
	h.until(t, r.ID, rights.InProgress, rights.NeedsProof)

	answer, _ = h.post(t, verify, nil)
	if answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("the button answered %d", answer.StatusCode)
	}
	mailed := pathOf(answer)
	h.until(t, r.ID, rights.Fulfilled, "")
	page(verify, 200, "You have confirmed this already")
	page(mailed, 200, "Download your data", "Customer records")

	// Who filed it but was not reached by the mail sees it and can't fetch it.
	if body := page(filed, 200, "Open the link in the mail"); strings.Contains(body, "Download your data") || strings.Contains(body, "Customer records") {
		t.Error("the filer's page offers the export, or tells which systems know the person")
	}
	if answer, _ = h.post(t, filed+"/export", nil); answer.StatusCode != http.StatusForbidden {
		t.Errorf("the filer's token got %d", answer.StatusCode)
	}
	if answer, _ = h.post(t, mailed+"/export", nil); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("answered %d", answer.StatusCode)
	}
	answer, body = h.do(t, "GET", pathOf(answer), "")
	if answer.Header.Get("Content-Type") != "application/zip" || !strings.HasPrefix(body, "PK") || !strings.Contains(answer.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%d %v", answer.StatusCode, answer.Header)
	}
	page("/requests/nonsense", 403, "Use the whole link")
	page("/download/nonsense", 403, "Use the whole link")
}

func TestDeadLinkOffersANewOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	id, _ := h.file(t, "access", "ada@example.com")
	old := "/verify/" + h.verifyToken(h.until(t, id, rights.InProgress, rights.NeedsProof))
	if answer, body := h.post(t, old+"/resend", nil); answer.StatusCode != 200 || !strings.Contains(body, "on its way") {
		t.Fatalf("%d %s", answer.StatusCode, body)
	}
	answer, body := h.do(t, "GET", old, "")
	if answer.StatusCode != http.StatusGone || !strings.Contains(body, "Send me a new link") {
		t.Errorf("%d %s", answer.StatusCode, body)
	}
	accessible(t, answer, body)
	if answer, _ := h.post(t, old, nil); answer.StatusCode != http.StatusGone {
		t.Errorf("the dead link's button answered %d", answer.StatusCode)
	}
	h.until(t, id, rights.InProgress, rights.NeedsProof)
}

// TestDevIsForThisMachine: another machine, or a page that reaches us under a name
// of its own, sees none of it.
func TestDevIsForThisMachine(t *testing.T) {
	t.Parallel()
	guarded := loopback(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "secret") }))
	for name, c := range map[string]struct {
		remote, host, site string
		want               int
	}{
		"ThisMachine":    {"127.0.0.1:5", "127.0.0.1:8080", "", 200},
		"ByName":         {"[::1]:5", "localhost:8080", "same-origin", 200},
		"AnotherMachine": {"192.0.2.7:5", "127.0.0.1:8080", "", 404},
		"ForeignName":    {"127.0.0.1:5", "evil.example:8080", "", 404},
		"CrossSite":      {"127.0.0.1:5", "127.0.0.1:8080", "cross-site", 404},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/dev/mailbox", nil)
			r.RemoteAddr, r.Host = c.remote, c.host
			r.Header.Set("Sec-Fetch-Site", c.site)
			w := httptest.NewRecorder()
			if guarded.ServeHTTP(w, r); w.Code != c.want {
				t.Errorf("answered %d", w.Code)
			}
		})
	}
}

// TestOpenAPI: the description is made from the handlers and lists them all.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	answer, body := h.do(t, "GET", "/openapi.json", "")
	if answer.StatusCode != 200 || !strings.Contains(body, `"openapi":"3.1.0"`) {
		t.Fatalf("%d", answer.StatusCode)
	}
	for _, path := range []string{"/v1/requests", "/v1/requests/{id}", "/v1/requests/{id}/verification", "/v1/requests/{id}/verification/resend", "/v1/requests/{id}/export", "/v1/systems/{system}/callbacks/{task}", "/v1/operator/requests", "/v1/operator/requests/{id}/approve", "/v1/operator/requests/{id}/systems/{system}/skip"} {
		if !strings.Contains(body, `"`+path+`"`) {
			t.Errorf("%s is not described", path)
		}
	}
}
