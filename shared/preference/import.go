package preference

import (
	"context"
	"net/mail"
	"slices"
	"time"

	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/unsubscribe"
)

// Row is one choice that was kept elsewhere.
type Row struct {
	Email  string `json:"email" doc:"It isn't kept."`
	Topic  string `json:"topic,omitempty" doc:"every where it is left out."`
	Choice string `json:"choice,omitempty" enum:",out,in" doc:"out where it is left out. in is a consent, and needs the topic and at."`
	At     string `json:"at,omitempty" doc:"When it was chosen (RFC 3339, or a date); now where it is left out. An older choice than ours changes nothing." example:"2025-11-24T09:00:00Z"`
}

// Report says what became of the rows, in the order in which they came.
type Report struct {
	Stored    int       `json:"stored" doc:"Rows that changed something."`
	Unchanged int       `json:"unchanged" doc:"Rows that were known, older than what we have, or would have undone a refusal."`
	Refused   []Refused `json:"refused" doc:"Rows that can't be read. They changed nothing; the others did."`
}

// Refused is a row that can't be read.
type Refused struct {
	Row     int    `json:"row" doc:"From 1 on."`
	Field   string `json:"field"`
	Problem string `json:"problem"`
}

// Import keeps choices of a list of the company's. A consent in it never undoes what
// a person refused here. Importing the same rows again changes nothing.
func (c Center) Import(ctx context.Context, rows []Row) (Report, error) {
	report := Report{Refused: []Refused{}}
	for i, row := range rows {
		p, field := row.choice(c.Now())
		if field != nil {
			report.Refused = append(report.Refused, Refused{i + 1, field.Name, field.Detail})
			continue
		}
		changed, err := c.ChooseFor(ctx, row.Email, p)
		switch {
		case err != nil:
			return report, err
		case changed:
			report.Stored++
		default:
			report.Unchanged++
		}
	}
	return report, nil
}

// choice reads a row; it returns the field that is wrong, where one is.
func (r Row) choice(now time.Time) (rights.Preference, *rights.Field) {
	p := rights.Preference{Topic: r.Topic, OptedOut: r.Choice != "in", Source: rights.ByImport, At: now}
	if r.At != "" {
		var err error
		if p.At, err = time.Parse(time.RFC3339, r.At); err != nil {
			p.At, err = time.Parse(time.DateOnly, r.At)
		}
		if err != nil || p.At.After(now) {
			return p, &rights.Field{Name: "at", Detail: "Write a time that is over, like 2025-11-24T09:00:00Z."}
		}
	}
	switch {
	case NeedAddress(r.Email) != nil:
		return p, &rights.Field{Name: "email", Detail: "This is no address."}
	case !slices.Contains([]string{"", "out", "in"}, r.Choice):
		return p, &rights.Field{Name: "choice", Detail: "Write out or in."}
	case r.Topic == "" && p.OptedOut:
		p.Topic = rights.EveryTopic
	case r.Topic != rights.SaleTopic && !unsubscribe.Topic(r.Topic):
		return p, &rights.Field{Name: "topic", Detail: "Write it like product-news."}
	}
	if !p.OptedOut && (r.At == "" || p.Topic == rights.EveryTopic) {
		return p, &rights.Field{Name: "at", Detail: "A consent needs its time and its topic: else nobody can show it (GDPR Art. 7(1))."}
	}
	return p, nil
}

// NeedTopic is Invalid where a name can't be a topic's.
func NeedTopic(topic string) error {
	if unsubscribe.Topic(topic) {
		return nil
	}
	return &rights.Error{Code: rights.Invalid, Detail: "Name a topic in small letters, digits and hyphens, like product-news.", Fields: []rights.Field{{Name: "topic", Detail: "Write it like product-news."}}}
}

// NeedAddress is Invalid where a text is no mail address.
func NeedAddress(address string) error {
	if parsed, err := mail.ParseAddress(address); err == nil && parsed.Name == "" && len(address) <= 254 {
		return nil
	}
	return &rights.Error{Code: rights.Invalid, Detail: "Write one mail address, like name@example.com.", Fields: []rights.Field{{Name: "address", Detail: "Write it like name@example.com."}}}
}
