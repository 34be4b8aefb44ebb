package portal

import (
	"context"

	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/rights"
)

// Prove takes the link's token as proof that the address is the person's. filed
// tells that the caller is the one who filed the request: only then may their own
// status token fetch the export, because a person may click a link in a mail that
// somebody else's request caused.
func (p Portal) Prove(ctx context.Context, token string, filed bool) (rights.Request, error) {
	claims, err := p.Links.Tokens.Redeem(token, rights.ForVerify, p.Now())
	if err != nil {
		return rights.Request{}, err
	}
	return p.change(ctx, claims.Request, func(r *rights.Request) (rights.Change, bool, error) {
		if done, err := alreadyProven(*r); done || err != nil {
			return rights.Change{}, false, err
		}
		if err := r.Proof.Check(claims.Serial, p.Now()); err != nil {
			return rights.Change{}, false, err
		}
		return p.proven(r, filed)
	})
}

// ProveByCode takes the code from the mail. A wrong one counts; after MaxWrong the
// code is out of force and only a new mail, or the link, helps.
func (p Portal) ProveByCode(ctx context.Context, id rights.ID, code string) (rights.Request, error) {
	var wrong error
	r, err := p.change(ctx, id, func(r *rights.Request) (rights.Change, bool, error) {
		wrong = nil
		if done, err := alreadyProven(*r); done || err != nil {
			return rights.Change{}, false, err
		}
		if err := r.Proof.Check(r.Proof.Serial, p.Now()); err != nil {
			return rights.Change{}, false, err
		}
		if r.Proof.Locked() {
			return rights.Change{}, false, locked()
		}
		if p.Links.Tokens.SameCode(r.ID, r.Proof.Serial, code) {
			return p.proven(r, true)
		}
		r.Proof.Wrong++
		wrong = &rights.Error{Code: rights.WrongCode, Detail: "That is not the code in our newest mail. Check the 8 digits and enter them again.", Fields: []rights.Field{{Name: "code", Detail: "Enter the 8 digits from the newest mail."}}}
		if r.Proof.Locked() {
			wrong = locked()
		}
		line := r.Record(p.Now(), rights.ByPerson, rights.ProofFailed, nil)
		return rights.Change{Events: []rights.Event{line}}, true, nil
	})
	if err == nil {
		err = wrong
	}
	return r, err
}

func locked() error {
	return &rights.Error{Code: rights.TooMany, Detail: "There were five wrong codes, so this code no longer works. Use the link in the mail, or ask for a new mail.", RetryAfter: 0}
}

// alreadyProven tells whether there is nothing left to prove, and the error of a
// request for which a proof comes too late.
func alreadyProven(r rights.Request) (bool, error) {
	switch {
	case !r.ProvenAt.IsZero():
		return true, nil
	case r.Status == rights.Lapsed:
		return false, &rights.Error{Code: rights.Expired, Detail: "This request ended on " + r.ClosedAt.Format("2 January 2006") + " because it was not confirmed in time. Nothing was done. Make a new request to start again."}
	case r.Reason != rights.NeedsProof:
		return false, &rights.Error{Code: rights.NotNow, Detail: "This request needs no proof. Look at its status to see where it stands."}
	}
	return false, nil
}

func (p Portal) proven(r *rights.Request, filed bool) (rights.Change, bool, error) {
	now := p.Now()
	next, err := r.Proven(now.UTC())
	if err != nil {
		return rights.Change{}, false, err
	}
	*r = next
	r.FilerProven = filed
	line := r.Record(now, rights.ByPerson, rights.ProofGiven, nil)
	return rights.Change{Events: []rights.Event{line}, Signals: r.Resume("{}", now)}, true, nil
}

// Resend mails a new link and code, which put the older ones out of force.
func (p Portal) Resend(ctx context.Context, id rights.ID, client string) (rights.Request, error) {
	r, err := p.Store.Get(ctx, id)
	if err != nil {
		return r, err
	}
	if done, err := alreadyProven(r); err != nil {
		return r, err
	} else if done {
		return r, &rights.Error{Code: rights.NotNow, Detail: "You have confirmed this request already. You don't need to do anything."}
	}
	personal, err := p.Store.Personal(ctx, id)
	if err != nil {
		return r, err
	}
	if err := p.limited(ctx, "address", rights.SameAddress(personal.Subject.Email), p.Policy.PerAddress); err != nil {
		return r, err
	}
	if err := p.limited(ctx, "client", client, p.Policy.PerClient); err != nil {
		return r, err
	}
	r, err = p.change(ctx, id, func(r *rights.Request) (rights.Change, bool, error) {
		if done, err := alreadyProven(*r); done || err != nil {
			return rights.Change{}, false, err
		}
		r.Proof = r.Proof.Renew(p.Now(), p.Policy.ProofLife)
		line := r.Record(p.Now(), rights.ByPerson, rights.ProofResent, nil)
		return rights.Change{Events: []rights.Event{line}}, true, nil
	})
	if err != nil {
		return r, err
	}
	// A crash here loses the mail; the person sees none and asks again.
	return r, p.Post.Send(ctx, r, notice.ProofResent, nil)
}
