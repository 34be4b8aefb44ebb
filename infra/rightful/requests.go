package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rightful/rightful/shared/console"
)

// requestsCommand is `rightful requests`.
type requestsCommand struct {
	remote

	List    listCommand    `cmd:"" help:"List requests, the nearest deadline first."`
	Show    showCommand    `cmd:"" help:"Show a request: what it waits for, its systems, its ledger."`
	Approve approveCommand `cmd:"" help:"Approve the plan of a request that waits for a review."`
	Deny    denyCommand    `cmd:"" help:"Deny a request on a ground; the explanation goes to the person."`
	Reveal  revealCommand  `cmd:"" help:"See whose request it is. The reason goes into the ledger."`
	Retry   retryCommand   `cmd:"" help:"Try a system again at once."`
	Skip    skipCommand    `cmd:"" help:"Leave a system out, for a reason."`
	Done    doneCommand    `cmd:"" help:"Record that a system's share was done by hand."`
}

type listCommand struct {
	Status    string        `help:"open, in_progress, fulfilled, denied, revoked or expired."`
	Reason    string        `help:"need_user_verification, need_review or at_systems."`
	Right     string        `help:"access, erasure, …"`
	DueWithin time.Duration `help:"Open requests whose deadline is nearer than that, like 120h."`
	Limit     int           `default:"50" help:"How many at the most, up to 500."`
	Cursor    string        `help:"The cursor that the page before ended with."`
}

