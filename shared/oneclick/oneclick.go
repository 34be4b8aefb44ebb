// Package oneclick tests any endpoint for one-click unsubscription from outside, as a
// mailbox provider meets it (RFC 8058).
//
// It promises that everything harmless is tried before anything acts, that a finding
// names its rule and the fix, and that no finding repeats a link's path, which is the
// power to unsubscribe somebody. It leaves to the caller whose link it may use up.
package oneclick

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Checker tests endpoints.
type Checker struct {
	Transport http.RoundTripper // nil for the default
	Timeout   time.Duration     // of one call; 0 means 10 s
	AllowHTTP bool              // a server on this machine has no certificate
}

// Finding is one thing that was looked at.
type Finding struct {
	Name   string // "get-is-inert"
	Rule   string // where it is written
	OK     bool
	Detail string // what was seen, and the fix
}

const oneClick = "List-Unsubscribe=One-Click"

// Check tests an address. It unsubscribes whoever it belongs to.
func (c Checker) Check(ctx context.Context, address string) []Finding {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && !(c.AllowHTTP && u.Scheme == "http") {
		return []Finding{{"address-is-https", "RFC 8058, section 3.1", false, "the address has to be one https URL without a name, a password or a fragment"}}
	}
	found := []Finding{{"address-is-https", "RFC 8058, section 3.1", true, u.Scheme + "://" + u.Host}}
	first := map[string]int{} // the status of a method's first call that went well
	for _, t := range []struct {
		name, rule, method string
		body               func() (string, string)
	}{
		{"head-is-inert", "RFC 8058, section 1", http.MethodHead, nil},
		{"get-is-inert", "RFC 8058, section 1", http.MethodGet, nil},
		{"get-again-is-the-same", "RFC 8058, section 1", http.MethodGet, nil},
		{"post-urlencoded", "RFC 8058, sections 3.1 and 3.2", http.MethodPost, urlencoded},
		{"post-multipart", "RFC 8058, sections 3.1 and 3.2", http.MethodPost, multi},
		{"post-again-is-the-same", "RFC 8058, sections 3.1 and 3.2", http.MethodPost, urlencoded},
	} {
		f := Finding{Name: t.name, Rule: t.rule}
		var status int
		f.Detail, status, f.OK = c.call(ctx, t.method, address, t.body)
		if before, ok := first[t.method]; ok && f.OK && status != before {
			f.OK, f.Detail = false, fmt.Sprintf("%s answers %d after %d: answer the same, however often", t.method, status, before)
		} else if f.OK {
			first[t.method] = status
		}
		found = append(found, f)
	}
	return found
}

func urlencoded() (string, string) { return oneClick, "application/x-www-form-urlencoded" }

func multi() (string, string) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	w.WriteField("List-Unsubscribe", "One-Click") // into memory: it can't fail
	w.Close()
	return form.String(), w.FormDataContentType()
}

// call makes one call as a machine does: without cookies, credentials or a referrer,
// and without following anybody.
func (c Checker) call(ctx context.Context, method, address string, body func() (string, string)) (string, int, bool) {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	client := &http.Client{Transport: c.Transport, Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	sent, kind := "", ""
	if body != nil {
		sent, kind = body()
	}
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(sent))
	if err != nil {
		return "the address can't be called", 0, false
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Sprintf("%s got no answer within %s: answer at once, or look at the certificate", method, timeout), 0, false
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20)) // what it says is for people
	switch {
	case len(answer.Header.Values("Set-Cookie")) > 0:
		return method + " sets a cookie: a machine has none, so set none", answer.StatusCode, false
	case answer.StatusCode >= 300 && answer.StatusCode < 400:
		return fmt.Sprintf("%s answers %d: act at this address, without a redirect", method, answer.StatusCode), answer.StatusCode, false
	case answer.StatusCode >= 300:
		return fmt.Sprintf("%s answers %d: answer 200, also to the second call", method, answer.StatusCode), answer.StatusCode, false
	}
	return fmt.Sprintf("%s answers %d", method, answer.StatusCode), answer.StatusCode, true
}

var uri = regexp.MustCompile(`^\s*<[^<>]+>\s*(,\s*<[^<>]+>\s*)*$`)

// CheckMail tests a mail's headers, and then the https address in them, which it
// returns as well, "" where there is none.
func (c Checker) CheckMail(ctx context.Context, text io.Reader) ([]Finding, string) {
	m, err := mail.ReadMessage(text)
	if err != nil {
		return []Finding{{"mail-can-be-read", "RFC 5322", false, "this is no mail: give it with its headers"}}, ""
	}
	links, posts := m.Header["List-Unsubscribe"], m.Header["List-Unsubscribe-Post"]
	// One address alone: of two, the wrong one might be used up.
	address, several := "", false
	for _, link := range links {
		for _, one := range regexp.MustCompile(`<([^<>]+)>`).FindAllStringSubmatch(link, -1) {
			one := strings.Join(strings.Fields(one[1]), "")
			u, err := url.Parse(one)
			if err != nil || u.Scheme != "https" && !(c.AllowHTTP && u.Scheme == "http") {
				continue
			}
			if address != "" {
				several = true
				continue
			}
			address = one
		}
	}
	found := []Finding{
		{"header-list-unsubscribe", "RFC 2369, section 2; RFC 8058, section 3.1", len(links) == 1 && uri.MatchString(links[0]) && address != "" && !several, "one List-Unsubscribe header, with one https address in angle brackets"},
		{"header-list-unsubscribe-post", "RFC 8058, section 3.1", len(posts) == 1 && strings.TrimSpace(posts[0]) == oneClick, "one List-Unsubscribe-Post header that says " + oneClick},
	}
	if signatures := m.Header["Dkim-Signature"]; len(signatures) > 0 {
		covered := false
		for _, s := range signatures {
			covered = covered || covers(s)
		}
		found = append(found, Finding{"dkim-covers-both", "RFC 8058, section 4", covered, "a DKIM signature whose h= names both headers"})
	}
	if address == "" || several {
		return found, ""
	}
	return append(found, c.Check(ctx, address)...), address
}

var signed = regexp.MustCompile(`(?:^|;)\s*h\s*=([^;]*)`)

func covers(signature string) bool {
	list := signed.FindStringSubmatch(signature)
	if list == nil {
		return false
	}
	names := map[string]bool{}
	for _, name := range strings.Split(list[1], ":") {
		names[strings.ToLower(strings.Join(strings.Fields(name), ""))] = true
	}
	return names["list-unsubscribe"] && names["list-unsubscribe-post"]
}
