package rights

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Event is one line of a request's ledger: append-only, each chained to the one
// before by its hash, so that a line can't be changed or left out unseen. It
// names nobody: actors are roles, details are codes, counts and system names.
type Event struct {
	Request ID
	Seq     int64 // 1, 2, 3 …
	At      time.Time
	Kind    EventKind
	Actor   Actor
	Detail  map[string]string
	Prev    string // the hash of the line before; "" for the first
	Hash    string
}

// Actor is the role that acted.
type Actor string

const (
	ByPerson   Actor = "person"
	ByOperator Actor = "operator"
	ByRightful Actor = "rightful"
)

// EventKind says what happened, in the past tense.
type EventKind string

const (
	Received     EventKind = "received"
	Acknowledged EventKind = "acknowledged"
	ProofResent  EventKind = "proof_resent"
	ProofFailed  EventKind = "proof_failed"
	ProofGiven   EventKind = "proven"
	Decided      EventKind = "decided"
	Planned      EventKind = "planned"
	ReviewAsked  EventKind = "review_asked"
	Approved     EventKind = "approved"
	WasDenied    EventKind = "denied"
	WaveHanded   EventKind = "wave_handed"
	TaskRetried  EventKind = "task_retried"
	TaskSkipped  EventKind = "task_skipped"
	TaskByHand   EventKind = "task_done_by_hand"
	Packed       EventKind = "packed"
	WasFulfilled EventKind = "fulfilled"
	WasWithdrawn EventKind = "withdrawn"
	WasLapsed    EventKind = "expired"
	ExportGone   EventKind = "export_removed"
	Revealed     EventKind = "revealed"
	MailReturned EventKind = "mail_returned" // a letter didn't reach the person
	Sealed       EventKind = "sealed"        // the workflow is through
)

// Head is the newest line of a ledger: what the next one is chained to.
type Head struct {
	Seq  int64
	Hash string
}

// Record adds a line to r's ledger and returns it. It is stored by the same
// Store.Move that stores r, so that a decision without its line can't exist.
func (r *Request) Record(at time.Time, by Actor, kind EventKind, detail map[string]string) Event {
	if len(detail) == 0 {
		detail = nil // no store tells an empty map from none, and the hash would
	}
	e := Event{Request: r.ID, Seq: r.Ledger.Seq + 1, At: at.UTC().Truncate(time.Second), Kind: kind, Actor: by, Detail: detail, Prev: r.Ledger.Hash}
	e.Hash = e.sum()
	r.Ledger = Head{Seq: e.Seq, Hash: e.Hash}
	return e
}

func (e Event) sum() string {
	// encoding/json sorts a map's keys, so the text is the same wherever it is made.
	text, err := json.Marshal([]any{e.Request, e.Seq, e.At.Unix(), e.Kind, e.Actor, e.Detail, e.Prev})
	if err != nil {
		panic("a ledger line of strings can't be written as JSON: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// VerifyLedger checks that events are the whole ledger that ends at head.
func VerifyLedger(events []Event, head Head) error {
	var at Head
	for _, e := range events {
		if e.Seq != at.Seq+1 || e.Prev != at.Hash || e.Hash != e.sum() {
			return fmt.Errorf("ledger line %d doesn't follow line %d: it was changed, or a line is missing", e.Seq, at.Seq)
		}
		at = Head{Seq: e.Seq, Hash: e.Hash}
	}
	if at != head {
		return fmt.Errorf("the ledger ends at line %d, the request says %d: lines are missing", at.Seq, head.Seq)
	}
	return nil
}
