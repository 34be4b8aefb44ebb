package rights

import (
	"context"
	"slices"
	"time"
)

// Preferences is the part of a Store that keeps what people want to be mailed about.
// It knows pseudonyms alone, belongs to no request, and outlives every erasure: who
// asked to be let alone stays let alone (GDPR Art. 21(3); 15 USC 7704(a)(4)).
type Preferences interface {
	// Prefer stores a choice over the one before and tells whether that changed
	// anything. The same choice again changes nothing within RepeatAfter, nor does one
	// that is older than the stored, nor an import that would go over an opt-out. Where
	// news isn't nil, a change is left there in the same write.
	Prefer(ctx context.Context, p Preference, news *News) (bool, error)

	// PreferencesOf returns a person's choices in order of their topics: all that has
	// to be read before a mail.
	PreferencesOf(ctx context.Context, person string) ([]Preference, error)

	// PendingNews returns who chose anew and whom nobody told on yet, with the choices
	// that are new.
	PendingNews(ctx context.Context, limit int) ([]News, error)

	// ShareNews keeps that the systems' shares are open, though not everybody was told.
	// ClearNews removes what was told on. A choice that was made anew meanwhile is news
	// as before.
	ShareNews(ctx context.Context, n News) error
	ClearNews(ctx context.Context, n News) error

	// OptedOut returns everybody's opt-outs, page by page, and the cursor of the next
	// page, "" at the end. A page may be shorter than the limit, with more behind it.
	OptedOut(ctx context.Context, cursor string, limit int) ([]Preference, string, error)

	// Reopen stores a share that belongs to no wave, over the one of its id whatever
	// has become of that.
	Reopen(ctx context.Context, t Task) error
}

// Preference is one person's choice about one topic.
type Preference struct {
	Person   string // pseudonym
	Topic    string // EveryTopic for all marketing mail, SaleTopic
	OptedOut bool
	At       time.Time
	Source   ChoiceSource
	Basis    Basis
	Untold   bool // it is news still; only read
}

// RepeatAfter is when the same choice made again counts anew: who unsubscribes from the
// same mails the next day still gets them, and whoever sends them has to be told again.
// A list of the company's may come every day, and never does.
const RepeatAfter = 24 * time.Hour

// Repeats tells whether p counts anew although it was chosen before.
func (p Preference) Repeats() bool { return p.OptedOut && p.Source != ByImport }

// News is what has to be told on of a person: to the systems that mail them, and to
// whoever listens.
type News struct {
	Person  string
	Address []byte // sealed; what systems know the person by. nil where it isn't known
	Shared  bool   // the systems' shares are open: only listeners wait
	Choices []Preference
}

// Topics that no sender can take.
const (
	EveryTopic = "every" // all marketing mail
	SaleTopic  = "sale"  // no mail, but the sale and sharing of data (Cal. Civ. Code § 1798.120)
)

// ChoiceSource says where a choice was made.
type ChoiceSource string

const (
	ByOneClick     ChoiceSource = "one_click"    // a mail program's button, RFC 8058
	ByPage         ChoiceSource = "page"         // our own page
	ByConfirmation ChoiceSource = "confirmation" // the link in a mail that asked
	ByRequest      ChoiceSource = "request"      // a request of the right to be let alone
	BySignal       ChoiceSource = "gpc"          // the browser's Sec-GPC header
	ByBounce       ChoiceSource = "bounce"       // mail can't be delivered
	ByComplaint    ChoiceSource = "complaint"    // reported as spam
	ByProvider     ChoiceSource = "provider"     // a mail system's own unsubscribe page
	ByImport       ChoiceSource = "import"       // a list of the company's
)

// Basis is the lawful ground of a choice.
type Basis string

const (
	Consent       Basis = "consent"       // GDPR Art. 6(1)(a)
	Objected      Basis = "objection"     // GDPR Art. 21(2) and (3); 15 USC 7704(a)(4)
	SaleOptOut    Basis = "sale_opt_out"  // Cal. Civ. Code § 1798.120; 11 CCR § 7025
	Undeliverable Basis = "undeliverable" // nobody's choice: mail comes back
)

// MaySell tells whether the person's data may be sold or shared.
func MaySell(choices []Preference) bool {
	return !slices.ContainsFunc(choices, func(p Preference) bool { return p.Topic == SaleTopic && p.OptedOut })
}

// MayMail tells whether somebody with these choices may be mailed about a topic;
// where consent is needed, silence means no. What was chosen about a topic after
// everything was refused counts; at the same second, the refusal does.
func MayMail(choices []Preference, topic string, consent bool) bool {
	var of, every Preference
	for _, p := range choices {
		switch p.Topic {
		case topic:
			of = p
		case EveryTopic:
			every = p
		}
	}
	if of.OptedOut || every.OptedOut && !of.At.After(every.At) {
		return false
	}
	return !consent || of.Basis == Consent
}
