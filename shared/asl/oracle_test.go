package asl_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rightful/rightful/shared/asl"
)

// oracleCase is a machine with the history that the real service recorded for it.
type oracleCase struct {
	ID         string            `json:"id"`
	Definition json.RawMessage   `json:"definition"`
	Input      json.RawMessage   `json:"input"`
	Lambdas    map[string]string `json:"lambdas"`
	Events     []map[string]any  `json:"events"`
}

// known are the cases that don't agree at a level, with the reason. The list may
// only shrink: a case that agrees and is listed fails the test.
var known = map[int]map[string]string{}

// TestOracle runs every case of the oracle and compares at four levels, each
// stricter: the result; the cause's text; the history; its ids.
func TestOracle(t *testing.T) {
	file := filepath.Join("..", "..", "..", "shared", "asl-oracle", "cases.json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Skip("SKIPPED: the oracle's folder shared/asl-oracle is not beside the project")
	}
	var oracle struct{ Cases []oracleCase }
	if err := json.Unmarshal(text, &oracle); err != nil {
		t.Fatal(err)
	}
	agree := map[int]int{}
	for _, c := range oracle.Cases {
		t.Run(strings.ReplaceAll(c.ID[strings.LastIndex(c.ID, ":")+1:], "/", "_"), func(t *testing.T) {
			got := runCase(t, c)
			for level := 1; level <= 4; level++ {
				diff := cmp.Diff(seen(c.Events, level), seen(got, level))
				if diff == "" {
					agree[level]++
				}
				_, listed := known[level][c.ID]
				if (diff == "") == listed {
					t.Errorf("level %d: listed as different: %v; difference (-service +engine):\n%s", level, listed, diff)
				}
			}
		})
	}
	fmt.Printf("oracle: of %d cases agree %d in the result, %d with the cause, %d in the history, %d with its ids\n", len(oracle.Cases), agree[1], agree[2], agree[3], agree[4])
}

func runCase(t *testing.T, c oracleCase) []map[string]any {
	t.Helper()
	clock := newClock()
	invoke := func(_ context.Context, function string, payload json.RawMessage) (json.RawMessage, error) {
		for name, kind := range c.Lambdas {
			if strings.HasSuffix(function, name) && kind != "id_function.py" {
				return nil, raised{}
			}
		}
		return payload, nil
	}
	e := open(t, asl.Config{Definitions: map[string][]byte{"m": c.Definition}, Invoke: invoke, Now: clock.Now})
	input, err := json.Marshal(c.Input)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context(), "m", "x", input); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := e.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		x, err := e.Describe(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		if x.Status != asl.Running {
			break
		}
		clock.turn(time.Minute)
	}
	history, err := e.History(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	var events []map[string]any
	for _, h := range history {
		text, err := json.Marshal(map[string]any{"id": h.ID, "previousEventId": h.Previous, "type": h.Type, "details": h.Details})
		if err != nil {
			t.Fatal(err)
		}
		var ev map[string]any
		if err := json.Unmarshal(text, &ev); err != nil {
			t.Fatal(err)
		}
		events = append(events, ev)
	}
	return events
}

// raised is what the oracle's failing function does.
type raised struct{}

func (raised) Error() string     { return "Some exception was raised." }
func (raised) ErrorName() string { return "Exception" }

// seen is what one level looks at, normalised.
func seen(events []map[string]any, level int) any {
	var all []map[string]any
	for _, e := range events {
		all = append(all, normal(e))
	}
	last := all[len(all)-1]
	switch level {
	case 1:
		d, _ := last["details"].(map[string]any)
		return []any{last["type"], d["output"], d["error"]}
	case 2:
		d, _ := last["details"].(map[string]any)
		return []any{last["type"], d["output"], d["error"], d["cause"]}
	}
	parallel := slices.ContainsFunc(all, func(e map[string]any) bool { return e["type"] == "ParallelStateEntered" })
	if parallel {
		// The recording sorts what happens inside branches and leaves this event out.
		all = slices.DeleteFunc(all, func(e map[string]any) bool { return e["type"] == "ParallelStateFailed" })
	}
	var out []string
	for _, e := range all {
		if level == 3 || parallel {
			delete(e, "id")
			delete(e, "previousEventId")
		}
		text, _ := json.Marshal(e)
		out = append(out, string(text))
	}
	if parallel {
		slices.Sort(out)
	}
	return out
}

var (
	arn   = regexp.MustCompile(`arn:[^"\s]*`)
	uuid  = regexp.MustCompile(`<uuid:\d+>`)
	trace = regexp.MustCompile(`,\\*"(requestId|stackTrace)\\*":(\[.*?\]|\\*".*?")`)
)

// normal makes the two sides comparable: one member for the details, no ARNs,
// request ids, stack traces, SDK metadata, or timestamps.
func normal(e map[string]any) map[string]any {
	out := map[string]any{"id": e["id"], "previousEventId": e["previousEventId"], "type": e["type"]}
	for key, value := range e {
		if strings.HasSuffix(key, "EventDetails") || key == "details" {
			if d, ok := scrub(value).(map[string]any); ok && len(d) > 0 {
				out["details"] = d
			}
		}
	}
	return out
}

func scrub(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			switch key {
			case "inputDetails", "outputDetails", "assignedVariablesDetails", "roleArn", "region", "SdkHttpMetadata", "SdkResponseMetadata", "requestId", "stackTrace", "FunctionName", "ExecutedVersion", "TimestampValue":
				continue
			case "input", "output", "cause", "Cause", "parameters", "assignedVariables":
				value = unfold(value)
			}
			out[key] = scrub(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = scrub(v[i])
		}
		return out
	case string:
		return scrubText(v)
	}
	return v
}

// unfold parses JSON that stands in a text, as the recording does in places.
func unfold(v any) any {
	if m, ok := v.(map[string]any); ok {
		out := map[string]any{}
		for key, value := range m {
			out[key] = unfold(value)
		}
		return out
	}
	if s, ok := v.(string); ok {
		var parsed any
		if json.Unmarshal([]byte(s), &parsed) == nil {
			return parsed
		}
	}
	return v
}

func scrubText(s string) string {
	s = uuid.ReplaceAllString(arn.ReplaceAllString(s, "<arn>"), "<uuid>")
	for {
		next := trace.ReplaceAllString(s, "")
		if next == s {
			return s
		}
		s = next
	}
}
