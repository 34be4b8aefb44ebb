package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/rightful/rightful/shared/cloudevent"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/webhook"
)

// listener is a webhook: a system that listens: it holds no data that we could ask for, and gets
// every preference.changed, signed (Standard Webhooks 1.0.0).
type listener struct {
	http   httpSystem
	to     *url.URL
	secret string
	base
}

func newListener(b base, s Settings) (System, error) {
	if len(b.d.Collections)+len(b.d.Export)+len(b.d.Erase)+len(b.d.Unsubscribe)+len(b.d.Resubscribe) > 0 {
		return nil, errors.New("kind: a webhook has no collections and no calls; it gets every preference.changed")
	}
	text, err := fill(b.d.BaseURL, s.Variables)
	if err != nil {
		return nil, fmt.Errorf("base_url: %w", err)
	}
	y := &listener{base: b, http: httpSystem{base: b}}
	if y.to, err = parseBase(text); err != nil {
		return nil, err
	}
	if y.secret, err = s.Secret("secret", b.d.Secret); err != nil {
		return nil, err
	}
	if _, err := webhook.Key(y.secret); err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	y.http.client = newClient(b.timeout, slices.Contains(s.AllowPrivate, y.to.Host))
	return y, nil
}

// Does implements System.
func (y *listener) Does(a rights.Action) bool { return a == rights.Suppress }

var errOnlyListens = &Error{Problem: "a webhook only listens", Final: true}

// Locate implements System.
func (y *listener) Locate(context.Context, Job) (Answer, error) { return Answer{}, errOnlyListens }

// Export implements System.
func (y *listener) Export(context.Context, Job, Sink) (Answer, error) {
	return Answer{}, errOnlyListens
}

// Erase implements System.
func (y *listener) Erase(context.Context, Job) (Answer, error) { return Answer{}, errOnlyListens }

// Callback implements System.
func (y *listener) Callback(http.Header, []byte, time.Time, Sink) (Answer, error) {
	return Answer{}, notSigned()
}

// Suppress implements System: it tells. The event's id is the webhook's, the same for
// the same choices, so that a listener knows a repetition.
func (y *listener) Suppress(ctx context.Context, j Job) (Answer, error) {
	person, err := identity(j.Subject, "person")
	if err != nil {
		return Answer{}, err
	}
	event := cloudevent.PreferenceChanged(person, j.Choices)
	body, err := json.Marshal(event)
	if err != nil {
		return Answer{}, err
	}
	signed, err := webhook.Sign(y.secret, event.ID, j.At, body)
	if err != nil {
		return Answer{}, &Error{Problem: "the webhook can't be signed", Final: true}
	}
	signed.Set("Content-Type", "application/cloudevents+json")
	status, _, err := y.http.send(ctx, j, http.MethodPost, y.to, body, signed)
	if err == nil && status == http.StatusNotFound {
		return Answer{}, &Error{Problem: "answered 404: check the address"}
	}
	return Answer{Outcome: rights.Done}, err
}
