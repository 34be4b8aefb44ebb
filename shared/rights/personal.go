package rights

import (
	"fmt"
	"log/slog"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Personal is all that a request knows about people. A Store keeps it sealed
// under the request's own key and nothing else of it anywhere.
type Personal struct {
	Subject     Subject
	Agent       string // who asks on the person's behalf, as they wrote it
	Details     string // what the person added in their own words
	Explanation string // what the operator wrote to the person with a refusal
}

// Subject is the person whose data it is.
type Subject struct {
	Email       string
	Name        string
	Country     string            // ISO 3166-1 alpha-2, "DE"
	Region      string            // ISO 3166-2 without the country, "CA"
	Identifiers map[string]string // what else the company may know them by: "customer_number"
}

// LogValue keeps a person out of the log whoever logs them.
func (Personal) LogValue() slog.Value { return slog.StringValue("[personal]") }

// LogValue keeps a person out of the log whoever logs them.
func (Subject) LogValue() slog.Value { return slog.StringValue("[personal]") }

// String keeps a person out of a text made with %v.
func (Subject) String() string { return "[personal]" }

// String keeps a person out of a text made with %v.
func (Personal) String() string { return "[personal]" }

// Lengths of what a person may send, in characters, an address's in bytes.
const (
	MaxEmail       = 254 // RFC 5321 § 4.5.3.1.3
	MaxName        = 200
	MaxDetails     = 1000
	MaxIdentifiers = 5
	MaxIdentifier  = 200
	MaxExplanation = 2000
)

// Clean returns p as it is stored: blanks trimmed, the address's domain and the
// country's letters in one case. Every field that can't be taken is named in the
// Error's Fields (code Invalid); nothing is repaired silently that a person
// would miss.
func (p Personal) Clean() (Personal, error) {
	var wrong fieldErrors
	p.Subject.Email = wrong.email("subject.email", p.Subject.Email)
	p.Subject.Name = wrong.line("subject.name", p.Subject.Name, MaxName)
	p.Subject.Country = strings.ToUpper(wrong.code("subject.country", p.Subject.Country, 2, 2, `a two-letter country code, like "DE"`))
	p.Subject.Region = strings.ToUpper(wrong.code("subject.region", p.Subject.Region, 1, 3, `the region's code without the country, like "CA"`))
	p.Agent = wrong.line("agent", p.Agent, MaxName)
	p.Details = wrong.text("details", p.Details, MaxDetails)
	p.Explanation = wrong.text("explanation", p.Explanation, MaxExplanation)
	if len(p.Subject.Identifiers) > MaxIdentifiers {
		wrong.add("subject.identifiers", fmt.Sprintf("Send at most %d identifiers.", MaxIdentifiers))
	}
	p.Subject.Identifiers = maps.Clone(p.Subject.Identifiers)
	for _, kind := range slices.Sorted(maps.Keys(p.Subject.Identifiers)) {
		if strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz_0123456789") != "" || kind == "" || len(kind) > 40 {
			wrong.add("subject.identifiers", "Name an identifier with at most 40 small letters, digits and underscores, like customer_number.")
			continue
		}
		p.Subject.Identifiers[kind] = wrong.line("subject.identifiers."+kind, p.Subject.Identifiers[kind], MaxIdentifier)
	}
	return p, wrong.err()
}

type fieldErrors []Field

func (w *fieldErrors) add(name, detail string) { *w = append(*w, Field{Name: name, Detail: detail}) }

func (w *fieldErrors) err() error {
	if len(*w) == 0 {
		return nil
	}
	return &Error{Code: Invalid, Detail: "The request can't be taken as it is. Nothing was stored. Correct the fields named here and send it again.", Fields: *w}
}

func (w *fieldErrors) line(field, value string, most int) string {
	value = strings.TrimSpace(value)
	switch {
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unprintable):
		w.add(field, "Use letters, digits and signs on one line; it holds a control character.")
	case utf8.RuneCountInString(value) > most:
		w.add(field, fmt.Sprintf("Shorten it to %d characters.", most))
	}
	return value
}

func (w *fieldErrors) text(field, value string, most int) string {
	value = strings.TrimSpace(strings.ReplaceAll(value, "\r\n", "\n"))
	if strings.ContainsFunc(strings.NewReplacer("\n", "", "\t", "").Replace(value), unprintable) || !utf8.ValidString(value) {
		w.add(field, "Use letters, digits, signs and line breaks; it holds another control character.")
	} else if utf8.RuneCountInString(value) > most {
		w.add(field, fmt.Sprintf("Shorten it to %d characters.", most))
	}
	return value
}

func (w *fieldErrors) code(field, value string, least, most int, want string) string {
	value = strings.TrimSpace(value)
	if value == "" {
		return ""
	}
	if len(value) < least || len(value) > most || strings.ContainsFunc(value, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		w.add(field, "Send "+want+".")
	}
	return value
}

func (w *fieldErrors) email(field, value string) string {
	value = strings.TrimSpace(value)
	const want = "Enter an email address in the correct format, like name@example.com."
	if value == "" {
		w.add(field, "Enter the email address you use with us.")
		return ""
	}
	parsed, err := mail.ParseAddress(value)
	at := strings.LastIndexByte(value, '@')
	if err != nil || parsed.Address != value || at < 1 || len(value) > MaxEmail ||
		!strings.Contains(value[at:], ".") || strings.HasSuffix(value, ".") || strings.ContainsFunc(value, func(r rune) bool {
		return unprintable(r) || unicode.IsSpace(r) || strings.ContainsRune(`"<>(),;:\[]`, r)
	}) {
		w.add(field, want)
		return value
	}
	return value[:at] + strings.ToLower(value[at:])
}

// unprintable finds what could break a header, a log line or a terminal, the marks
// that reverse the writing direction among it. The joiners that Persian and Hindi
// names are written with stay.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) ||
		r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 || r == 0xFEFF
}

// SameAddress is the form of an address under which two spellings are one person
// for look-ups and limits. It is never written to.
func SameAddress(email string) string { return strings.ToLower(strings.TrimSpace(email)) }
