package workflows_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/rightful/rightful/shared/asl"
	"github.com/rightful/rightful/workflows"
)

// flat lists states with the nested ones among them.
func flat(t *testing.T) []asl.State {
	t.Helper()
	top, err := asl.States(workflows.Request)
	if err != nil {
		t.Fatal(err)
	}
	var all []asl.State
	var walk func([]asl.State)
	walk = func(states []asl.State) {
		for _, s := range states {
			all = append(all, s)
			walk(s.Nested)
		}
	}
	walk(top)
	return all
}

func TestDefinition(t *testing.T) {
	t.Parallel()
	if err := asl.Validate("request", workflows.Request); err != nil {
		t.Error(err)
	}
	seen := map[string]bool{}
	for _, s := range flat(t) {
		if seen[s.Name] {
			t.Errorf("two states are called %s", s.Name)
		}
		seen[s.Name] = true
	}
}

// TestNames_EachBelongsToAState: nothing is wired, sampled or described that the
// workflow doesn't do.
func TestNames_EachBelongsToAState(t *testing.T) {
	t.Parallel()
	var tasks, folders []string
	for _, s := range flat(t) {
		if s.Type == "Task" {
			tasks = append(tasks, s.Name)
			folders = append(folders, dashed(s.Name, "-"))
		}
	}
	var wired []string
	for _, row := range regexp.MustCompile(`(?m)^\t\t"(\w+)": +typed\(step\.(\w+)\{`).FindAllStringSubmatch(read(t, "../infra/local/functions.go"), -1) {
		if row[1] != row[2] {
			t.Errorf("functions.go carries out %s with step.%s", row[1], row[2])
		}
		wired = append(wired, row[1])
	}
	if slices.Sort(wired); !slices.Equal(wired, slices.Sorted(slices.Values(tasks))) {
		t.Errorf("functions.go wires %v, the workflow has %v", wired, tasks)
	}
	entries, err := os.ReadDir("../events")
	if err != nil {
		t.Fatal(err)
	}
	outside := []string{"schema", "submission", "callback", "mail-feedback", "mail-report", "preference-changed"} // not told by a state
	for _, e := range entries {
		if e.IsDir() && !slices.Contains(folders, e.Name()) && !slices.Contains(outside, e.Name()) {
			t.Errorf("events/%s belongs to no state", e.Name())
		}
	}
	for _, folder := range folders {
		read(t, "../events/schema/"+folder+".input.schema.json")
		read(t, "../events/schema/"+folder+".output.schema.json")
	}
}

// TestErrors_OfOursAreAllCaught: a person or an operator may end a request at any
// state that still works on it.
func TestErrors_OfOursAreAllCaught(t *testing.T) {
	t.Parallel()
	last := []string{"Close", "Withdraw", "Refuse", "Refer"} // these end it themselves
	nested := map[string]bool{}
	for _, s := range flat(t) {
		for _, n := range s.Nested {
			nested[n.Name] = true // its parent catches
		}
		if s.Type != "Task" && s.Type != "Map" || nested[s.Name] || slices.Contains(last, s.Name) {
			continue
		}
		for _, want := range []string{"Withdrawn", "Denied"} {
			if !slices.Contains(s.Errors, want) {
				t.Errorf("%s doesn't catch %s", s.Name, want)
			}
		}
	}
}
