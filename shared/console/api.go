package console

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rightful/rightful/shared/problem"
	"github.com/rightful/rightful/shared/rights"
)

// Summary is one line of the list.
type Summary struct {
	ID         rights.ID       `json:"id"`
	Right      rights.Right    `json:"right"`
	Status     rights.Status   `json:"status"`
	Reason     rights.Reason   `json:"reason"`
	Regime     rights.RegimeID `json:"regime"`
	ReceivedAt time.Time       `json:"received_at"`
	ExpectedBy time.Time       `json:"expected_by"`
	Overdue    bool            `json:"overdue"`
}

// List is a page of requests.
type List struct {
	Requests []Summary `json:"requests"`
	Next     string    `json:"next,omitempty" doc:"The cursor of the next page."`
}

// Show is all that an operator sees of a request. Nobody is named in it.
type Show struct {
	Summary
	AcknowledgeBy time.Time  `json:"acknowledge_by,omitzero"`
	ProvenAt      time.Time  `json:"proven_at,omitzero"`
	ClosedAt      time.Time  `json:"closed_at,omitzero"`
	EraseOn       time.Time  `json:"erase_on,omitzero" doc:"When the record itself is erased."`
	WaitsFor      string     `json:"waits_for,omitempty" doc:"Whose move it is: proof (the person), review (an operator) or wave (the systems)."`
	Plan          string     `json:"plan,omitempty"`
	Tasks         []TaskView `json:"tasks"`
	Ledger        []Line     `json:"ledger"`
	LedgerOK      bool       `json:"ledger_ok" doc:"The ledger's hash chain is whole."`
}

// TaskView is one system's share with its tries.
type TaskView struct {
	System    string         `json:"system"`
	Action    rights.Action  `json:"action"`
	Wave      int            `json:"wave"`
	Outcome   rights.Outcome `json:"outcome"`
	Records   int            `json:"records"`
	Note      string         `json:"note,omitempty"`
	Tries     int            `json:"tries"`
	NextTry   time.Time      `json:"next_try,omitzero"`
	EndedAt   time.Time      `json:"ended_at,omitzero"`
	Reference string         `json:"reference,omitempty"`
	Attempts  []Attempt      `json:"attempts"`
}

// Attempt is one call to a system.
type Attempt struct {
	At      time.Time `json:"at"`
	Problem string    `json:"problem,omitempty"`
}

// Line is one line of the ledger.
type Line struct {
	Seq    int64             `json:"seq"`
	At     time.Time         `json:"at"`
	Kind   rights.EventKind  `json:"kind"`
	Actor  rights.Actor      `json:"actor"`
	Detail map[string]string `json:"detail,omitempty"`
	Hash   string            `json:"hash"`
}

type listInput struct {
	Status    string `query:"status"`
	Reason    string `query:"reason"`
	Right     string `query:"right"`
	DueWithin string `query:"due_within" doc:"A Go duration: open requests whose deadline is nearer than that." example:"120h"`
	Limit     int    `query:"limit" minimum:"0" maximum:"500"`
	Cursor    string `query:"cursor"`
}

type idInput struct {
	ID string `path:"id"`
}

type approveInput struct {
	ID   string `path:"id"`
	Body struct {
		Plan string `json:"plan" doc:"The plan's hash, as the request shows it."`
	}
}

type denyInput struct {
	ID   string `path:"id"`
	Body struct {
		Ground      rights.Reason `json:"ground" enum:"suspected_fraud,insuf_verification,no_match,claim_not_covered,outside_jurisdiction,too_many_requests,other"`
		Explanation string        `json:"explanation" maxLength:"2000" doc:"Goes to the person as it is."`
	}
}

type reasonInput struct {
	ID     string `path:"id"`
	System string `path:"system"`
	Body   struct {
		Reason   string `json:"reason" maxLength:"500"`
		Evidence string `json:"evidence,omitempty" maxLength:"500" doc:"Where it can be seen, a ticket's number say."`
	}
}

type taskInput struct {
	ID     string `path:"id"`
	System string `path:"system"`
}

type revealInput struct {
	ID   string `path:"id"`
	Body struct {
		Reason string `json:"reason" maxLength:"500"`
	}
}

// Person is what Reveal shows.
type Person struct {
	Email       string            `json:"email"`
	Name        string            `json:"name,omitempty"`
	Country     string            `json:"country,omitempty"`
	Region      string            `json:"region,omitempty"`
	Identifiers map[string]string `json:"identifiers,omitempty"`
	Agent       string            `json:"agent,omitempty"`
	Details     string            `json:"details,omitempty"`
}

type answer[T any] struct {
	CacheControl string `header:"Cache-Control"`
	Body         T
}

