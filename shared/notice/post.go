package notice

import (
	"context"
	"fmt"
	"net/mail"

	"github.com/rightful/rightful/shared/rights"
)

// Post writes and sends letters about a stored request.
type Post struct {
	Store  rights.Requests
	Sender Sender
	From   mail.Address // without a name it goes by the company's
	Links  rights.Links
	Policy rights.Policy

	// Suppressed tells whether an address stays on the list of those who get no
	// marketing mail; nil where no letter speaks of it.
	Suppressed func(ctx context.Context, address string) (bool, error)
}

// Send opens the sealed fields of r, mints its links, and sends the letter of
// that kind. It stores nothing: called again, it sends the same Key.
func (p Post) Send(ctx context.Context, r rights.Request, kind Kind, systems []SystemLine) error {
	personal, err := p.Store.Personal(ctx, r.ID)
	if err != nil {
		return fmt.Errorf("couldn't open the address for a letter: %w", err)
	}
	l := p.letter(r, personal, kind, systems)
	if p.Suppressed != nil && kind == Finished && r.Right == rights.Erasure {
		if l.StaysSuppressed, err = p.Suppressed(ctx, personal.Subject.Email); err != nil {
			return fmt.Errorf("couldn't look up what stays for a letter: %w", err)
		}
	}
	m, err := Render(l, p.From)
	if err != nil {
		return err
	}
	if err := p.Sender.Send(ctx, m); err != nil {
		return fmt.Errorf("couldn't send letter %s: %w", m.Key, err)
	}
	return nil
}

func (p Post) letter(r rights.Request, personal rights.Personal, kind Kind, systems []SystemLine) Letter {
	l := Letter{
		Kind: kind, To: personal.Subject.Email, Request: r,
		Company: p.Policy.Company, Contact: p.Policy.Contact, Regime: p.Policy.Regimes.Named(r.Regime),
		StatusURL: p.Links.Status(r, rights.HeldByMail), Systems: systems,
		Explanation: personal.Explanation, ReferTo: p.Policy.ReferTo,
	}
	// Anybody can type anybody's address into the form: until it is proved, what
	// they wrote as a name isn't mailed to it.
	if !r.ProvenAt.IsZero() {
		l.Name = personal.Subject.Name
	}
	if r.Reason == rights.NeedsProof {
		l.Proof = &Proof{Link: p.Links.Verify(r), Code: p.Links.Tokens.Code(r.ID, r.Proof.Serial), Until: r.Proof.ExpiresAt}
	}
	if r.Export != "" {
		l.ExportUntil = r.ExportAt.Add(p.Policy.ExportLife)
	}
	return l
}
