package connector

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// tolerance is how far a callback's clock may be off (Standard Webhooks 1.0.0).
const tolerance = 5 * time.Minute

// late is the body of a late answer.
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

// SignCallback makes the headers that prove a body: Standard Webhooks 1.0.0,
// HMAC-SHA-256 with a secret like whsec_<base64>. id is the task's.
func SignCallback(secret, id string, at time.Time, body []byte) (http.Header, error) {
	key, err := webhookKey(secret)
	if err != nil {
		return nil, err
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	h := http.Header{}
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", stamp)
	h.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(webhookMAC(key, id, stamp, body)))
	return h, nil
}

func webhookKey(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) < 16 {
		return nil, errors.New("callback_secret: it must be whsec_ and the base64 of at least 16 bytes")
	}
	return key, nil
}

func webhookMAC(key []byte, id, stamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

func notSigned() error {
	return &rights.Error{Code: rights.Forbidden, Detail: "The answer isn't signed with this system's secret, or its clock is off by more than five minutes. Sign it by Standard Webhooks 1.0.0 and send it again."}
}

func verify(secret string, h http.Header, body []byte, now time.Time) error {
	key, err := webhookKey(secret)
	seconds, err2 := strconv.ParseInt(h.Get("webhook-timestamp"), 10, 64)
	if err != nil || err2 != nil || now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return notSigned()
	}
	want := webhookMAC(key, h.Get("webhook-id"), h.Get("webhook-timestamp"), body)
	for signature := range strings.FieldsSeq(h.Get("webhook-signature")) {
		text, isV1 := strings.CutPrefix(signature, "v1,")
		if got, err := base64.StdEncoding.DecodeString(text); isV1 && err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return notSigned()
}

// Callback implements System.
func (y *httpSystem) Callback(h http.Header, body []byte, at time.Time, sink Sink) (Answer, error) {
	if y.callbackSecret == "" {
		return Answer{}, notSigned()
	}
	if err := verify(y.callbackSecret, h, body, at); err != nil {
		return Answer{}, err
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
