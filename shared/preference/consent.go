package preference

import (
	"context"
	"fmt"
	"time"

	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/unsubscribe"
)

// State is what became of somebody who was signed up.
type State string

const (
	Kept     State = "kept"      // the consent is kept: mails may go
	Asked    State = "asked"     // a mail asks them: nothing may go before they confirm
	OptedOut State = "opted_out" // they had refused: nothing was sent, and nothing may go
)

// askLife is how long a mail that asks can be answered.
const askLife = 7 * 24 * time.Hour

// SignUp keeps that somebody agreed elsewhere to a topic's mails. Where the policy
// wants it confirmed (double opt-in), it mails a link first and keeps nothing. Whoever
// refused before isn't asked: only their own page brings them back.
func (c Center) SignUp(ctx context.Context, address, topic, country string) (State, error) {
	person := c.Keys.Pseudonym(address)
	choices, err := c.Store.PreferencesOf(ctx, person)
	if err != nil {
		return "", err
	}
	switch {
	case rights.MayMail(choices, topic, true):
		return Kept, nil
	case !rights.MayMail(choices, topic, false):
		return OptedOut, nil
	case c.Policy.DoubleOptIn && c.Policy.NeedsConsent(country):
		return Asked, c.Ask(ctx, address, topic)
	}
	_, err = c.ChooseFor(ctx, address, rights.Preference{Topic: topic, Source: rights.ByImport})
	return Kept, err
}

// Ask mails a link that, once confirmed, keeps the consent. Whoever bombards an address
// is stopped by its limit.
func (c Center) Ask(ctx context.Context, address, topic string) error {
	person, now := c.Keys.Pseudonym(address), c.Now()
	wait, err := c.Store.Count(ctx, "ask:"+person, c.Policy.PerAddress, time.Hour, now)
	if err != nil {
		return err
	}
	if wait > 0 {
		return &rights.Error{Code: rights.TooMany, RetryAfter: wait, Detail: "This address was asked too often within an hour. No mail was sent."}
	}
	until := now.Add(askLife)
	token, err := c.Keys.Ask(unsubscribe.Claims{Person: person, Topic: topic}, until)
	if err != nil {
		return err
	}
	m, err := notice.Question{
		To: address, Key: fmt.Sprintf("%s.%s.%d", person, topic, until.Unix()), Topic: c.Policy.TopicTitle(topic), Until: until,
		Link: c.Base + "/preferences/confirm/" + token, Company: c.Policy.Company, Contact: c.Policy.Contact,
	}.Message(c.From)
	if err != nil {
		return err
	}
	if err := c.Sender.Send(ctx, m); err != nil {
		return fmt.Errorf("couldn't send a question: %w", err)
	}
	return nil
}

// Confirm keeps the consent that a link of Ask stands for. Errors: unsubscribe's
// ErrInvalid and ErrAsked.
func (c Center) Confirm(ctx context.Context, token string) (unsubscribe.Claims, error) {
	claims, err := c.Keys.Asked(token, c.Now())
	if err == nil {
		_, err = c.Choose(ctx, rights.Preference{Person: claims.Person, Topic: claims.Topic, Source: rights.ByConfirmation}, nil)
	}
	return claims, err
}
