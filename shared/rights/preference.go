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
	// Prefer stores a choice over the one before. The same choice again changes
	// nothing, nor does one that is older than the stored.
	Prefer(ctx context.Context, p Preference) error

	// PreferencesOf returns a person's choices in order of their topics: all that has
	// to be read before a mail.
	PreferencesOf(ctx context.Context, person string) ([]Preference, error)
}

// Preference is one person's choice about one topic.
type Preference struct {
	Person   string // pseudonym
	Topic    string // EveryTopic for all marketing mail
	OptedOut bool
	At       time.Time
	Source   ChoiceSource
}

// EveryTopic is the topic that holds all others.
const EveryTopic = "every"

// ChoiceSource says where a choice was made.
type ChoiceSource string

const (
	ByOneClick ChoiceSource = "one_click" // a mail program's button, RFC 8058
	ByPage     ChoiceSource = "page"      // our own page
)

// MayMail tells whether somebody with these choices may be mailed about a topic.
func MayMail(choices []Preference, topic string) bool {
	return !slices.ContainsFunc(choices, func(p Preference) bool {
		return p.OptedOut && (p.Topic == topic || p.Topic == EveryTopic)
	})
}
