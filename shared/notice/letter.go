package notice

import (
	"embed"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// Kind is what a letter is about.
type Kind string

const (
	Acknowledged      Kind = "acknowledged" // with link and code where the address has to be proved
	ProofResent       Kind = "proof_resent" // a newer link and code
	Expired           Kind = "expired"      // nobody proved the address in time
	Finished          Kind = "finished"     // what each system did
	Refused           Kind = "refused"      // the ground, and whom the person may turn to
	Referred          Kind = "referred"     // another company's job
	WithdrawnByPerson Kind = "withdrawn"    // taken back, and what had been done before
)

// Letter is all that a letter may speak of: nothing of what we hold about the
// person is among it.
type Letter struct {
	Kind            Kind
	To              string // the person's address
	Name            string // "" where it isn't known, or not proved whose it is
	Request         rights.Request
	Company         string
	Contact         string // an address or URL for help
	Regime          rights.Regime
	Proof           *Proof // nil where nothing is to be proved
	StatusURL       string
	Systems         []SystemLine
	ExportUntil     time.Time // zero where there is no export
	Explanation     string    // an operator's own words
	StaysSuppressed bool      // an erasure leaves that the person gets no marketing mail
	ReferTo         string    // whose job it is, with Referred; "" where that may not be named
}

// Proof is how the person shows that the address is theirs.
type Proof struct {
	Link  string
	Code  string // 8 digits
	Until time.Time
}

// SystemLine is what a letter says of one system.
type SystemLine struct {
	Title   string // "Web shop"
	Outcome rights.Outcome
	Keeps   []rights.Keep
}

//go:embed letters/*.txt
var letterFiles embed.FS

var parsed struct {
	once    sync.Once
	letters *template.Template
}

// letters are parsed at the first letter. Nothing of a template stands in a
// package's variable: a process that writes no letter doesn't link the parser.
func letters() *template.Template {
	parsed.once.Do(func() {
		parsed.letters = template.Must(template.New("letters").ParseFS(letterFiles, "letters/*.txt"))
	})
	return parsed.letters
}

// Render writes l as a mail. The template gives the text, which HTML then shows.
func Render(l Letter, from mail.Address) (Message, error) {
	name, ok := l.template()
	if !ok {
		return Message{}, fmt.Errorf("there is no letter of the kind %q for a request that is %s", l.Kind, l.Request.Status)
	}
	if l.To == "" {
		return Message{}, errors.New("the letter has no address to go to")
	}
	var text strings.Builder
	if err := letters().ExecuteTemplate(&text, name+".txt", l.words()); err != nil {
		return Message{}, fmt.Errorf("couldn't write the letter %q: %w", name, err)
	}
	m := Message{
		Key:     fmt.Sprintf("%s.%s.%d", l.Request.ID, l.Kind, l.Request.Proof.Serial),
		Request: l.Request.ID,
		From:    from, To: mail.Address{Address: l.To},
		Subject: fmt.Sprintf("[%s] %s — %s", oneLine(l.Company), l.subject(), l.Request.ID),
		Text:    tidy(text.String()),
	}
	if m.From.Name == "" {
		m.From.Name = oneLine(l.Company)
	}
	if contact, err := mail.ParseAddress(l.Contact); err == nil {
		m.Headers = map[string]string{"Reply-To": contact.Address}
	}
	m.HTML = HTML(m)
	return m, nil
}

// template names the file that l is written from.
func (l Letter) template() (string, bool) {
	switch l.Kind {
	case Acknowledged, ProofResent:
		if l.Proof != nil {
			return "confirm", true
		}
		return string(l.Kind), l.Kind == Acknowledged
	case Expired, Finished, Refused, Referred, WithdrawnByPerson:
		return string(l.Kind), true
	}
	return "", false
}

// subject says what the letter is about and neither who nor which right: it is
// read on locked screens and kept in logs.
func (l Letter) subject() string {
	switch l.Kind {
	case Acknowledged:
		if l.Proof == nil {
			return "We have your request"
		}
		return "Confirm your request"
	case ProofResent:
		return "New link to confirm"
	case Expired:
		return "Your request has ended"
	case Refused:
		return "We could not do this"
	case Referred:
		return "Please ask another company"
	case WithdrawnByPerson:
		return "Your request is cancelled"
	}
	if l.has(rights.Skipped) {
		return "Part of your request is done"
	}
	return "Your request is done"
}

func (l Letter) has(o rights.Outcome) bool {
	for _, s := range l.Systems {
		if s.Outcome == o {
			return true
		}
	}
	return false
}

// tidy leaves one empty line between paragraphs, however the template's branches
// fell out.
func tidy(text string) string {
	var blocks []string
	for block := range strings.SplitSeq(text, "\n\n") {
		if block = strings.Trim(block, "\n"); block != "" {
			blocks = append(blocks, block)
		}
	}
	return strings.Join(blocks, "\n\n") + "\n"
}
