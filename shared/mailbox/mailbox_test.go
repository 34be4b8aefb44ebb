package mailbox_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rightful/rightful/shared/mailbox"
	"github.com/rightful/rightful/shared/notice"
)

var noon = time.Date(2026, time.March, 14, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, path string) *mailbox.Mailbox {
	t.Helper()
	m, err := mailbox.Open(path, func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func message(key, to string) notice.Message {
	return notice.Message{
		Key: key, Request: "DR-7K4M-29QX-H3WT",
		From: mail.Address{Name: "Example Company", Address: "privacy@example.com"}, To: mail.Address{Address: to},
		Subject: "[Example Company] " + key + " — DR-7K4M-29QX-H3WT",
		Text:    "Open https://privacy.example.com/verify/a.b-c, or (see https://privacy.example.com/help?x=1&y=2).\n\nhttps://privacy.example.com/requests/r1.x\n",
		HTML:    "<p>Open it</p>",
		Headers: map[string]string{"List-Unsubscribe": "<https://privacy.example.com/u/1>"},
	}
}

func send(t *testing.T, m *mailbox.Mailbox, messages ...notice.Message) {
	t.Helper()
	for _, n := range messages {
		if err := m.Send(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
}

func get(t *testing.T, m *mailbox.Mailbox, target, accept string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s answered %d: %s", target, w.Code, w.Body)
	}
	return w
}

func list(t *testing.T, m *mailbox.Mailbox, target string) []mailbox.Mail {
	t.Helper()
	w := get(t, m, target, "application/json")
	var all []mailbox.Mail
	if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil || all == nil {
		t.Fatalf("%s is no list: %v", w.Body, err)
	}
	return all
}

func subjects(mails []mailbox.Mail) []string {
	var all []string
	for _, one := range mails {
		all = append(all, strings.Fields(one.Subject)[2])
	}
	return all
}

func TestMailbox_ListsAMailAsDelivered(t *testing.T) {
	t.Parallel()
	m := open(t, filepath.Join(t.TempDir(), "mail.db"))
	n := message("confirm", "Ada@example.org")
	send(t, m, n)
	got := list(t, m, "/dev/mailbox")
	id := got[0].Headers["Message-ID"]
	if !strings.HasSuffix(id, "@example.com>") {
		t.Errorf("the Message-ID is %q", id)
	}
	want := []mailbox.Mail{{
		To: "Ada@example.org", From: "privacy@example.com", Subject: n.Subject, Text: n.Text, HTML: n.HTML, SentAt: noon,
		Headers: map[string]string{
			"From": `"Example Company" <privacy@example.com>`, "To": "<Ada@example.org>", "Subject": n.Subject, "Message-ID": id,
			"Date": "Sat, 14 Mar 2026 12:00:00 +0000", "Auto-Submitted": "auto-generated", "MIME-Version": "1.0",
			"List-Unsubscribe": "<https://privacy.example.com/u/1>", "Content-Type": got[0].Headers["Content-Type"],
		},
		Links: []string{"https://privacy.example.com/verify/a.b-c", "https://privacy.example.com/help?x=1&y=2", "https://privacy.example.com/requests/r1.x"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the list differs (-want +got):\n%s", diff)
	}
}

func TestMailbox_SameKeyIsKeptOnceAcrossRestarts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mail.db")
	first, err := mailbox.Open(path, func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	send(t, first, message("one", "ada@example.org"))
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	m := open(t, path)
	send(t, m, message("one", "ada@example.org"), message("two", "ada@example.org"))
	if diff := cmp.Diff([]string{"two", "one"}, subjects(list(t, m, "/dev/mailbox"))); diff != "" {
		t.Errorf("the list differs (-want +got):\n%s", diff)
	}
}

func TestMailbox_FiltersByAddressInAnyCase(t *testing.T) {
	t.Parallel()
	m := open(t, filepath.Join(t.TempDir(), "mail.db"))
	send(t, m, message("one", "Ada@example.org"), message("two", "bob@example.org"), message("three", "ADA@example.org"))
	for target, want := range map[string][]string{
		"/dev/mailbox?to=aDA@EXAMPLE.org":   {"three", "one"},
		"/dev/mailbox?to=bob%40example.org": {"two"},
		"/dev/mailbox?to=da@example.org":    nil,
		"/dev/mailbox":                      {"three", "two", "one"},
	} {
		if diff := cmp.Diff(want, subjects(list(t, m, target))); diff != "" {
			t.Errorf("%s differs (-want +got):\n%s", target, diff)
		}
	}
}

func TestMailbox_RefusesWhatAMailSystemWould(t *testing.T) {
	t.Parallel()
	m := open(t, filepath.Join(t.TempDir(), "mail.db"))
	broken := message("one", "ada@example.org")
	broken.Subject = "Hello\r\nBcc: eve@example.org"
	if err := m.Send(t.Context(), broken); err == nil {
		t.Error("a broken mail was kept")
	}
	if n := len(list(t, m, "/dev/mailbox")); n != 0 {
		t.Errorf("%d mails are there", n)
	}
}

func TestMailbox_ForgetsARequestInTheFileToo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m := open(t, filepath.Join(dir, "mail.db"))
	other := message("two", "bob@example.org")
	other.Request = "DR-2222-3333-4444"
	send(t, m, message("one", "ada@example.org"), other)
	for range 2 {
		if err := m.Forget(t.Context(), "DR-7K4M-29QX-H3WT"); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"two"}, subjects(list(t, m, "/dev/mailbox"))); diff != "" {
		t.Errorf("the list differs (-want +got):\n%s", diff)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte("ada@example.org")) {
			t.Errorf("%s still holds the address", filepath.Base(file))
		}
	}
}

func TestPage_ShowsMailsAsTextWithoutScript(t *testing.T) {
	t.Parallel()
	m := open(t, filepath.Join(t.TempDir(), "mail.db"))
	n := message("confirm", "ada@example.org")
	n.Text = "<script>alert(1)</script> javascript:alert(2)\n" + n.Text
	send(t, m, n)
	w := get(t, m, "/dev/mailbox", "text/html")
	page := w.Body.String()
	for _, want := range []string{
		"&lt;script&gt;alert(1)&lt;/script&gt; javascript:alert(2)",
		`<a href="https://privacy.example.com/verify/a.b-c">https://privacy.example.com/verify/a.b-c</a>, or`,
		`<a href="https://privacy.example.com/help?x=1&amp;y=2">`,
		"14 March 2026 at 12:00:00 UTC", "confirm — DR-7K4M-29QX-H3WT",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "<script") || strings.Contains(page, `href="javascript`) {
		t.Error("the page carries script")
	}
	csp := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "script-src") {
		t.Errorf("the policy is %q", csp)
	}
}

func TestPage_EmptyMailboxSaysWhatToDo(t *testing.T) {
	t.Parallel()
	m := open(t, filepath.Join(t.TempDir(), "mail.db"))
	for target, want := range map[string]string{
		"/dev/mailbox":                      "No mail yet. Make a request",
		"/dev/mailbox?to=bob%40example.org": "No mail has gone to that address yet.",
	} {
		if page := get(t, m, target, "text/html").Body.String(); !strings.Contains(page, want) {
			t.Errorf("%s lacks %q", target, want)
		}
	}
}

func TestPage_StyleIsTheOneThePolicyAllows(t *testing.T) {
	t.Parallel()
	m := open(t, filepath.Join(t.TempDir(), "mail.db"))
	w := get(t, m, "/dev/mailbox", "text/html")
	_, rest, _ := strings.Cut(w.Body.String(), "<style>")
	style, _, found := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	if !found || !strings.Contains(w.Header().Get("Content-Security-Policy"), "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Error("the browser would drop the style: its hash isn't in the policy")
	}
}

func TestOpen_ForeignFileIsNamed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mail.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := mailbox.Open(path, func() time.Time { return noon }); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("opening a foreign file: %v", err)
	}
}
