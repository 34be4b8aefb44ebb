package notice

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/textproto"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/wneessen/go-mail"
)

// ours are the headers that Compose sets itself.
var ours = []string{"From", "To", "Cc", "Bcc", "Sender", "Subject", "Date", "Message-Id", "Auto-Submitted", "Mime-Version"}

// Build writes m as the bytes that go over the wire (RFC 5322, MIME): text first,
// then HTML, both UTF-8 and quoted-printable. The same m and at give the same
// bytes.
func Build(m Message, at time.Time) ([]byte, error) {
	msg, err := Compose(m, at)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("couldn't write mail %s: %w", m.Key, err)
	}
	return b.Bytes(), nil
}

// Compose is Build for a sender that wants go-mail's own form.
func Compose(m Message, at time.Time) (*mail.Msg, error) {
	if err := sound(m); err != nil {
		return nil, fmt.Errorf("couldn't build mail %s: %w", m.Key, err)
	}
	sum := sha256.Sum256([]byte(m.Key))
	id := hex.EncodeToString(sum[:16])
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithCharset(mail.CharsetUTF8), mail.WithEncoding(mail.EncodingQP), mail.WithBoundary("letter-"+id))
	msg.FromMailAddress(&m.From)
	msg.ToMailAddress(&m.To)
	msg.Subject(m.Subject)
	msg.SetDateWithValue(at.UTC())
	msg.SetMessageIDWithValue(id + m.From.Address[strings.LastIndexByte(m.From.Address, '@'):])
	// RFC 3834: out-of-office programs must not answer.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	for name, value := range m.Headers {
		msg.SetGenHeader(mail.Header(name), value)
	}
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	return msg, nil
}

// sound refuses what could make a header of its own. It names no value: most of
// them are personal.
func sound(m Message) error {
	if m.Key == "" {
		return errors.New("it has no key")
	}
	for what, a := range map[string]netmail.Address{"from": m.From, "to": m.To} {
		parsed, err := netmail.ParseAddress(a.Address)
		if err != nil || parsed.Address != a.Address || broken(a.Address) || broken(a.Name) {
			return fmt.Errorf("its %s address can't be used", what)
		}
	}
	if broken(m.Subject) {
		return errors.New("its subject holds a control character")
	}
	for name, value := range m.Headers {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }) || name == "" || broken(value) {
			return errors.New("one of its headers can't be written")
		}
		if slices.Contains(ours, canonical) || strings.HasPrefix(canonical, "Content-") {
			return fmt.Errorf("its header %s is not for the caller to set", canonical)
		}
	}
	return nil
}

func broken(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }
