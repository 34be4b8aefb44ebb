package feedback

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/rightful/rightful/shared/preference"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/webhook"
)

// Hook is where senders other than SES report, signed by Standard Webhooks 1.0.0.
type Hook struct {
	Feedback
	Secret string // whsec_…; "" where no sender reports
}

// Report is what a sender says.
type Report struct {
	Type      string    `json:"type" enum:"mail.bounced,mail.complained,mail.unsubscribed"`
	Timestamp time.Time `json:"timestamp" doc:"When it happened."`
	Data      struct {
		Address string `json:"address" doc:"Whom it is about. It isn't kept."`
		Soft    bool   `json:"soft,omitempty" doc:"Of mail.bounced: it may pass. Five within 30 days are as good as a hard one."`
		Topic   string `json:"topic,omitempty" doc:"Of mail.unsubscribed; all marketing mail where it is left out."`
	} `json:"data"`
}

// Receive takes a report. Errors: Forbidden for a signature that isn't the secret's,
// Malformed and Invalid for a body that can't be read.
func (h Hook) Receive(ctx context.Context, header http.Header, body []byte) error {
	if h.Secret == "" || webhook.Verify(h.Secret, header, body, h.Now()) != nil {
		return &rights.Error{Code: rights.Forbidden, Detail: "The report isn't signed with the sender's secret, or its clock is off by more than five minutes. Sign it by Standard Webhooks 1.0.0 and send it again."}
	}
	var r Report
	in := json.NewDecoder(bytes.NewReader(body))
	in.DisallowUnknownFields()
	if err := in.Decode(&r); err != nil || in.More() {
		return &rights.Error{Code: rights.Malformed, Detail: "The report can't be read: it is not the JSON that was agreed. Nothing was kept."}
	}
	n, err := r.news(h.Now())
	if err != nil {
		return err
	}
	n.id = header.Get("webhook-id")
	return h.take(ctx, n)
}

func (r Report) news(now time.Time) (news, error) {
	invalid := func(field, detail string) (news, error) {
		return news{}, &rights.Error{Code: rights.Invalid, Detail: detail + " Nothing was kept.", Fields: []rights.Field{{Name: field, Detail: detail}}}
	}
	kinds := map[string]kind{"mail.bounced": bounced, "mail.complained": complained, "mail.unsubscribed": unsubscribed}
	n := news{kind: kinds[r.Type], soft: r.Data.Soft, addresses: []string{r.Data.Address}, topic: r.Data.Topic, at: r.Timestamp}
	if n.topic == "" {
		n.topic = rights.EveryTopic
	}
	switch {
	case n.kind == "":
		return invalid("type", "Write mail.bounced, mail.complained or mail.unsubscribed.")
	case n.at.IsZero() || n.at.After(now.Add(time.Hour)):
		return invalid("timestamp", "Write when it happened, like 2026-03-02T09:00:00Z.")
	case preference.NeedAddress(r.Data.Address) != nil:
		return invalid("data.address", "Write one mail address.")
	case n.topic != rights.EveryTopic && preference.NeedTopic(n.topic) != nil:
		return invalid("data.topic", "Write it like product-news.")
	}
	return n, nil
}
