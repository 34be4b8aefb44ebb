package portal

import (
	"context"
	"slices"

	"github.com/rightful/rightful/shared/rights"
)

// Form is what a person hands in.
type Form struct {
	Right       rights.Right
	Personal    rights.Personal
	Key         string // the caller's Idempotency-Key
	Fingerprint string // of the whole body that came with it
	Client      string // whoever sends, for the limit: an IP address
	Signal      bool   // the browser sends Sec-GPC
}

// Submit stores a request. When it returns, the request, its first ledger line,
// its key and the signal that starts the workflow are on disk, or nothing is.
func (p Portal) Submit(ctx context.Context, f Form) (rights.Request, error) {
	if !slices.Contains(rights.Rights(), f.Right) {
		return rights.Request{}, &rights.Error{Code: rights.Invalid, Detail: "Select what you want us to do.", Fields: []rights.Field{{Name: "right", Detail: "Select what you want us to do."}}}
	}
	personal, err := f.Personal.Clean()
	if err != nil {
		return rights.Request{}, err
	}
	address := rights.SameAddress(personal.Subject.Email)
	if f.Key != "" {
		f.Key = p.Fingerprint("idempotency", f.Key)
		if first, err := p.Store.Replayed(ctx, f.Key, f.Fingerprint); err != nil || first.ID != "" {
			return first, err
		}
	}
	// The address comes first: whoever bombards one from many clients is stopped by
	// its own limit.
	if err := p.limited(ctx, "address", address, p.Policy.PerAddress); err != nil {
		return rights.Request{}, err
	}
	if err := p.limited(ctx, "client", f.Client, p.Policy.PerClient); err != nil {
		return rights.Request{}, err
	}
	id, err := rights.NewID(p.Rand)
	if err != nil {
		return rights.Request{}, err
	}
	if err := p.chosen(ctx, f.Right, address, f.Signal); err != nil {
		return rights.Request{}, err
	}
	now := p.Now()
	r := rights.NewRequest(id, f.Right, personal, p.Fingerprint("email", address), p.Policy.Regimes, now)
	line := r.Record(now, rights.ByPerson, rights.Received, map[string]string{"right": string(r.Right), "regime": string(r.Regime)})
	start := rights.StartSignal(id, now)
	stored, err := p.Store.Create(ctx, rights.Creation{
		Request: r, Personal: personal, Events: []rights.Event{line}, Signals: []rights.Signal{start},
		Key: f.Key, Fingerprint: f.Fingerprint,
	})
	if err == nil && stored.ID == id {
		// A crash here leaves the signal to the sweep.
		p.Outbox.Deliver(ctx, start)
	}
	return stored, err
}

// chosen keeps what a request, or the browser that sends it, chooses by itself: whoever
// asks for no more marketing mail gets none from here on, whatever the systems still
// have to do (GDPR Art. 21(3)). An opt-out needs no proof (11 CCR § 7060(b)).
func (p Portal) chosen(ctx context.Context, right rights.Right, address string, signal bool) error {
	choose := func(topic string, source rights.ChoiceSource) error {
		person := p.Choices.Keys.Pseudonym(address)
		// The request's own shares go to the systems.
		_, err := p.Choices.Choose(ctx, rights.Preference{Person: person, Topic: topic, OptedOut: true, Source: source}, nil)
		return err
	}
	switch {
	case right == rights.Unsubscribe:
		return choose(rights.EveryTopic, rights.ByRequest)
	case right == rights.OptOutSale:
		return choose(rights.SaleTopic, rights.ByRequest)
	case signal:
		return choose(rights.SaleTopic, rights.BySignal)
	}
	return nil
}
