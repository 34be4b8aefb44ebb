// Package connector asks systems that hold personal data: what is there of a
// person, a copy of it, to have it removed, to mail them no more.
//
// A system is a YAML file, not code: http for one with an API, sql for one whose
// database we reach, webhook for one that listens to what people choose. The package promises that every call may come twice with the
// effect of once, that a match is exact and never wide, that an empty identity
// asks nothing, that what has to stay is kept with its reason, and that an error
// text is ours and names nobody.
//
// It leaves to work when a call is made and tried again, and to bundle what
// becomes of exported records.
package connector

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// System is one place that holds personal data. Every call may come twice with
// the same Job.Task. Errors are of type *Error where we know what went wrong.
type System interface {
	Name() string  // unique: "crm"
	Title() string // what a person reads: "Customer records"
	Wave() int     // systems of a lower wave go first
	Does(rights.Action) bool
	Holds() bool     // whether it holds personal data; else it only hears of choices
	KnowsBy() string // what it knows people by: "email", an identifier's name, or "person" for our pseudonym

	// Locate counts what is there. It changes nothing.
	Locate(ctx context.Context, j Job) (Answer, error)

	// Export hands every record to sink.
	Export(ctx context.Context, j Job, sink Sink) (Answer, error)

	// Erase removes what may go, and masks what has to stay.
	Erase(ctx context.Context, j Job) (Answer, error)

	// Suppress has it mail the person no more about what they opted out of.
	Suppress(ctx context.Context, j Job) (Answer, error)

	// Callback opens an answer that came later. Nothing reaches sink before the
	// signature is checked. Errors: rights.Forbidden for a signature that isn't the
	// system's, rights.Malformed for a body that can't be read.
	Callback(header http.Header, body []byte, at time.Time, sink Sink) (Answer, error)
}

// Job is one share of a request as a system gets it.
type Job struct {
	Task     rights.TaskID // the idempotency key
	Subject  rights.Subject
	Callback string // where a late answer goes
	At       time.Time
	Choices  []rights.Preference // of Suppress: all that the person wants now
}

// Answer is what a system said.
type Answer struct {
	Outcome   rights.Outcome // Done, NoData, Kept or Accepted
	Found     []rights.Found
	Keeps     []rights.Keep
	Reference string // the system's own id of the job
}

// Sink takes exported records, one by one.
type Sink func(collection string, r Record) error

// Record is one exported record; its fields keep their order.
type Record []Value

// Value is one field.
type Value struct {
	Name  string
	Value any
}

// MarshalJSON writes an object.
func (r Record) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	out.WriteByte('{')
	for i, v := range r {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := encoder.Encode(v.Name); err != nil {
			return nil, err
		}
		out.WriteByte(':')
		if err := encoder.Encode(v.Value); err != nil {
			return nil, err
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// Error is a call that failed.
type Error struct {
	Problem    string        // a short text of ours: "answered 503"
	Final      bool          // trying again can't help: somebody has to look
	RetryAfter time.Duration // how long the system asked us to wait; 0 for not at all
}

func (e *Error) Error() string { return e.Problem }

// identity is the value by which a system knows the person: the address, or one
// of the identifiers. An empty one refuses the call: a search for nothing finds
// everybody.
func identity(s rights.Subject, by string) (string, error) {
	value := s.Identifiers[by]
	if by == "email" {
		value = s.Email
	}
	if value == "" {
		return "", &Error{Problem: "the request has no " + by + " to look for", Final: true}
	}
	return value, nil
}
