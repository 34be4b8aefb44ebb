package rights

import (
	"errors"
	"time"
)

// Code says what went wrong in a word that a workflow's Catch, an HTTP status and
// a program's if can all name.
type Code string

const (
	Internal    Code = "Internal"    // our fault; the text is never shown
	Invalid     Code = "Invalid"     // a field can't be taken; Fields names it
	Malformed   Code = "Malformed"   // the message can't be read at all
	NotFound    Code = "NotFound"    // no such thing, or not for this caller
	Forbidden   Code = "Forbidden"   // the token doesn't allow it
	Expired     Code = "Expired"     // the link or code has run out
	WrongCode   Code = "WrongCode"   // the code is not the one in the mail
	Conflict    Code = "Conflict"    // somebody else moved it first: the race is lost
	NotNow      Code = "NotNow"      // the request is in no state for this
	KeyReused   Code = "KeyReused"   // an idempotency key came with another body
	TooMany     Code = "TooMany"     // a limit was reached; RetryAfter says how long
	Withdrawn   Code = "Withdrawn"   // the person took the request back
	Denied      Code = "Denied"      // an operator refused it
	Referred    Code = "Referred"    // the request is another company's job
	Unapproved  Code = "Unapproved"  // an operator has to look at the plan first
	NextWave    Code = "NextWave"    // a wave is over, and another one comes
	Exported    Code = "Exported"    // the last wave is over, and there is a bundle to pack
	PlanChanged Code = "PlanChanged" // an approval names another plan than today's
)

// Codes lists every code; a workflow may catch these and the service's own.
func Codes() []Code {
	return []Code{Internal, Invalid, Malformed, NotFound, Forbidden, Expired, WrongCode, Conflict, NotNow, KeyReused, TooMany, Withdrawn, Denied, Referred, Unapproved, NextWave, Exported, PlanChanged}
}

// Error is a code and a sentence for the reader that ends in what to do next.
// It carries no personal data.
type Error struct {
	Code       Code
	Detail     string
	Fields     []Field
	RetryAfter time.Duration // with TooMany
}

// Field is one field that can't be taken, and the fix.
type Field struct {
	Name   string // "subject.email"
	Detail string
}

func (e *Error) Error() string {
	if e.Detail == "" {
		return string(e.Code)
	}
	return e.Detail
}

// ErrorName is the name under which the error crosses the workflow border.
func (e *Error) ErrorName() string { return string(e.Code) }

// Is lets errors.Is compare by code: errors.Is(err, &Error{Code: Conflict}).
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Code == e.Code
}

// CodeOf is the code of err: Internal for every error that isn't ours.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}
