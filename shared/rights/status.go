package rights

import "fmt"

// Status is where a request stands, in the words of the Data Rights Protocol 1.0
// § 3.02. The comment says whose move it is.
type Status string

const (
	Open       Status = "open"        // stored; Rightful acknowledges it next
	InProgress Status = "in_progress" // the reason says whose move it is
	Fulfilled  Status = "fulfilled"   // carried out; the person has been told
	Refused    Status = "denied"      // not carried out; the person may appeal
	Revoked    Status = "revoked"     // the person took it back
	Lapsed     Status = "expired"     // nobody proved the address in time; the person may ask again
)

// Reason qualifies a status. The denials are the Data Rights Protocol's; the ones
// of an open request are its "need_user_verification" and two of ours.
type Reason string

const (
	NoReason    Reason = ""                       // Rightful's move
	NeedsProof  Reason = "need_user_verification" // the person's move: prove the address
	NeedsReview Reason = "need_review"            // an operator's move: approve or deny the plan
	AtSystems   Reason = "at_systems"             // the systems' move: each carries out its share
	Fraud       Reason = "suspected_fraud"        // denied: not asked by the person
	Unproven    Reason = "insuf_verification"     // denied: not enough proof
	NoMatch     Reason = "no_match"               // denied: nobody can be found
	NotCovered  Reason = "claim_not_covered"      // denied: the law doesn't give it, or an exemption holds
	OutsideLaw  Reason = "outside_jurisdiction"   // denied: another law, or another company's job
	TooFrequent Reason = "too_many_requests"      // denied: the same request is being carried out already
	OtherGround Reason = "other"                  // denied: see the explanation
)

// transitions is the whole life of a request. What is not here can't happen.
var transitions = map[Status]map[Reason][]position{
	Open: {
		NoReason: {{InProgress, NoReason}, {InProgress, NeedsProof}, {Revoked, NoReason}},
	},
	InProgress: {
		NeedsProof:  {{InProgress, NoReason}, {Lapsed, NoReason}, {Revoked, NoReason}, {Refused, anyGround}},
		NoReason:    {{InProgress, AtSystems}, {InProgress, NeedsReview}, {Fulfilled, NoReason}, {Revoked, NoReason}, {Refused, anyGround}},
		AtSystems:   {{InProgress, NoReason}, {InProgress, NeedsReview}, {Fulfilled, NoReason}, {Revoked, NoReason}},
		NeedsReview: {{InProgress, NoReason}, {Revoked, NoReason}, {Refused, anyGround}},
	},
}

type position struct {
	status Status
	reason Reason
}

const anyGround Reason = "*"

// Grounds lists the reasons that an operator may refuse a request with.
func Grounds() []Reason {
	return []Reason{Fraud, Unproven, NoMatch, NotCovered, OutsideLaw, TooFrequent, OtherGround}
}

// Ground tells whether r is one of Grounds.
func (r Reason) Ground() bool {
	for _, g := range Grounds() {
		if r == g {
			return true
		}
	}
	return false
}

// Closed tells whether a request of this status is over.
func (s Status) Closed() bool {
	switch s {
	case Fulfilled, Refused, Revoked, Lapsed:
		return true
	}
	return false
}

// to returns r at another place of its life, or an Error with code NotNow.
func (r Request) to(status Status, reason Reason) (Request, error) {
	for _, next := range transitions[r.Status][r.Reason] {
		if next.status == status && (next.reason == reason && reason != anyGround || next.reason == anyGround && reason.Ground()) {
			r.Status, r.Reason = status, reason
			return r, nil
		}
	}
	return r, &Error{Code: NotNow, Detail: fmt.Sprintf("The request is %s and can't become %s from there. Look at it again and act on what it shows.", position{r.Status, r.Reason}, position{status, reason})}
}

func (p position) String() string {
	if p.reason == NoReason {
		return string(p.status)
	}
	return fmt.Sprintf("%s (%s)", p.status, p.reason)
}
