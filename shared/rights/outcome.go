package rights

import "time"

// Outcome is what a system did with its share of a request.
type Outcome string

const (
	Done           Outcome = "done"            // the system says it is done
	NoData         Outcome = "not_found"       // the system holds nothing of the person
	Kept           Outcome = "kept"            // some of it has to stay; Keeps says what, why and until when
	ByHand         Outcome = "manual"          // a person did it, with a reason and evidence
	Skipped        Outcome = "skipped"         // an operator left it out, with a reason
	Accepted       Outcome = "accepted"        // the vendor took it and answers later; not an end
	NeedsAttention Outcome = "needs_attention" // parked until an operator looks; not an end
)

// Ended tells whether nothing more is expected of the system.
func (o Outcome) Ended() bool {
	switch o {
	case Done, NoData, Kept, ByHand, Skipped:
		return true
	}
	return false
}

// Keep is one thing that a system holds on to after an erasure. It comes from the
// system's definition, never from its answer, and names no person.
type Keep struct {
	What  string    // "invoices"
	Count int       // how many records
	Why   string    // "Tax law asks us to keep invoices for ten years (§ 147 AO)."
	Until time.Time // zero where the definition names no end
}
