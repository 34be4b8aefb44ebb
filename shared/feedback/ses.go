package feedback

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/unsubscribe"
)

// event is what EventBridge passes on from SES, as far as it is read.
type event struct {
	ID     string    `json:"id"`
	Time   time.Time `json:"time"`
	Detail struct {
		EventType string `json:"eventType"`
		Mail      struct {
			MessageID   string              `json:"messageId"`
			Destination []string            `json:"destination"`
			Tags        map[string][]string `json:"tags"`
		} `json:"mail"`
		Bounce struct {
			Type       string      `json:"bounceType"`
			SubType    string      `json:"bounceSubType"`
			Recipients []recipient `json:"bouncedRecipients"`
			FeedbackID string      `json:"feedbackId"`
			Timestamp  time.Time   `json:"timestamp"`
		} `json:"bounce"`
		Complaint struct {
			SubType    string      `json:"complaintSubType"`
			Type       string      `json:"complaintFeedbackType"`
			Recipients []recipient `json:"complainedRecipients"`
			FeedbackID string      `json:"feedbackId"`
			Timestamp  time.Time   `json:"timestamp"`
		} `json:"complaint"`
		Subscription struct {
			Timestamp time.Time `json:"timestamp"`
			New       struct {
				All    bool `json:"unsubscribeAll"`
				Topics []struct {
					Name   string `json:"topicName"`
					Status string `json:"subscriptionStatus"`
				} `json:"topicSubscriptionStatus"`
			} `json:"newTopicPreferences"`
		} `json:"subscription"`
	} `json:"detail"`
}

type recipient struct {
	Address string `json:"emailAddress"`
}

func addresses(all []recipient) []string {
	var out []string
	for _, r := range all {
		out = append(out, r.Address)
	}
	return out
}

// Take takes an event of SES as EventBridge brings it. Malformed is what can't be
// read; an event that says nothing of use is fine.
func (f Feedback) Take(ctx context.Context, text json.RawMessage) error {
	var e event
	if err := json.Unmarshal(text, &e); err != nil {
		return &rights.Error{Code: rights.Malformed, Detail: "The event can't be read."}
	}
	for _, n := range e.news() {
		if n.at.IsZero() {
			n.at = cmp.Or(e.Time, f.Now())
		}
		if tagged := e.Detail.Mail.Tags["request"]; len(tagged) == 1 {
			n.request = tagged[0]
		}
		if err := f.take(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// news is what the event says. Sent, delivered, opened, clicked and delayed mails say
// nothing about what somebody wants.
func (e event) news() []news {
	detail := map[string]string{"message": e.Detail.Mail.MessageID}
	switch e.Detail.EventType {
	case "Bounce":
		b := e.Detail.Bounce
		detail["kind"], detail["bounce"] = "bounce", strings.ToLower(b.Type)
		n := news{kind: bounced, soft: b.Type != "Permanent", addresses: addresses(b.Recipients), at: b.Timestamp, id: cmp.Or(b.FeedbackID, e.ID), detail: detail}
		if strings.Contains(b.SubType, "Suppress") {
			// SES didn't try, since it knew already: it is no news about the address.
			n.addresses = nil
		}
		return []news{n}
	case "Complaint":
		c := e.Detail.Complaint
		detail["kind"] = "complaint"
		n := news{kind: complained, addresses: addresses(c.Recipients), at: c.Timestamp, id: cmp.Or(c.FeedbackID, e.ID), detail: detail}
		if c.Type == "not-spam" {
			return nil // the opposite: somebody took the mail out of the spam folder
		}
		return []news{n}
	case "Reject", "Rendering Failure":
		detail["kind"] = strings.ReplaceAll(strings.ToLower(e.Detail.EventType), " ", "_")
		return []news{{kind: refused, detail: detail}}
	case "Subscription":
		return e.subscription()
	}
	return nil
}

// subscription is what somebody chose on SES's own page. SES names topics as it
// likes; one that can't be ours stands for everything, where it is refused.
func (e event) subscription() []news {
	s := e.Detail.Subscription
	n := news{kind: unsubscribed, topic: rights.EveryTopic, addresses: e.Detail.Mail.Destination, at: s.Timestamp}
	if s.New.All {
		return []news{n}
	}
	var all []news
	for _, t := range s.New.Topics {
		n.topic, n.back = strings.ToLower(t.Name), t.Status == "OptIn"
		if !unsubscribe.Topic(n.topic) {
			if n.back {
				continue
			}
			n.topic = rights.EveryTopic
		}
		all = append(all, n)
	}
	return all
}
