package rights

import "time"

// Request is one person's demand and where it stands. It holds nothing personal:
// that is in Personal, sealed.
type Request struct {
	ID      ID
	Version int64 // compare-and-swap; 1 when created
	Right   Right
	Regime  RegimeID
	Status  Status
	Reason  Reason

	ReceivedAt    time.Time // the law's clock starts here
	AcknowledgeBy time.Time // zero where the regime sets none
	ExpectedBy    time.Time // the law's deadline for the answer
	ClosedAt      time.Time
	RetainUntil   time.Time // when the record itself is erased; zero while it is open

	SubjectKey string // keyed hash of the address, for look-ups

	Proof       Challenge
	ProvenAt    time.Time // zero until the address is proved, or where no proof is needed
	FilerProven bool      // whoever filed the request also held the mail: their token may fetch the export
	Plan        Plan
	Wait        Wait
	ExportAt    time.Time // when the export was packed; zero where there is none
	Export      string    // its name in the vault; "" where there is none, or none any more
	Ledger      Head      // the newest line of the ledger
	Duplicate   ID        // the earlier request that does the same, where Decide found one
}

// Wait is the task token at which the workflow waits for somebody.
type Wait struct {
	For   WaitFor // "" where it waits for nobody
	Wave  string  // the wave's key, with ForWave
	Token string  // opaque; given to Flow.Resume
}

// WaitFor says for whom a workflow waits.
type WaitFor string

const (
	ForProof  WaitFor = "proof"  // the person
	ForReview WaitFor = "review" // an operator
	ForWave   WaitFor = "wave"   // the systems
)

// NewRequest is what a person's form becomes, before anything is stored.
func NewRequest(id ID, right Right, p Personal, subjectKey string, regimes Regimes, now time.Time) Request {
	now = now.UTC().Truncate(time.Second)
	regime := regimes.For(p.Subject.Country, p.Subject.Region)
	return Request{
		ID: id, Right: right, Regime: regime.ID, Status: Open, SubjectKey: subjectKey,
		ReceivedAt:    now,
		AcknowledgeBy: regime.AcknowledgeBy(now, p.Subject.Country),
		ExpectedBy:    regime.ExpectedBy(now, p.Subject.Country),
	}
}

// Acknowledged moves a new request on: to its proof, or straight to the work.
func (r Request) Acknowledged(proof Challenge) (Request, error) {
	if !r.Right.NeedsProof() {
		return r.to(InProgress, NoReason)
	}
	next, err := r.to(InProgress, NeedsProof)
	next.Proof = proof
	return next, err
}

// Proven records that the address is the person's.
func (r Request) Proven(at time.Time) (Request, error) {
	next, err := r.to(InProgress, NoReason)
	next.ProvenAt = at
	return next, err
}

// Lapse ends a request whose proof never came.
func (r Request) Lapse(at time.Time) (Request, error) { return r.close(Lapsed, NoReason, at) }

// Withdraw ends a request at the person's wish, as long as it isn't closed.
func (r Request) Withdraw(at time.Time) (Request, error) { return r.close(Revoked, NoReason, at) }

// Refuse ends a request on a ground.
func (r Request) Refuse(ground Reason, at time.Time) (Request, error) {
	return r.close(Refused, ground, at)
}

// Fulfil ends a request that was carried out.
func (r Request) Fulfil(at time.Time) (Request, error) { return r.close(Fulfilled, NoReason, at) }

// Handed records that a wave of systems has its tasks.
func (r Request) Handed(w Wait) (Request, error) {
	next, err := r, error(nil)
	if r.Reason != AtSystems {
		next, err = r.to(InProgress, AtSystems)
	}
	next.Wait = w
	return next, err
}

// Reviewed asks an operator to look.
func (r Request) ToReview(w Wait) (Request, error) {
	next, err := r, error(nil)
	if r.Reason != NeedsReview {
		next, err = r.to(InProgress, NeedsReview)
	}
	next.Wait = w
	return next, err
}

// Back records that the systems or the operator are through.
func (r Request) Back() (Request, error) {
	if r.Status == InProgress && r.Reason == NoReason {
		return r, nil
	}
	return r.to(InProgress, NoReason)
}

func (r Request) close(status Status, reason Reason, at time.Time) (Request, error) {
	next, err := r.to(status, reason)
	next.ClosedAt = at
	return next, err
}
