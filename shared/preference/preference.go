// Package preference is the preference centre: what people want to be mailed about,
// who chose it where and on which lawful basis, and whether a mail may go.
//
// It promises that a choice is kept before it is answered, that nobody's refusal is
// undone by anybody but themselves, and that an address is neither kept nor logged:
// a person is a pseudonym, and an address travels sealed to whoever has to be told.
//
// It leaves the pages to portal, the sender's calls to console, mail systems' news to
// feedback, and telling others to onward.
package preference

import (
	"context"
	"net/mail"
	"slices"
	"time"

	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/unsubscribe"
)

// Center keeps choices.
type Center struct {
	Store interface {
		rights.Preferences
		rights.Limits
	}
	Keys   unsubscribe.Keys
	Policy rights.Policy
	Base   string // what links begin with
	Sender notice.Sender
	From   mail.Address
	Now    func() time.Time
	Soon   func() // told of a change, that others hear of it sooner than by the sweep; nil for nobody
}

// Choose keeps a choice at once (GDPR Art. 21(3)) and leaves it for whoever has to be
// told. Its time is now where it has none. sealed is the person's address, nil where it
// isn't known. It tells whether that changed anything.
func (c Center) Choose(ctx context.Context, p rights.Preference, sealed []byte) (bool, error) {
	if p.At.IsZero() {
		p.At = c.Now()
	}
	p.At, p.Basis = p.At.UTC(), basis(p)
	changed, err := c.Store.Prefer(ctx, p, &rights.News{Address: sealed})
	if changed && c.Soon != nil {
		c.Soon()
	}
	return changed, err
}

// ChooseFor is Choose for somebody whose address is at hand.
func (c Center) ChooseFor(ctx context.Context, address string, p rights.Preference) (bool, error) {
	sealed, err := c.Keys.Seal(address)
	if err != nil {
		return false, err
	}
	p.Person = c.Keys.Pseudonym(address)
	return c.Choose(ctx, p, sealed)
}

func basis(p rights.Preference) rights.Basis {
	switch {
	case !p.OptedOut:
		return rights.Consent
	case p.Topic == rights.SaleTopic:
		return rights.SaleOptOut
	case p.Source == rights.ByBounce:
		return rights.Undeliverable
	}
	return rights.Objected
}

// MayMail answers, in one read, whether a mail about a topic may go to an address in a
// country; "" where that isn't known.
func (c Center) MayMail(ctx context.Context, address, topic, country string) (bool, error) {
	choices, err := c.Store.PreferencesOf(ctx, c.Keys.Pseudonym(address))
	return rights.MayMail(choices, topic, c.Policy.NeedsConsent(country)), err
}

// Suppressed tells whether an address gets no marketing mail of some kind, or its
// data isn't sold: what is kept of it beyond an erasure.
func (c Center) Suppressed(ctx context.Context, address string) (bool, error) {
	choices, err := c.Store.PreferencesOf(ctx, c.Keys.Pseudonym(address))
	return slices.ContainsFunc(choices, func(p rights.Preference) bool { return p.OptedOut }), err
}

// Signal honours a browser's Sec-GPC (11 CCR § 7025(c)): its holder's data is neither
// sold nor shared. The signal itself is the request.
func (c Center) Signal(ctx context.Context, person string, sealed []byte) error {
	choices, err := c.Store.PreferencesOf(ctx, person)
	if err != nil || !rights.MaySell(choices) {
		return err
	}
	_, err = c.Choose(ctx, rights.Preference{Person: person, Topic: rights.SaleTopic, OptedOut: true, Source: rights.BySignal}, sealed)
	return err
}
