package portal

import (
	"fmt"
	"strings"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// View is a request as its person and the operator read it over the API.
type View struct {
	ID            rights.ID       `json:"id" doc:"The reference." example:"DR-7K4M-29QX-H3WT"`
	Right         rights.Right    `json:"right"`
	Status        rights.Status   `json:"status" doc:"Where the request stands (Data Rights Protocol 1.0)." enum:"open,in_progress,fulfilled,denied,revoked,expired"`
	Reason        rights.Reason   `json:"reason" doc:"Why it stands there, or whose move it is; empty where it is ours."`
	Regime        rights.RegimeID `json:"regime" doc:"The law whose clock runs." example:"eu_gdpr"`
	ReceivedAt    time.Time       `json:"received_at"`
	AcknowledgeBy *time.Time      `json:"acknowledge_by,omitempty"`
	ExpectedBy    time.Time       `json:"expected_by" doc:"The law's deadline for the answer."`
	ProofUntil    *time.Time      `json:"expires_at,omitempty" doc:"Until when the address can be proved, while that is awaited."`
	MailReturned  bool            `json:"mail_returned,omitempty" doc:"The mail with link and code came back: the address may be wrong."`
	ClosedAt      *time.Time      `json:"closed_at,omitempty"`
	Plan          string          `json:"plan,omitempty" doc:"The plan's hash, once there is one; an approval names it."`
	ExportUntil   *time.Time      `json:"export_until,omitempty" doc:"Until when the export can be fetched."`
	Systems       []SystemView    `json:"systems" doc:"What each system did or has to do."`
}

// SystemView is one system's share.
type SystemView struct {
	Name    string         `json:"name"`
	Title   string         `json:"title"`
	Outcome rights.Outcome `json:"outcome" doc:"waiting, accepted, done, not_found, kept, manual, skipped or needs_attention."`
	Detail  string         `json:"detail,omitempty"`
	Records int            `json:"records" doc:"How many records it was about."`
}

// Waiting is the outcome of a share that hasn't had an answer.
const Waiting rights.Outcome = "waiting"

// NewView shows a request with the shares that act; the questions of Locate are
// shown until there is an act.
func NewView(r rights.Request, tasks []rights.Task, titles map[string]string, p rights.Policy) View {
	v := View{
		ID: r.ID, Right: r.Right, Status: r.Status, Reason: r.Reason, Regime: r.Regime,
		ReceivedAt: r.ReceivedAt, ExpectedBy: r.ExpectedBy, Plan: r.Plan.Hash,
		AcknowledgeBy: optional(r.AcknowledgeBy), ClosedAt: optional(r.ClosedAt), Systems: []SystemView{},
	}
	if r.Reason == rights.NeedsProof {
		v.ProofUntil = optional(r.Proof.ExpiresAt)
	}
	if r.Export != "" && r.Status == rights.Fulfilled {
		v.ExportUntil = optional(r.ExportAt.Add(p.ExportLife))
	}
	acted := map[string]bool{}
	for _, t := range tasks {
		acted[t.System] = acted[t.System] || t.Action != rights.Locate
	}
	for _, t := range tasks {
		if t.Action == rights.Locate && acted[t.System] {
			continue
		}
		s := SystemView{Name: t.System, Title: titles[t.System], Outcome: t.Outcome, Records: t.Records(), Detail: Detail(t)}
		if t.Outcome == "" || t.Action == rights.Locate && t.Outcome.Ended() {
			s.Outcome = Waiting
		}
		v.Systems = append(v.Systems, s)
	}
	return v
}

// Detail says in a sentence what a person should know of a share: what was kept,
// why and until when, or what is still to come.
func Detail(t rights.Task) string {
	var parts []string
	for _, k := range t.Keeps {
		text := k.What + " kept: " + k.Why
		if k.Count > 0 {
			text = fmt.Sprintf("%d %s", k.Count, text)
		}
		if !k.Until.IsZero() {
			text += " Until " + k.Until.Format("2 January 2006") + "."
		}
		parts = append(parts, text)
	}
	switch {
	case t.Outcome == rights.Accepted:
		parts = append(parts, "The system has taken it and answers later.")
	case t.Outcome == rights.NeedsAttention:
		parts = append(parts, "One of us is looking at it.")
	case t.Outcome == rights.Skipped && t.Note != "", t.Outcome == rights.ByHand && t.Note != "":
		parts = append(parts, t.Note)
	}
	return strings.Join(parts, " ")
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
