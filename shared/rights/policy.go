package rights

import "time"

// Policy is what the company that runs Rightful has decided within the law.
type Policy struct {
	Company string // as letters and pages name it
	Contact string // an address or URL where a person finds help
	Regimes Regimes

	Review    Review // whose eyes a proven request needs
	Processor bool   // the data is another company's: requests are referred
	ReferTo   string // that company, where it may be named

	ProofLife  time.Duration // how long a proof link works
	StatusLife time.Duration // how long a status link works
	ExportLife time.Duration // how long an export can be fetched
	Retention  time.Duration // how long the record outlives the request

	PerAddress int // requests and re-sends an hour for one address
	PerClient  int // the same for one client

	Topics      []Topic     // what people can choose
	Consent     ConsentRule // whose agreement a first mail needs
	DoubleOptIn bool        // and whether they confirm it by a link in a mail
}

// Review says which requests wait for an operator before anything is carried out.
type Review string

const (
	ReviewNone     Review = "none"
	ReviewErasures Review = "erasures"
	ReviewAll      Review = "all"
)

// DefaultPolicy is what holds where nothing is set.
func DefaultPolicy() Policy {
	const day = 24 * time.Hour
	return Policy{
		Company: "Example Company", Contact: "privacy@example.com",
		Regimes: DefaultRegimes(), Review: ReviewNone,
		ProofLife: 7 * day, StatusLife: 400 * day, ExportLife: 14 * day, Retention: 730 * day,
		PerAddress: 5, PerClient: 30, Consent: ConsentEU,
	}
}

// NeedsReview tells whether an operator has to approve the plan of r.
func (p Policy) NeedsReview(r Request) bool {
	switch p.Review {
	case ReviewAll:
		return true
	case ReviewErasures:
		return r.Right.Action() == Erase
	}
	return false
}