// Run lists.
func (c listCommand) Run(r *requestsCommand, out io.Writer) error {
	query := url.Values{"limit": {fmt.Sprint(c.Limit)}}
	for name, value := range map[string]string{"status": c.Status, "reason": c.Reason, "right": c.Right, "cursor": c.Cursor} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if c.DueWithin > 0 {
		query.Set("due_within", c.DueWithin.String())
	}
	var list console.List
	raw, err := r.call("GET", "?"+query.Encode(), nil, &list)
	// A page may be empty with more behind it.
	for err == nil && len(list.Requests) == 0 && list.Next != "" {
		query.Set("cursor", list.Next)
		list = console.List{}
		raw, err = r.call("GET", "?"+query.Encode(), nil, &list)
	}
	if err != nil {
		return err
	}
	if r.Output == "json" {
		return printJSON(out, raw)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tRIGHT\tSTATUS\tREASON\tRECEIVED\tDUE")
	for _, s := range list.Requests {
		due := s.ExpectedBy.Format(time.DateOnly)
		if s.Overdue {
			due += " OVERDUE"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, s.Right, s.Status, s.Reason, s.ReceivedAt.Format(time.DateOnly), due)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	switch {
	case len(list.Requests) == 0:
		fmt.Fprintln(out, "No request fits.")
	case list.Next != "":
		fmt.Fprintf(out, "There are more: add --cursor %s\n", list.Next)
	}
	return nil
}

type showCommand struct {
	ID string `arg:"" help:"The reference, like DR-7K4M-29QX-H3WT."`
}

// Run shows.
func (c showCommand) Run(r *requestsCommand, out io.Writer) error {
	return r.act("GET", c.ID, "", nil, out)
}

type approveCommand struct {
	ID   string `arg:"" help:"The reference."`
	Plan string `required:"" help:"The plan's hash, as show prints it."`
}

// Run approves.
func (c approveCommand) Run(r *requestsCommand, out io.Writer) error {
	return r.act("POST", c.ID, "/approve", map[string]string{"plan": c.Plan}, out)
}

type denyCommand struct {
	ID          string `arg:"" help:"The reference."`
	Ground      string `required:"" enum:"suspected_fraud,insuf_verification,no_match,claim_not_covered,outside_jurisdiction,too_many_requests,other" help:"suspected_fraud, insuf_verification, no_match, claim_not_covered, outside_jurisdiction, too_many_requests or other."`
	Explanation string `required:"" help:"What the person is told."`
}

// Run denies.
func (c denyCommand) Run(r *requestsCommand, out io.Writer) error {
	return r.act("POST", c.ID, "/deny", map[string]string{"ground": c.Ground, "explanation": c.Explanation}, out)
}

type revealCommand struct {
	ID     string `arg:"" help:"The reference."`
	Reason string `required:"" help:"Why you have to know; it goes into the ledger."`
}

// Run reveals.
func (c revealCommand) Run(r *requestsCommand, out io.Writer) error {
	var person console.Person
	raw, err := r.call("POST", "/"+url.PathEscape(c.ID)+"/reveal", map[string]string{"reason": c.Reason}, &person)
	if err != nil {
		return err
	}
	if r.Output == "json" {
		return printJSON(out, raw)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{{"Email", person.Email}, {"Name", person.Name}, {"Country", person.Country}, {"Region", person.Region}, {"Agent", person.Agent}, {"Details", person.Details}} {
		if line[1] != "" {
			fmt.Fprintf(t, "%s\t%s\n", line[0], printable(line[1]))
		}
	}
	return t.Flush()
}

type retryCommand struct {
	ID     string `arg:"" help:"The reference."`
	System string `arg:"" help:"The system's name, as show prints it."`
}

// Run retries.
func (c retryCommand) Run(r *requestsCommand, out io.Writer) error {
	return r.act("POST", c.ID, "/systems/"+url.PathEscape(c.System)+"/retry", nil, out)
}

type skipCommand struct {
	ID     string `arg:"" help:"The reference."`
	System string `arg:"" help:"The system's name."`
	Reason string `required:"" help:"Why; it goes into the ledger, so name nobody."`
}

// Run skips.
func (c skipCommand) Run(r *requestsCommand, out io.Writer) error {
	return r.act("POST", c.ID, "/systems/"+url.PathEscape(c.System)+"/skip", map[string]string{"reason": c.Reason}, out)
}

type doneCommand struct {
	ID       string `arg:"" help:"The reference."`
	System   string `arg:"" help:"The system's name."`
	Reason   string `required:"" help:"What was done; it goes into the ledger, so name nobody."`
	Evidence string `help:"Where it can be seen, a ticket's number say."`
}

// Run records.
func (c doneCommand) Run(r *requestsCommand, out io.Writer) error {
	body := map[string]string{"reason": c.Reason}
	if c.Evidence != "" {
		body["evidence"] = c.Evidence
	}
	return r.act("POST", c.ID, "/systems/"+url.PathEscape(c.System)+"/done", body, out)
}

// act calls for one request and prints how it stands then.
func (r *requestsCommand) act(method, id, path string, body any, out io.Writer) error {
	var show console.Show
	raw, err := r.call(method, "/"+url.PathEscape(strings.ToUpper(id))+path, body, &show)
	if err != nil {
		return err
	}
	if r.Output == "json" {
		return printJSON(out, raw)
	}
	return printShow(out, show)
}

func printJSON(out io.Writer, raw json.RawMessage) error {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

func printShow(out io.Writer, s console.Show) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(t, "%s\t%s\n", name, value)
		}
	}
	line("Reference", string(s.ID))
	line("Right", string(s.Right))
	status := string(s.Status)
	if s.Reason != "" {
		status += " (" + string(s.Reason) + ")"
	}
	line("Status", status)
	line("Law", string(s.Regime))
	line("Received", s.ReceivedAt.Format(time.DateTime))
	due := s.ExpectedBy.Format(time.DateTime)
	if s.Overdue {
		due += " OVERDUE"
	}
	line("Due", due)
	line("Waits for", map[string]string{"proof": "the person, to prove the address", "review": "an operator, to approve or deny the plan", "wave": "the systems below that have not ended"}[s.WaitsFor])
	line("Plan", s.Plan)
	if !s.LedgerOK {
		line("Ledger", "BROKEN: a line was changed or is missing")
	}
	fmt.Fprintln(t)
	fmt.Fprintln(t, "SYSTEM\tACTION\tOUTCOME\tRECORDS\tTRIES\tNEXT TRY\tLAST PROBLEM")
	for _, task := range s.Tasks {
		outcome, next, problem := string(task.Outcome), "", ""
		if outcome == "" {
			outcome = "waiting"
		}
		if !task.NextTry.IsZero() && task.EndedAt.IsZero() {
			next = task.NextTry.Format(time.DateTime)
		}
		if n := len(task.Attempts); n > 0 {
			problem = task.Attempts[n-1].Problem
		}
		if task.Note != "" {
			problem = task.Note
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%s\t%s\n", task.System, task.Action, outcome, task.Records, task.Tries, next, printable(problem))
	}
	return t.Flush()
}

// printable keeps foreign text from steering a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}
