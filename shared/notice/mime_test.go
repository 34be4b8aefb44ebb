package notice_test

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/rights"
)

// received is a mail as its reader's program takes it apart.
type received struct {
	Header mail.Header
	Parts  []part
}

type part struct{ Type, Body string }

func build(t rapid.TB, m notice.Message) received {
	t.Helper()
	wire, err := notice.Build(m, at(time.March, 14))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, wire)
}

func parse(t rapid.TB, wire []byte) received {
	t.Helper()
	msg, err := mail.ReadMessage(bytes.NewReader(wire))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("the mail is %s (%v), want multipart/alternative", kind, err)
	}
	got := received{Header: msg.Header}
	for parts := multipart.NewReader(msg.Body, params["boundary"]); ; {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		if encoding := p.Header.Get("Content-Transfer-Encoding"); encoding != "quoted-printable" {
			t.Fatalf("a part is encoded as %s", encoding)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		got.Parts = append(got.Parts, part{p.Header.Get("Content-Type"), strings.ReplaceAll(string(body), "\r\n", "\n")})
	}
}

func (r received) decoded(t rapid.TB, name string) string {
	t.Helper()
	value, err := new(mime.WordDecoder).DecodeHeader(r.Header.Get(name))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestBuild_ReaderSeesTheMessage(t *testing.T) {
	t.Parallel()
	for name, l := range letters {
		m := render(t, l)
		got := build(t, m)
		want := []part{{"text/plain; charset=UTF-8", m.Text}, {"text/html; charset=UTF-8", m.HTML}}
		if diff := cmp.Diff(want, got.Parts); diff != "" {
			t.Errorf("%s: the parts differ (-want +got):\n%s", name, diff)
		}
		headers := map[string]string{}
		for _, h := range []string{"From", "To", "Subject", "Date", "Auto-Submitted", "Reply-To"} {
			headers[h] = got.decoded(t, h)
		}
		wantHeaders := map[string]string{
			"From": `"Example Company" <privacy@example.com>`, "To": "<ada@example.org>", "Subject": m.Subject,
			"Date": "Sat, 14 Mar 2026 09:30:00 +0000", "Auto-Submitted": "auto-generated", "Reply-To": "help@example.com",
		}
		if diff := cmp.Diff(wantHeaders, headers); diff != "" {
			t.Errorf("%s: the headers differ (-want +got):\n%s", name, diff)
		}
	}
}

func TestBuild_SameKeySameMessageID(t *testing.T) {
	t.Parallel()
	m := render(t, letters["confirm"])
	first, err := notice.Build(m, at(time.March, 14))
	if err != nil {
		t.Fatal(err)
	}
	again, err := notice.Build(m, at(time.March, 14))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, again) {
		t.Error("two builds of one message differ")
	}
	other := build(t, render(t, letters["proof_resent"]))
	if id := parse(t, first).Header.Get("Message-Id"); id == other.Header.Get("Message-Id") || !strings.HasSuffix(id, "@example.com>") {
		t.Errorf("Message-ID %s is not the letter's own at our domain", id)
	}
}

func TestBuild_ListUnsubscribeSurvives(t *testing.T) {
	t.Parallel()
	m := render(t, letters["acknowledged"])
	m.Headers = map[string]string{
		"List-Unsubscribe":      "<https://privacy.example.com/u/" + strings.Repeat("r1.token", 20) + ">, <mailto:privacy@example.com?subject=stop>",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
	}
	got := build(t, m)
	for name, want := range m.Headers {
		if diff := cmp.Diff(want, got.Header.Get(name)); diff != "" {
			t.Errorf("%s differs (-want +got):\n%s", name, diff)
		}
	}
}

func TestBuild_RefusesWhatWouldBecomeAHeader(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*notice.Message){
		"line break in the subject":     func(m *notice.Message) { m.Subject = "Hello\r\nBcc: eve@example.org" },
		"line break in the address":     func(m *notice.Message) { m.To.Address = "ada@example.org>\r\nBcc: eve@example.org" },
		"two addresses":                 func(m *notice.Message) { m.To.Address = "ada@example.org, eve@example.org" },
		"no address":                    func(m *notice.Message) { m.To.Address = "" },
		"line break in a name":          func(m *notice.Message) { m.From.Name = "Example\nBcc: eve@example.org" },
		"line break in a header":        func(m *notice.Message) { m.Headers = map[string]string{"List-Id": "a\nBcc: eve@example.org"} },
		"header with a colon":           func(m *notice.Message) { m.Headers = map[string]string{"Bcc: eve@example.org\nX": "a"} },
		"header that is ours":           func(m *notice.Message) { m.Headers = map[string]string{"bcc": "eve@example.org"} },
		"header that says what follows": func(m *notice.Message) { m.Headers = map[string]string{"content-type": "text/html"} },
		"no key":                        func(m *notice.Message) { m.Key = "" },
	} {
		m := render(t, letters["confirm"])
		change(&m)
		_, err := notice.Build(m, at(time.March, 14))
		if err == nil {
			t.Errorf("%s: built", name)
		} else if strings.Contains(err.Error(), "@") {
			t.Errorf("%s: the error names an address: %v", name, err)
		}
	}
}

func TestRender_ForeignTextStaysText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		foreign := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"Ada\r\nBcc: eve@example.org", "<script>alert(1)</script>", "\n\nhttps://evil.example/\n\n", "\n\n- gone\n\n1234 5678\n\n",
			"{{.Proof.Link}}", "\" onmouseover=\"x", "--letter-\n", "\u202eAda\u2028\u2029\u0085\x00", "\n.\n", "&lt;b&gt;", "\xff\xfe",
		}))
		l := letter(notice.Refused, rights.Erasure)
		l.Request.Reason = rights.OtherGround
		l.Name, l.Explanation = foreign.Draw(t, "name"), foreign.Draw(t, "explanation")+foreign.Draw(t, "more")
		l.Company = foreign.Draw(t, "company")
		m, err := notice.Render(l, from)
		if err != nil {
			t.Fatal(err)
		}
		// The same letter without foreign text has the same headers and the same tags.
		plain := l
		plain.Name, plain.Explanation, plain.Company = "Ada", "Because.", "Example"
		p, err := notice.Render(plain, from)
		if err != nil {
			t.Fatal(err)
		}
		got, want := build(t, m), build(t, p)
		if diff := cmp.Diff(names(want.Header), names(got.Header)); diff != "" {
			t.Fatalf("the headers differ (-plain +foreign):\n%s", diff)
		}
		if len(got.Parts) != 2 || got.decoded(t, "Subject") != m.Subject {
			t.Fatalf("foreign text broke out: %d parts, subject %q", len(got.Parts), got.decoded(t, "Subject"))
		}
		for _, tag := range []string{"<a ", "<li>", "<strong", "<p>", "<script", "<body"} {
			g, w := strings.Count(got.Parts[1].Body, tag), strings.Count(want.Parts[1].Body, tag)
			if g > w || tag != "<p>" && tag != "<li>" && g != w {
				t.Fatalf("%d %s where plain text has %d:\n%s", g, tag, w, got.Parts[1].Body)
			}
		}
	})
}

func names(h mail.Header) map[string]int {
	n := map[string]int{}
	for name, values := range h {
		n[name] = len(values)
	}
	return n
}
