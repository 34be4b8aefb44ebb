package notice

import (
	"fmt"
	"net/mail"
	"strings"
	"time"
)

// Question is the mail that asks somebody whether they want a topic's mails. It
// advertises nothing: what isn't agreed to yet may not be sent either.
type Question struct {
	To, Key          string
	Topic            string // as a person reads it
	Link             string
	Until            time.Time
	Company, Contact string
}

// Message writes it.
func (q Question) Message(from mail.Address) (Message, error) {
	said := struct{ Topic, Link, Until, Company, Contact string }{oneLine(q.Topic), q.Link, instant(q.Until), oneLine(q.Company), oneLine(q.Contact)}
	var text strings.Builder
	if err := letters().ExecuteTemplate(&text, "question.txt", said); err != nil {
		return Message{}, fmt.Errorf("couldn't write a question: %w", err)
	}
	m := Message{Key: q.Key, From: from, To: mail.Address{Address: q.To}, Subject: "[" + said.Company + "] Please confirm that you want our mails", Text: tidy(text.String())}
	if m.From.Name == "" {
		m.From.Name = said.Company
	}
	m.HTML = HTML(m)
	return m, nil
}
