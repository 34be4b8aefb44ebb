// Package cloudevent makes the events that Rightful sends to others, as CloudEvents
// 1.0 in their JSON form.
//
// It promises that an event names nobody: a person is a pseudonym. The same news has
// the same id, so that whoever gets it twice can tell.
//
// It leaves to connector and eventbridge how an event travels.
package cloudevent

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// Event is a CloudEvent.
type Event struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	Subject         string    `json:"subject"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	Data            any       `json:"data"`
}

// Source is where the events come from.
const Source = "rightful"

// TypePreferenceChanged is the type of an event about what a person wants to be mailed.
const TypePreferenceChanged = "preference.changed"

// Choices is the data of preference.changed: all that the person wants now, so that
// whoever missed an event knows it from the next.
type Choices struct {
	Person  string   `json:"person"`
	Choices []Choice `json:"choices"`
}

// Choice is one of them.
type Choice struct {
	Topic    string              `json:"topic"`
	OptedOut bool                `json:"opted_out"`
	At       time.Time           `json:"at"`
	Source   rights.ChoiceSource `json:"source"`
	Basis    rights.Basis        `json:"basis"`
}

// ChoicesOf shows choices as others read them.
func ChoicesOf(choices []rights.Preference) []Choice {
	all := []Choice{}
	for _, p := range choices {
		all = append(all, Choice{p.Topic, p.OptedOut, p.At, p.Source, p.Basis})
	}
	return all
}

// PreferenceChanged tells what a person wants now.
func PreferenceChanged(person string, choices []rights.Preference) Event {
	data, newest := Choices{Person: person, Choices: ChoicesOf(choices)}, time.Time{}
	for _, p := range choices {
		if p.At.After(newest) {
			newest = p.At
		}
	}
	text, err := json.Marshal(data)
	if err != nil {
		panic("words and dates can't be written as JSON: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return Event{
		SpecVersion: "1.0", ID: base64.RawURLEncoding.EncodeToString(sum[:18]), Source: Source, Type: TypePreferenceChanged,
		Subject: person, Time: newest.UTC(), DataContentType: "application/json", Data: data,
	}
}
