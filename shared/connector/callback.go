package connector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/webhook"
)

// late is the body of a late answer, which is signed by Standard Webhooks with the
// task as its id.
type late struct {
	Outcome   rights.Outcome               `json:"outcome"`
	Found     []lateFound                  `json:"found"`
	Keeps     []lateKeep                   `json:"keeps"`
	Reference string                       `json:"reference"`
	Records   map[string][]json.RawMessage `json:"records"`
}

type lateFound struct {
	Collection string `json:"collection"`
	Count      int    `json:"count"`
}

type lateKeep struct {
	What  string    `json:"what"`
	Count int       `json:"count"`
	Why   string    `json:"why"`
	Until time.Time `json:"until"`
}

func notSigned() error {
	return &rights.Error{Code: rights.Forbidden, Detail: "The answer isn't signed with this system's secret, or its clock is off by more than five minutes. Sign it by Standard Webhooks 1.0.0 and send it again."}
}

// Callback implements System.
func (y *httpSystem) Callback(h http.Header, body []byte, at time.Time, sink Sink) (Answer, error) {
	if y.callbackSecret == "" {
		return Answer{}, notSigned()
	}
	if err := webhook.Verify(y.callbackSecret, h, body, at); err != nil {
		return Answer{}, notSigned()
	}
	return openLate(body, sink)
}

func openLate(body []byte, sink Sink) (Answer, error) {
	bad := func(what string) (Answer, error) {
		return Answer{}, &rights.Error{Code: rights.Malformed, Detail: "The answer can't be read: " + what + ". Nothing was stored. Correct it and send it again."}
	}
	var l late
	in := json.NewDecoder(bytes.NewReader(body))
	in.DisallowUnknownFields()
	if err := in.Decode(&l); err != nil || in.More() {
		return bad("it is not the JSON that was agreed")
	}
	switch l.Outcome {
	case rights.Done, rights.NoData, rights.Kept:
	default:
		return bad("outcome must be done, not_found or kept")
	}
	if l.Outcome == rights.Kept && len(l.Keeps) == 0 {
		return bad("what is kept needs an entry in keeps")
	}
	if len(l.Found) > 100 || len(l.Keeps) > 100 || len(l.Reference) > 100 {
		return bad("found, keeps and reference are limited to 100")
	}
	a := Answer{Outcome: l.Outcome, Reference: l.Reference}
	for _, f := range l.Found {
		if f.Collection == "" || f.Count < 0 {
			return bad("every entry in found needs a collection and a count from 0")
		}
		a.Found = append(a.Found, rights.Found(f))
	}
	for _, k := range l.Keeps {
		if k.Count < 0 || k.What == "" || k.Why == "" || len(k.What) > 100 || len(k.Why) > 500 {
			return bad("every entry in keeps needs what and why, in at most 100 and 500 characters")
		}
		a.Keeps = append(a.Keeps, rights.Keep(k))
	}
	for name, items := range l.Records {
		for i, item := range items {
			record, err := parseRecord(item)
			if err != nil || name == "" {
				return bad(fmt.Sprintf("record %d of a collection is no object", i+1))
			}
			if err := sink(name, record); err != nil {
				return Answer{}, err
			}
		}
	}
	return a, nil
}