// API registers what operators call. The door in front of it lets nobody else in.
func (c Console) API(api huma.API) {
	c.suppression(api)
	c.people(api)
	register(c, api, http.MethodGet, "/requests", "list-requests", "List requests, the nearest deadline first", c.list)
	register(c, api, http.MethodGet, "/requests/{id}", "operator-show-request", "Show a request with its systems and its ledger", func(ctx context.Context, in *idInput) (Show, error) {
		return c.show(ctx, rights.ID(in.ID))
	})
	register(c, api, http.MethodPost, "/requests/{id}/approve", "approve-request", "Approve a plan", func(ctx context.Context, in *approveInput) (Show, error) {
		r, err := c.Approve(ctx, rights.ID(in.ID), in.Body.Plan)
		return c.after(ctx, r, err)
	})
	register(c, api, http.MethodPost, "/requests/{id}/deny", "deny-request", "Deny a request", func(ctx context.Context, in *denyInput) (Show, error) {
		r, err := c.Deny(ctx, rights.ID(in.ID), in.Body.Ground, in.Body.Explanation)
		return c.after(ctx, r, err)
	})
	register(c, api, http.MethodPost, "/requests/{id}/reveal", "reveal-person", "See whose request it is", func(ctx context.Context, in *revealInput) (Person, error) {
		p, err := c.Reveal(ctx, rights.ID(in.ID), in.Body.Reason)
		return Person{p.Subject.Email, p.Subject.Name, p.Subject.Country, p.Subject.Region, p.Subject.Identifiers, p.Agent, p.Details}, err
	})
	register(c, api, http.MethodPost, "/requests/{id}/systems/{system}/retry", "retry-system", "Try a system again at once", func(ctx context.Context, in *taskInput) (Show, error) {
		t, err := c.Retry(ctx, rights.ID(in.ID), in.System)
		return c.afterTask(ctx, t, err)
	})
	register(c, api, http.MethodPost, "/requests/{id}/systems/{system}/skip", "skip-system", "Leave a system out", func(ctx context.Context, in *reasonInput) (Show, error) {
		t, err := c.Skip(ctx, rights.ID(in.ID), in.System, in.Body.Reason)
		return c.afterTask(ctx, t, err)
	})
	register(c, api, http.MethodPost, "/requests/{id}/systems/{system}/done", "mark-system-done", "Record that a system's share was done by hand", func(ctx context.Context, in *reasonInput) (Show, error) {
		t, err := c.Done(ctx, rights.ID(in.ID), in.System, in.Body.Reason, in.Body.Evidence)
		return c.afterTask(ctx, t, err)
	})
}

func register[I, O any](c Console, api huma.API, method, path, id, summary string, do func(context.Context, *I) (O, error)) {
	huma.Register(api, huma.Operation{
		OperationID: id, Method: method, Path: "/v1/operator" + path, Summary: summary, MaxBodyBytes: 1 << 20,
		Tags: []string{"operator"}, Security: []map[string][]string{{"operator": {}}}, Errors: []int{401, 404, 409, 422},
	}, func(ctx context.Context, in *I) (*answer[O], error) {
		out, err := do(ctx, in)
		if err != nil {
			d := problem.From(err)
			if d.Status >= http.StatusInternalServerError {
				c.Log.ErrorContext(ctx, "an operator's call failed", "error", err)
			}
			return nil, d
		}
		return &answer[O]{CacheControl: "no-store", Body: out}, nil
	})
}

func (c Console) list(ctx context.Context, in *listInput) (List, error) {
	f := rights.Filter{Status: rights.Status(in.Status), Reason: rights.Reason(in.Reason), Right: rights.Right(in.Right), Limit: in.Limit, Cursor: in.Cursor}
	if in.DueWithin != "" {
		within, err := time.ParseDuration(in.DueWithin)
		if err != nil {
			return List{}, &rights.Error{Code: rights.Invalid, Detail: "due_within is not a duration. Write it like 120h.", Fields: []rights.Field{{Name: "due_within", Detail: "Write it like 120h."}}}
		}
		f.DueBefore = c.Now().Add(within)
	}
	found, next, err := c.Store.List(ctx, f)
	out := List{Requests: []Summary{}, Next: next}
	for _, r := range found {
		out.Requests = append(out.Requests, c.summary(r))
	}
	return out, err
}

func (c Console) summary(r rights.Request) Summary {
	return Summary{r.ID, r.Right, r.Status, r.Reason, r.Regime, r.ReceivedAt, r.ExpectedBy, !r.Status.Closed() && c.Now().After(r.ExpectedBy)}
}

func (c Console) after(ctx context.Context, r rights.Request, err error) (Show, error) {
	if err != nil {
		return Show{}, err
	}
	return c.show(ctx, r.ID)
}

func (c Console) afterTask(ctx context.Context, t rights.Task, err error) (Show, error) {
	if err != nil {
		return Show{}, err
	}
	return c.show(ctx, t.Request)
}

// show reads a request with its ledger. A move between the two readings would look
// like a broken chain: then both are read again.
func (c Console) show(ctx context.Context, id rights.ID) (Show, error) {
	var r rights.Request
	var ledger []rights.Event
	for try := 0; try < 5 && (try == 0 || int64(len(ledger)) != r.Ledger.Seq); try++ {
		var err error
		if r, err = c.Store.Get(ctx, id); err != nil {
			return Show{}, err
		}
		if ledger, err = c.Store.Ledger(ctx, id); err != nil {
			return Show{}, err
		}
	}
	tasks, err := c.Store.TasksOf(ctx, id)
	if err != nil {
		return Show{}, err
	}
	out := Show{
		Summary: c.summary(r), AcknowledgeBy: r.AcknowledgeBy, ProvenAt: r.ProvenAt, ClosedAt: r.ClosedAt, EraseOn: r.RetainUntil,
		WaitsFor: string(r.Wait.For), Plan: r.Plan.Hash, Tasks: []TaskView{}, Ledger: []Line{}, LedgerOK: rights.VerifyLedger(ledger, r.Ledger) == nil,
	}
	for _, t := range tasks {
		out.Tasks = append(out.Tasks, viewOf(t))
	}
	for _, e := range ledger {
		out.Ledger = append(out.Ledger, Line{e.Seq, e.At, e.Kind, e.Actor, e.Detail, e.Hash})
	}
	return out, nil
}

func viewOf(t rights.Task) TaskView {
	v := TaskView{t.System, t.Action, t.Wave, t.Outcome, t.Records(), t.Note, t.Tries, t.Due, t.Ended, t.Reference, []Attempt{}}
	for _, a := range t.Attempts {
		v.Attempts = append(v.Attempts, Attempt{a.At, a.Problem})
	}
	return v
}
