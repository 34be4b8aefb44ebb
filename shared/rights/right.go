package rights

// Right is what a person asks for, in the words of the GDPR.
type Right string

const (
	Access            Right = "access"             // a copy of the data (GDPR Art. 15)
	Portability       Right = "portability"        // the data in a machine-readable form (Art. 20)
	Rectification     Right = "rectification"      // correct it (Art. 16)
	Erasure           Right = "erasure"            // delete it (Art. 17)
	Restriction       Right = "restriction"        // keep it but don't use it (Art. 18)
	Objection         Right = "objection"          // stop using it (Art. 21)
	OptOutSale        Right = "opt_out_sale"       // don't sell or share it (Cal. Civ. Code § 1798.120)
	LimitSensitive    Right = "limit_sensitive"    // limit the use of sensitive data (§ 1798.121)
	AutomatedDecision Right = "automated_decision" // have a human decide (Art. 22)
	WithdrawConsent   Right = "withdraw_consent"   // take consent back (Art. 7(3))
	Unsubscribe       Right = "unsubscribe"        // no more marketing mail (Art. 21(3))
)

// Action is what a right asks of a system that holds data.
type Action string

const (
	Locate   Action = "locate"   // count what is there, read-only
	Export   Action = "export"   // hand over a copy
	Erase    Action = "erase"    // remove, or mask what has to stay
	Suppress Action = "suppress" // mail the person no more
	Manual   Action = "manual"   // a person carries it out by hand in that system
)

type rightRow struct {
	right  Right
	name   string
	action Action
	proof  bool
}

// rightTable is ordered as the portal offers it. Whoever asks to be let alone is
// asked for no proof: an opt-out is not a verifiable request (11 CCR § 7060(b)),
// and consent is withdrawn as easily as it was given (GDPR Art. 7(3)).
var rightTable = []rightRow{
	{Access, "Get a copy of my data", Export, true},
	{Erasure, "Delete my data", Erase, true},
	{Portability, "Get my data in a form another service can read", Export, true},
	{Rectification, "Correct my data", Manual, true},
	{Objection, "Stop using my data", Manual, true},
	{Restriction, "Pause the use of my data", Manual, true},
	{WithdrawConsent, "Take back my consent", Manual, false},
	{OptOutSale, "Don't sell or share my data", Manual, false},
	{LimitSensitive, "Limit the use of my sensitive data", Manual, false},
	{AutomatedDecision, "Have a person look at an automated decision", Manual, true},
	{Unsubscribe, "Stop marketing mail", Suppress, false},
}

// Rights lists every right in the order in which it is offered.
func Rights() []Right {
	all := make([]Right, len(rightTable))
	for i, row := range rightTable {
		all[i] = row.right
	}
	return all
}

func (r Right) row() rightRow {
	for _, row := range rightTable {
		if row.right == r {
			return row
		}
	}
	return rightRow{right: r, name: string(r), action: Manual, proof: true}
}

// Known tells whether r is one of Rights.
func (r Right) Known() bool { return r.row().name != string(r) }

// Name is what the person reads, from their own mouth: "Delete my data".
func (r Right) Name() string { return r.row().name }

// Action is what r asks of every system.
func (r Right) Action() Action { return r.row().action }

// NeedsProof tells whether the person has to show that the address is theirs.
func (r Right) NeedsProof() bool { return r.row().proof }
