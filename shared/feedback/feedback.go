// Package feedback takes what mail systems say of mails that were sent: bounces,
// complaints, refusals and unsubscriptions, from SES by EventBridge, from its
// suppression list, and from any other sender by a signed webhook.
//
// It promises that an address that is dead, or whose holder complained, gets no more
// marketing mail; that one about a letter of ours reaches the ledger of its request
// once; and that an event which comes again, or late, changes nothing: what a person
// chose after it stands. No address is kept or logged.
//
// It leaves to the operator what to do about a letter that never arrived.
package feedback

import (
	"context"
	"errors"
	"net/mail"
	"time"

	"github.com/rightful/rightful/shared/preference"
	"github.com/rightful/rightful/shared/rights"
)

// Feedback takes events.
type Feedback struct {
	Store   rights.Store
	Choices preference.Center
	Now     func() time.Time
}

// news is what an event says, whoever sent it.
type news struct {
	kind      kind
	soft      bool              // a bounce that may pass
	addresses []string          // whom it is about
	topic     string            // of an unsubscription; every where it names none
	back      bool              // an unsubscription taken back
	at        time.Time         // when it happened, not when it came
	id        string            // the same for the same event
	request   string            // of ours, "" for none
	detail    map[string]string // what the request's ledger keeps
}

type kind string

const (
	bounced      kind = "bounce"
	complained   kind = "complaint"
	unsubscribed kind = "unsubscription"
	refused      kind = "refusal" // the mail never left
)

// A soft bounce counts. So many within the window are as good as a hard one.
const (
	softMost   = 5
	softWindow = 30 * 24 * time.Hour
)

func (f Feedback) take(ctx context.Context, n news) error {
	if err := f.suppress(ctx, n); err != nil {
		return err
	}
	id, err := rights.ParseID(n.request)
	if err != nil || n.kind == unsubscribed {
		return nil
	}
	for {
		err := f.record(ctx, id, n.detail)
		if rights.CodeOf(err) == rights.NotFound && err != nil {
			return nil // erased meanwhile
		}
		if rights.CodeOf(err) != rights.Conflict || ctx.Err() != nil {
			return err
		}
	}
}

// suppress keeps what the event means for mails to come.
func (f Feedback) suppress(ctx context.Context, n news) error {
	p := rights.Preference{Topic: rights.EveryTopic, OptedOut: true, At: n.at}
	if now := f.Now(); p.At.After(now) {
		p.At = now // a clock ahead of ours must not outlast what the person chooses next
	}
	switch n.kind {
	case bounced:
		p.Source = rights.ByBounce
	case complained:
		p.Source = rights.ByComplaint
	case unsubscribed:
		p.Source, p.Topic, p.OptedOut = rights.ByProvider, n.topic, !n.back
	default:
		return nil
	}
	var errs []error
	for _, text := range n.addresses {
		a, err := mail.ParseAddress(text)
		if err != nil {
			continue // no address of anybody's: there is nobody to let alone
		}
		if n.soft {
			if hard, err := f.count(ctx, a.Address, n); err != nil || !hard {
				errs = append(errs, err)
				continue
			}
		}
		_, err = f.Choices.ChooseFor(ctx, a.Address, p)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// count counts a soft bounce once, however often its event comes, and tells whether
// there are enough of them. A crash between the two counts forgets one: the next
// bounce makes up for it.
func (f Feedback) count(ctx context.Context, address string, n news) (bool, error) {
	person, now := f.Choices.Keys.Pseudonym(address), f.Now()
	seen, err := f.Store.Count(ctx, "bounce:"+person+":"+n.id, 1, softWindow, now)
	if err != nil || seen > 0 {
		return false, err
	}
	over, err := f.Store.Count(ctx, "soft:"+person, softMost-1, softWindow, now)
	return over > 0, err
}

// record writes the request's ledger line, once for the same mail and kind.
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
