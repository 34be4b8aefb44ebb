package rights_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rightful/rightful/shared/rights"
)

// ledger draws a request's ledger of at least two lines, and where it ends.
func ledger(t *rapid.T) ([]rights.Event, rights.Head) {
	r := rights.Request{ID: someID}
	var events []rights.Event
	for n := range rapid.IntRange(2, 8).Draw(t, "lines") {
		kind := rapid.SampledFrom([]rights.EventKind{rights.Received, rights.Decided, rights.Planned, rights.Sealed}).Draw(t, "kind")
		detail := rapid.MapOfN(rapid.StringN(0, 5, 10), rapid.StringN(0, 5, 10), 0, 3).Draw(t, "detail")
		events = append(events, r.Record(at.Add(time.Duration(n)*time.Minute), rights.ByRightful, kind, detail))
	}
	return events, r.Ledger
}

func TestLedger_WholeIsAccepted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		events, head := ledger(t)
		if err := rights.VerifyLedger(events, head); err != nil {
			t.Fatal(err)
		}
	})
	if err := rights.VerifyLedger(nil, rights.Head{}); err != nil {
		t.Errorf("a request without lines: %v", err)
	}
}

// TestLedger_TamperingIsSeen: whatever one changes, leaves out, doubles or swaps.
func TestLedger_TamperingIsSeen(t *testing.T) {
	t.Parallel()
	for name, tamper := range map[string]func(events []rights.Event, i int) []rights.Event{
		"OtherRequest": func(e []rights.Event, i int) []rights.Event { e[i].Request += "2"; return e },
		"OtherNumber":  func(e []rights.Event, i int) []rights.Event { e[i].Seq++; return e },
		"OtherTime":    func(e []rights.Event, i int) []rights.Event { e[i].At = e[i].At.Add(time.Second); return e },
		"OtherKind":    func(e []rights.Event, i int) []rights.Event { e[i].Kind += "x"; return e },
		"OtherActor":   func(e []rights.Event, i int) []rights.Event { e[i].Actor = rights.ByOperator; return e },
		"OtherDetail": func(e []rights.Event, i int) []rights.Event {
			e[i].Detail = maps.Clone(e[i].Detail)
			if e[i].Detail == nil {
				e[i].Detail = map[string]string{}
			}
			e[i].Detail["new"] = "x"
			return e
		},
		"OtherPrev": func(e []rights.Event, i int) []rights.Event { e[i].Prev += "0"; return e },
		"OtherHash": func(e []rights.Event, i int) []rights.Event { e[i].Hash = "0" + e[i].Hash[1:] + "0"; return e },
		"LeftOut":   func(e []rights.Event, i int) []rights.Event { return slices.Delete(e, i, i+1) },
		"Doubled":   func(e []rights.Event, i int) []rights.Event { return slices.Insert(e, i, e[i]) },
		"CutShort":  func(e []rights.Event, i int) []rights.Event { return e[:i] },
		"Swapped": func(e []rights.Event, i int) []rights.Event {
			j := (i + 1) % len(e)
			e[i], e[j] = e[j], e[i]
			return e
		},
		"Added": func(e []rights.Event, _ int) []rights.Event {
			last := e[len(e)-1]
			r := rights.Request{ID: someID, Ledger: rights.Head{Seq: last.Seq, Hash: last.Hash}}
			return append(e, r.Record(last.At, rights.ByOperator, rights.Approved, nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				events, head := ledger(t)
				i := rapid.IntRange(0, len(events)-1).Draw(t, "line")
				if rights.VerifyLedger(tamper(slices.Clone(events), i), head) == nil {
					t.Fatalf("line %d of %d: nobody noticed", i+1, len(events))
				}
			})
		})
	}
}

// TestRecord_IsTheSameAfterStoring: what a store can't tell apart has one hash.
func TestRecord_IsTheSameAfterStoring(t *testing.T) {
	t.Parallel()
	record := func(at time.Time, detail map[string]string) string {
		r := rights.Request{ID: someID}
		return r.Record(at, rights.ByRightful, rights.WasFulfilled, detail).Hash
	}
	want := record(at, nil)
	for name, got := range map[string]string{
		"EmptyDetail": record(at, map[string]string{}),
		"Nanoseconds": record(at.Add(999), nil),
		"OtherZone":   record(at.In(time.FixedZone("CET", 3600)), nil),
	} {
		if got != want {
			t.Errorf("%s makes another hash", name)
		}
	}
	many := map[string]string{}
	for n := range 50 {
		many[fmt.Sprint(n)] = "x"
	}
	if record(at, many) != record(at, maps.Clone(many)) {
		t.Error("the order of a map makes another hash")
	}
}
