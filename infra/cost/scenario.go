package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/rights"
)

// scenario is one completed request as the table counts it.
type scenario struct {
	Name    string
	What    string
	Right   rights.Right
	Systems int
	Later   int     // of them answer a day later
	Size    int     // bytes of each system's export
	Seconds float64 // that one call to a system takes
	Calls   int     // what the person's browser asks of the HTTP API
}

// The scenarios that ../../docs/cost.md compares with the modelled optimum.
var scenarios = []scenario{
	{"export_10", "a copy from 10 systems, 2 MB, fetched once", rights.Access, 10, 0, 184 << 10, 2, 7},
	{"erasure_20", "an erasure in 20 systems, of which 5 answer a day later", rights.Erasure, 20, 5, 0, 1.5, 5},
	{"unsubscribe", "one click in a mail program", rights.Unsubscribe, 0, 0, 0, 0, 1},
	{"unsubscribe_onward", "the same click, told on to EventBridge and one system", rights.Unsubscribe, 1, 0, 0, 0.5, 1},
}

// click is a mail program's one click on an unsubscribe link.
func (s scenario) click(ctx context.Context, systems []connector.System) (usage, error) {
	r, err := newRig(ctx, systems)
	if err != nil {
		return usage{}, err
	}
	defer r.close()
	if _, err := r.sweep.Run(ctx); err != nil {
		return usage{}, err
	}
	idle, _, _ := r.meter.Units()
	link, err := r.portal.Choices.Keys.Link("", "ada@example.com", "news")
	if err != nil {
		return usage{}, err
	}
	mux := http.NewServeMux()
	r.portal.Pages(mux)
	request := httptest.NewRequest(http.MethodPost, link.URL, strings.NewReader("List-Unsubscribe=One-Click"))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	r.meter.Units()
	mux.ServeHTTP(answer, request)
	r.lambda(portalMemory, portalSeconds)
	r.used.Calls++
	r.used.Read, r.used.Write, _ = r.meter.Units()
	if answer.Code != http.StatusOK {
		return usage{}, fmt.Errorf("the click answers %d", answer.Code)
	}
	if s.Systems == 0 {
		return r.used, nil
	}
	if _, err := r.sweep.Run(ctx); err != nil {
		return usage{}, err
	}
	if err := r.settle(ctx, s); err != nil {
		return usage{}, err
	}
	read, write, _ := r.meter.Units()
	r.used.Read, r.used.Write = r.used.Read+max(0, read-idle), r.used.Write+write
	return r.used, nil
}

// run carries one request out and counts.
func (s scenario) run(ctx context.Context) (usage, error) {
	var systems []connector.System
	for n := range s.Systems {
		systems = append(systems, made{fmt.Sprintf("system-%04d", n), s.Size, n < s.Later})
	}
	if s.Right == rights.Unsubscribe {
		return s.click(ctx, systems)
	}
	r, err := newRig(ctx, systems)
	if err != nil {
		return usage{}, err
	}
	defer r.close()
	if _, err := r.sweep.Run(ctx); err != nil {
		return usage{}, err
	}
	idleRead, idleWrite, _ := r.meter.Units() // what an empty sweep costs is counted once, not here
	if idleWrite > 0 {
		return usage{}, fmt.Errorf("an empty sweep writes %g units", idleWrite)
	}
	for range s.Calls {
		r.lambda(portalMemory, portalSeconds)
	}
	r.used.Calls = s.Calls

	request, err := r.portal.Submit(ctx, submission(s.Right))
	if err == nil {
		err = r.settle(ctx, s)
	}
	if err == nil {
		request, err = r.store.Get(ctx, request.ID)
	}
	if err == nil {
		_, err = r.portal.ProveByCode(ctx, request.ID, r.portal.Links.Tokens.Code(request.ID, request.Proof.Serial))
	}
	if err == nil {
		err = r.settle(ctx, s)
	}
	if err == nil && s.Later > 0 {
		err = r.answerLater(ctx, s, request.ID, idleRead)
	}
	if err == nil {
		request, err = r.store.Get(ctx, request.ID)
	}
	if err != nil {
		return usage{}, err
	}
	if request.Status != rights.Fulfilled || request.RetainUntil.IsZero() {
		return usage{}, fmt.Errorf("the request is %s/%s after all", request.Status, request.Reason)
	}
	if request.Export != "" {
		if _, err := r.portal.Export(ctx, request, rights.HeldByMail); err != nil {
			return usage{}, err
		}
	}
	read, write, _ := r.meter.Units()
	r.used.Read, r.used.Write = r.used.Read+read, r.used.Write+write
	return r.used, r.history(ctx, request.ID)
}

func submission(right rights.Right) submissionForm {
	return submissionForm{Right: right, Client: "192.0.2.1", Key: "a key of the form", Fingerprint: "f", Personal: rights.Personal{Subject: rights.Subject{Email: "ada@example.com", Name: "Ada Example", Country: "DE"}}}
}

// settle lets the workflow and the workers run until both wait.
func (r *rig) settle(ctx context.Context, s scenario) error {
	for {
		if err := r.engine.Settle(ctx); err != nil {
			return err
		}
		r.mu.Lock()
		tasks := r.handed
		r.handed = nil
		r.mu.Unlock()
		if len(tasks) == 0 {
			return nil
		}
		// Lambda polls a queue five times at once: so many batches share the messages.
		batches := max(min(pollers, len(tasks)), (len(tasks)+9)/10)
		for n := range batches {
			r.lambda(stepMemory, s.Seconds+stepSeconds)
			r.used.Messages += 2 // received and deleted as a batch
			batch := tasks[n*len(tasks)/batches : (n+1)*len(tasks)/batches]
			if err := errors.Join(r.worker.DoAll(ctx, batch)...); err != nil {
				return err
			}
		}
	}
}

// answerLater has the sweep look as it does within a day, and then the systems call
// back.
func (r *rig) answerLater(ctx context.Context, s scenario, id rights.ID, idle float64) error {
	read, write, _ := r.meter.Units()
	r.used.Read, r.used.Write = r.used.Read+read, r.used.Write+write
	for range 24 * 12 {
		r.now = r.now.Add(5 * time.Minute)
		if _, err := r.sweep.Run(ctx); err != nil {
			return err
		}
		read, write, _ := r.meter.Units()
		r.used.Read, r.used.Write = r.used.Read+max(0, read-idle), r.used.Write+write
	}
	tasks, err := r.store.TasksOf(ctx, id)
	if err != nil {
		return err
	}
	r.meter.Units()
	for _, t := range tasks {
		if !t.Open() {
			continue
		}
		r.used.Calls++
		r.lambda(portalMemory, portalSeconds)
		if err := r.worker.Answer(ctx, t.System, t.ID, http.Header{"Webhook-Id": {string(t.ID)}}, nil); err != nil {
			return err
		}
	}
	return r.settle(ctx, s)
}

// history counts what the workflow's record says.
func (r *rig) history(ctx context.Context, id rights.ID) error {
	lines, err := r.engine.History(ctx, string(id))
	if err != nil {
		return err
	}
	r.used.Events = len(lines)
	tries, tasks := 0, 0
	for _, l := range lines {
		switch l.Type {
		case "TaskStateEntered":
			tasks++
			r.used.Transitions++
		case "TaskScheduled":
			tries++
		case "ChoiceStateEntered", "PassStateEntered", "MapStateEntered", "WaitStateEntered", "SucceedStateEntered", "FailStateEntered", "ParallelStateEntered":
			r.used.Transitions++
		}
	}
	r.used.Transitions += tries - tasks // each retry is billed
	return nil
}
