// Package feedback takes what mail systems say of mails that were sent: bounces,
// complaints and refusals.
//
// It promises that an event about one of our letters reaches the ledger of its
// request once, however often it comes, and that no address is read from it: a
// letter carries its request's id as a tag.
//
// It leaves to the operator what to do about a letter that never arrived.
package feedback

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// Feedback takes events.
type Feedback struct {
	Store rights.Requests
	Now   func() time.Time
}

// event is what EventBridge passes on from SES, as far as it is read.
type event struct {
	Detail struct {
		EventType string `json:"eventType"`
		Mail      struct {
			MessageID string              `json:"messageId"`
			Tags      map[string][]string `json:"tags"`
		} `json:"mail"`
		Bounce struct {
			Type string `json:"bounceType"`
		} `json:"bounce"`
	} `json:"detail"`
}

// bad are the events that say a letter didn't reach the person.
var bad = map[string]string{"Bounce": "bounce", "Complaint": "complaint", "Reject": "reject", "Rendering Failure": "rendering_failure"}

// Take records an event. Malformed is what can't be read; an event about nothing of
// ours is fine.
func (f Feedback) Take(ctx context.Context, text json.RawMessage) error {
	var e event
	if err := json.Unmarshal(text, &e); err != nil {
		return &rights.Error{Code: rights.Malformed, Detail: "The event can't be read."}
	}
	kind, ok := bad[e.Detail.EventType]
	tagged := e.Detail.Mail.Tags["request"]
	if !ok || len(tagged) != 1 {
		return nil
	}
	id, err := rights.ParseID(tagged[0])
	if err != nil {
		return nil
	}
	detail := map[string]string{"kind": kind, "message": e.Detail.Mail.MessageID}
	if e.Detail.Bounce.Type != "" {
		detail["bounce"] = strings.ToLower(e.Detail.Bounce.Type)
	}
	for {
		err := f.record(ctx, id, detail)
		if rights.CodeOf(err) == rights.NotFound && err != nil {
			return nil // erased meanwhile
		}
		if rights.CodeOf(err) != rights.Conflict || ctx.Err() != nil {
			return err
		}
	}
}

func (f Feedback) record(ctx context.Context, id rights.ID, detail map[string]string) error {
	r, err := f.Store.Get(ctx, id)
	if err != nil {
		return err
	}
	lines, err := f.Store.Ledger(ctx, id)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if l.Kind == rights.MailReturned && l.Detail["message"] == detail["message"] && l.Detail["kind"] == detail["kind"] {
			return nil
		}
	}
	line := r.Record(f.Now(), rights.ByRightful, rights.MailReturned, detail)
	_, err = f.Store.Move(ctx, r, rights.Change{Events: []rights.Event{line}})
	return err
}
