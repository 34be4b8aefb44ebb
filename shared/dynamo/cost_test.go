package dynamo_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/dynamo"
	"github.com/rightful/rightful/shared/rights"
)

// token is as long as those of Step Functions.
var token = strings.Repeat("t", 700)

// TestUnits: what each operation costs, in write and read units as they are billed.
// A change here is a change of everybody's bill.
func TestUnits(t *testing.T) {
	var meter dynamo.Meter
	s := open(t, local(t, meter.Watch))
	ctx, at := t.Context(), time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	id := rights.ID("DR-TEST-2222-2222")
	personal := rights.Personal{Subject: rights.Subject{Email: "ada@example.com", Name: "Ada Example", Country: "DE"}}
	r := rights.NewRequest(id, rights.Erasure, personal, "subject-key-of-43-letters-as-a-keyed-hash-is", rights.DefaultRegimes(), at)
	received := r.Record(at, rights.ByPerson, rights.Received, map[string]string{"right": "erasure"})
	var tasks []rights.Task
	for _, system := range []string{"billing", "crm"} {
		tasks = append(tasks, rights.Task{ID: rights.NewTaskID(id, rights.Erase, system), Request: id, System: system, Action: rights.Erase, Wave: 1, Due: at})
	}
	wave := rights.Wave{Key: string(id) + ".erase.1", Request: id, Token: token, At: at}

	for _, c := range []struct {
		name        string
		write, read float64
		do          func() error
	}{
		// 2 each for the request, its person, the line, the signal and the key, 2 each for
		// two indexes, 1 for the wrapped data key; reads: the key, the data key.
		{"Create", 15, 2, func() error {
			var err error
			r, err = s.Create(ctx, rights.Creation{Request: r, Personal: personal, Events: []rights.Event{received}, Signals: []rights.Signal{rights.StartSignal(id, at)}, Key: "k", Fingerprint: "f"})
			return err
		}},
		{"Get", 0, 1, func() error { _, err := s.Get(ctx, id); return err }},
		{"Personal", 0, 1, func() error { _, err := s.Personal(ctx, id); return err }},
		{"ClearSignal", 1, 0, func() error { return s.ClearSignal(ctx, string(id)+".start") }},
		{"Count", 1, 0, func() error { _, err := s.Count(ctx, "client", 5, time.Hour, at); return err }},
		{"Move/WithLine", 4, 0, func() error {
			next, err := r.Acknowledged(r.Proof.Renew(at, time.Hour))
			if err != nil {
				return err
			}
			line := next.Record(at, rights.ByRightful, rights.Acknowledged, nil)
			r, err = s.Move(ctx, next, rights.Change{Events: []rights.Event{line}})
			return err
		}},
		// A token makes the request larger than a unit.
		{"Move/Alone", 2, 0, func() error {
			r.Wait = rights.Wait{For: rights.ForProof, Token: token}
			var err error
			r, err = s.Move(ctx, r, rights.Change{})
			return err
		}},
		// The wave with its index, the group, and a unit for each task.
		{"OpenWave", 5, 0, func() error { _, err := s.OpenWave(ctx, wave, tasks); return err }},
		{"Task", 0, 1, func() error { var err error; tasks[0], err = s.Task(ctx, tasks[0].ID); return err }},
		{"TasksOf", 0, 1, func() error { var err error; tasks, err = s.TasksOf(ctx, id); return err }},
		// The task, and its name out of the group.
		{"MoveTask/Ends", 2, 0, func() error {
			_, _, err := s.MoveTask(ctx, tasks[0].Tried(at, "").End(rights.Done, at), nil)
			return err
		}},
		// The task, two refused removals, and the transaction of the wave and the signal.
		{"MoveTask/EndsTheWave", 7, 0, func() error {
			_, _, err := s.MoveTask(ctx, tasks[1].Tried(at, "").End(rights.Done, at), nil)
			return err
		}},
		{"PendingSignals", 0, 4, func() error { _, err := s.PendingSignals(ctx, 100); return err }},
		{"DueTasks/None", 0, 4, func() error { _, err := s.DueTasks(ctx, at, 100); return err }},
	} {
		meter.Units()
		if err := c.do(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if read, write, _ := meter.Units(); write != c.write || read != c.read {
			t.Errorf("%s costs %g writes and %g reads, want %g and %g", c.name, write, read, c.write, c.read)
		}
	}
}
