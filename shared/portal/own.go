package portal

import (
	"context"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// Own opens a status token: the request that its holder may read, and whether the
// holder was reached by mail (rights.HeldByMail) or is the one who filed.
func (p Portal) Own(ctx context.Context, token string) (rights.Request, int, error) {
	claims, err := p.Links.Tokens.Redeem(token, rights.ForStatus, p.Now())
	if err != nil {
		return rights.Request{}, 0, err
	}
	r, err := p.Store.Get(ctx, claims.Request)
	return r, claims.Serial, err
}

// Withdraw takes the request back. What systems have done already stays done; the
// letter says what that was.
func (p Portal) Withdraw(ctx context.Context, id rights.ID) (rights.Request, error) {
	return p.change(ctx, id, func(r *rights.Request) (rights.Change, bool, error) {
		if r.Status == rights.Revoked {
			return rights.Change{}, false, nil
		}
		if r.Status.Closed() {
			return rights.Change{}, false, &rights.Error{Code: rights.NotNow, Detail: "This request is finished and can't be taken back. Look at its status to see what was done."}
		}
		now := p.Now()
		next, err := r.Withdraw(now.UTC())
		if err != nil {
			return rights.Change{}, false, err
		}
		*r = next
		line := r.Record(now, rights.ByPerson, rights.WasWithdrawn, nil)
		return rights.Change{Events: []rights.Event{line}, Signals: r.Interrupt(rights.Withdrawn, now)}, true, nil
	})
}

// clickLife is how long a download address works: one click, and a slow phone.
const clickLife = 5 * time.Minute

// Export mints an address for one download of the export. Only a holder who was
// reached by mail gets one, or the filer who has proved it.
func (p Portal) Export(ctx context.Context, r rights.Request, held int) (string, error) {
	now := p.Now()
	until := r.ExportAt.Add(p.Policy.ExportLife)
	switch {
	case r.Status != rights.Fulfilled:
		return "", &rights.Error{Code: rights.NotNow, Detail: "There is no export yet. Look at the status to see where the request stands; we write when it is ready."}
	case r.ExportAt.IsZero():
		return "", &rights.Error{Code: rights.NotFound, Detail: "This request has no export: it didn't ask for a copy."}
	case held != rights.HeldByMail && !r.FilerProven:
		return "", &rights.Error{Code: rights.Forbidden, Detail: "Use the link in the mail that says the export is ready: it shows that the address is yours."}
	case r.Export == "" || !now.Before(until):
		return "", &rights.Error{Code: rights.Expired, Detail: "The export was there until " + until.Format("2 January 2006") + ". Make a new request to get a fresh copy."}
	}
	return p.Vault.Link(ctx, r.ID, r.Export, "export-"+string(r.ID)+".zip", now.Add(clickLife))
}
