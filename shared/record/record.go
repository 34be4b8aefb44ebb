// Package record is the stored form of what a store keeps: JSON whose field names
// outlive the domain's. sqlite and dynamo share it, so that a row means the same on
// one machine and in the cloud.
//
// It leaves to the stores what they look things up by, and to envelope how the
// personal fields are sealed.
package record

import (
	"encoding/json"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// requestItem is a request's fields that nothing is looked up by.
type requestItem struct {
	Regime        rights.RegimeID `json:"regime"`
	ReceivedAt    int64           `json:"received_at"`
	AcknowledgeBy int64           `json:"acknowledge_by,omitempty"`
	ProofSerial   int             `json:"proof_serial,omitempty"`
	ProofExpires  int64           `json:"proof_expires,omitempty"`
	ProofWrong    int             `json:"proof_wrong,omitempty"`
	ProvenAt      int64           `json:"proven_at,omitempty"`
	FilerProven   bool            `json:"filer_proven,omitempty"`
	PlanHash      string          `json:"plan_hash,omitempty"`
	ApprovedAt    int64           `json:"approved_at,omitempty"`
	WaitFor       rights.WaitFor  `json:"wait_for,omitempty"`
	WaitWave      string          `json:"wait_wave,omitempty"`
	WaitToken     string          `json:"wait_token,omitempty"`
	Export        string          `json:"export,omitempty"`
	ExportAt      int64           `json:"export_at,omitempty"`
	LedgerSeq     int64           `json:"ledger_seq"`
	LedgerHash    string          `json:"ledger_hash"`
	Duplicate     rights.ID       `json:"duplicate,omitempty"`
}

// PackRequest writes what UnpackRequest reads.
func PackRequest(r rights.Request) (string, error) {
	return pack(requestItem{
		Regime: r.Regime, ReceivedAt: Seconds(r.ReceivedAt), AcknowledgeBy: Seconds(r.AcknowledgeBy),
		ProofSerial: r.Proof.Serial, ProofExpires: Seconds(r.Proof.ExpiresAt), ProofWrong: r.Proof.Wrong,
		ProvenAt: Seconds(r.ProvenAt), FilerProven: r.FilerProven,
		PlanHash: r.Plan.Hash, ApprovedAt: Seconds(r.Plan.ApprovedAt),
		WaitFor: r.Wait.For, WaitWave: r.Wait.Wave, WaitToken: r.Wait.Token,
		Export: r.Export, ExportAt: Seconds(r.ExportAt),
		LedgerSeq: r.Ledger.Seq, LedgerHash: r.Ledger.Hash, Duplicate: r.Duplicate,
	})
}

// UnpackRequest fills in r, which has its key, version, status and dates already.
func UnpackRequest(r rights.Request, body string) (rights.Request, error) {
	var i requestItem
	if err := json.Unmarshal([]byte(body), &i); err != nil {
		return r, err
	}
	r.Regime, r.ReceivedAt, r.AcknowledgeBy = i.Regime, Instant(i.ReceivedAt), Instant(i.AcknowledgeBy)
	r.Proof = rights.Challenge{Serial: i.ProofSerial, ExpiresAt: Instant(i.ProofExpires), Wrong: i.ProofWrong}
	r.ProvenAt, r.FilerProven = Instant(i.ProvenAt), i.FilerProven
	r.Plan = rights.Plan{Hash: i.PlanHash, ApprovedAt: Instant(i.ApprovedAt)}
	r.Wait = rights.Wait{For: i.WaitFor, Wave: i.WaitWave, Token: i.WaitToken}
	r.Export, r.ExportAt = i.Export, Instant(i.ExportAt)
	r.Ledger, r.Duplicate = rights.Head{Seq: i.LedgerSeq, Hash: i.LedgerHash}, i.Duplicate
	return r, nil
}

// eventItem is a ledger line without its key.
type eventItem struct {
	At     int64             `json:"at"`
	Kind   rights.EventKind  `json:"kind"`
	Actor  rights.Actor      `json:"actor"`
	Detail map[string]string `json:"detail,omitempty"`
	Prev   string            `json:"prev,omitempty"`
	Hash   string            `json:"hash"`
}

// taskItem is a task without its key, its version and its dates.
type taskItem struct {
	System    string         `json:"system"`
	Action    rights.Action  `json:"action"`
	Wave      int            `json:"wave"`
	Outcome   rights.Outcome `json:"outcome,omitempty"`
	Found     []foundItem    `json:"found,omitempty"`
	Keeps     []keepItem     `json:"keeps,omitempty"`
	Reference string         `json:"reference,omitempty"`
	Note      string         `json:"note,omitempty"`
	Address   []byte         `json:"address,omitempty"`
	Tries     int            `json:"tries,omitempty"`
	Attempts  []attemptItem  `json:"attempts,omitempty"`
}

type foundItem struct {
	Collection string `json:"collection"`
	Count      int    `json:"count"`
}

type keepItem struct {
	What  string `json:"what"`
	Count int    `json:"count,omitempty"`
	Why   string `json:"why"`
	Until int64  `json:"until,omitempty"`
}

type attemptItem struct {
	At      int64  `json:"at"`
	Problem string `json:"problem,omitempty"`
}

// PackTask writes what UnpackTask reads.
func PackTask(t rights.Task) (string, error) {
	i := taskItem{System: t.System, Action: t.Action, Wave: t.Wave, Outcome: t.Outcome, Reference: t.Reference, Note: t.Note, Address: t.Address, Tries: t.Tries}
	for _, f := range t.Found {
		i.Found = append(i.Found, foundItem(f))
	}
	for _, k := range t.Keeps {
		i.Keeps = append(i.Keeps, keepItem{k.What, k.Count, k.Why, Seconds(k.Until)})
	}
	for _, a := range t.Attempts {
		i.Attempts = append(i.Attempts, attemptItem{Seconds(a.At), a.Problem})
	}
	return pack(i)
}

// UnpackTask fills in t, which has its key, version and dates already.
func UnpackTask(t rights.Task, body string) (rights.Task, error) {
	var i taskItem
	if err := json.Unmarshal([]byte(body), &i); err != nil {
		return t, err
	}
	t.System, t.Action, t.Wave, t.Outcome, t.Reference, t.Note, t.Address, t.Tries = i.System, i.Action, i.Wave, i.Outcome, i.Reference, i.Note, i.Address, i.Tries
	for _, f := range i.Found {
		t.Found = append(t.Found, rights.Found(f))
	}
	for _, k := range i.Keeps {
		t.Keeps = append(t.Keeps, rights.Keep{What: k.What, Count: k.Count, Why: k.Why, Until: Instant(k.Until)})
	}
	for _, a := range i.Attempts {
		t.Attempts = append(t.Attempts, rights.Attempt{At: Instant(a.At), Problem: a.Problem})
	}
	return t, nil
}

// personalItem is what is sealed.
type personalItem struct {
	Email       string            `json:"email"`
	Name        string            `json:"name,omitempty"`
	Country     string            `json:"country,omitempty"`
	Region      string            `json:"region,omitempty"`
	Identifiers map[string]string `json:"identifiers,omitempty"`
	Agent       string            `json:"agent,omitempty"`
	Details     string            `json:"details,omitempty"`
	Explanation string            `json:"explanation,omitempty"`
}

// PackPersonal writes what is to be sealed.
func PackPersonal(p rights.Personal) (string, error) {
	return pack(personalItem{p.Subject.Email, p.Subject.Name, p.Subject.Country, p.Subject.Region, p.Subject.Identifiers, p.Agent, p.Details, p.Explanation})
}

// UnpackPersonal reads what was sealed.
func UnpackPersonal(text []byte) (rights.Personal, error) {
	var i personalItem
	if err := json.Unmarshal(text, &i); err != nil {
		return rights.Personal{}, err
	}
	return rights.Personal{
		Subject: rights.Subject{Email: i.Email, Name: i.Name, Country: i.Country, Region: i.Region, Identifiers: i.Identifiers},
		Agent:   i.Agent, Details: i.Details, Explanation: i.Explanation,
	}, nil
}

func pack(item any) (string, error) {
	text, err := json.Marshal(item)
	return string(text), err
}

// PackEvent writes what UnpackEvent reads.
func PackEvent(e rights.Event) (string, error) {
	return pack(eventItem{Seconds(e.At), e.Kind, e.Actor, e.Detail, e.Prev, e.Hash})
}

// UnpackEvent reads a ledger line.
func UnpackEvent(id rights.ID, seq int64, body string) (rights.Event, error) {
	var i eventItem
	err := json.Unmarshal([]byte(body), &i)
	return rights.Event{Request: id, Seq: seq, At: time.Unix(i.At, 0).UTC(), Kind: i.Kind, Actor: i.Actor, Detail: i.Detail, Prev: i.Prev, Hash: i.Hash}, err
}

// Seconds is a time as it is stored: since 1970 in UTC, 0 for none.
func Seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// Instant is a stored time.
func Instant(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
