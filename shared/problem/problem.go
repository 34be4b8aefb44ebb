// Package problem turns errors into RFC 9457 problem details, in one place.
//
// It promises that an error of ours keeps its code, its sentence and its fields,
// that everything else becomes one sentence that gives nothing away, and that no
// value somebody sent is repeated in the answer.
package problem

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rightful/rightful/shared/rights"
)

// Details is the body of every answer that isn't a success.
type Details struct {
	Type   string  `json:"type" doc:"A URI that names the kind of problem." example:"about:blank"`
	Title  string  `json:"title" doc:"The HTTP status in words."`
	Status int     `json:"status" doc:"The HTTP status."`
	Code   string  `json:"code" doc:"What went wrong, in one word for programs."`
	Detail string  `json:"detail" doc:"What went wrong and what to do next."`
	Errors []Field `json:"errors,omitempty" doc:"The fields that can't be taken."`

	retryAfter int
}

// Field names one field and the fix.
type Field struct {
	Location string `json:"location" doc:"Where the field is." example:"body.subject.email"`
	Message  string `json:"message" doc:"How to correct it."`
}

func (d *Details) Error() string  { return d.Detail }
func (d *Details) GetStatus() int { return d.Status }

// Write writes the body.
func (d *Details) Write(w io.Writer) error { return json.NewEncoder(w).Encode(d) }

// ContentType is RFC 9457's.
func (d *Details) ContentType(string) string { return "application/problem+json" }

// GetHeaders adds Retry-After where waiting helps.
func (d *Details) GetHeaders() http.Header {
	h := http.Header{"Cache-Control": {"no-store"}}
	if d.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(d.retryAfter))
	}
	if d.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	return h
}

var statuses = map[rights.Code]int{
	rights.Invalid:     http.StatusUnprocessableEntity,
	rights.Malformed:   http.StatusBadRequest,
	rights.NotFound:    http.StatusNotFound,
	rights.Forbidden:   http.StatusForbidden,
	rights.Expired:     http.StatusGone,
	rights.WrongCode:   http.StatusUnprocessableEntity,
	rights.Conflict:    http.StatusConflict,
	rights.NotNow:      http.StatusConflict,
	rights.KeyReused:   http.StatusUnprocessableEntity,
	rights.TooMany:     http.StatusTooManyRequests,
	rights.Withdrawn:   http.StatusConflict,
	rights.Denied:      http.StatusConflict,
	rights.PlanChanged: http.StatusConflict,
}

const unknown = "There is a problem on our side. Nothing you sent is lost if you got an answer before; otherwise try again in a few minutes."

// From is the answer to err: our own codes as they are, everything else as
// Internal.
func From(err error) *Details {
	if d, ok := errors.AsType[*Details](err); ok {
		return d
	}
	ours, ok := errors.AsType[*rights.Error](err)
	status := 0
	if ok {
		status = statuses[ours.Code]
	}
	if status == 0 {
		return build(http.StatusInternalServerError, rights.Internal, unknown)
	}
	d := build(status, ours.Code, ours.Detail)
	for _, f := range ours.Fields {
		d.Errors = append(d.Errors, Field{Location: "body." + f.Name, Message: f.Detail})
	}
	d.retryAfter = int(ours.RetryAfter.Seconds())
	return d
}

// Unauthorized is the answer to a call without the token that it needs.
func Unauthorized(detail string) *Details {
	return build(http.StatusUnauthorized, rights.Forbidden, detail)
}

func build(status int, code rights.Code, detail string) *Details {
	return &Details{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: string(code), Detail: detail}
}

// Install makes huma answer with Details, too, where it finds a fault before a
// handler runs. Call it before the first handler is registered; huma keeps this in
// a variable of its own, so calling it again does nothing.
func Install() { installed.Do(install) }

var installed sync.Once

func install() {
	huma.NewError = func(status int, message string, faults ...error) huma.StatusError {
		code := rights.Malformed
		switch status {
		case http.StatusUnprocessableEntity:
			code, message = rights.Invalid, "The body can't be taken as it is. Nothing was stored. Correct the fields named here and send it again."
		case http.StatusRequestEntityTooLarge:
			message = "The body is too large. Nothing was stored. Send less text."
		case http.StatusBadRequest:
			message = "The body can't be read as JSON. Nothing was stored. Check its syntax and its Content-Type."
		case http.StatusInternalServerError:
			code, message = rights.Internal, unknown
		}
		d := build(status, code, message)
		for _, fault := range faults {
			if detail, ok := fault.(huma.ErrorDetailer); ok {
				found := detail.ErrorDetail()
				d.Errors = append(d.Errors, Field{Location: found.Location, Message: fix(found.Message)})
			}
		}
		return d
	}
}

// fix makes a sentence of a validator's note.
func fix(note string) string {
	if note == "" {
		return "Correct it."
	}
	return fmt.Sprintf("%s%s.", strings.ToUpper(note[:1]), strings.TrimSuffix(note[1:], "."))
}
