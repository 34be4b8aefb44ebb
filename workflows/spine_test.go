package workflows_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rightful/rightful/shared/asl"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/workflows"
)

// TestSpine: one name runs through the workflow, the step, the samples and the
// wiring, and every error that is caught is one that can be raised.
func TestSpine(t *testing.T) {
	states, err := asl.States(workflows.Request)
	if err != nil {
		t.Fatal(err)
	}
	wiring := read(t, "../infra/local/functions.go")
	deployed := read(t, "../infra/cdk/functions.go")
	files := map[string]bool{"step.go": true}
	var walk func([]asl.State)
	walk = func(states []asl.State) {
		for _, s := range states {
			walk(s.Nested)
			if s.Comment == "" {
				t.Errorf("state %s says nothing: give it a Comment", s.Name)
			}
			for _, name := range s.Errors {
				if !known(name) {
					t.Errorf("state %s catches %s, which nobody raises", s.Name, name)
				}
			}
			if s.Type != "Task" {
				continue
			}
			if s.Function != s.Name {
				t.Errorf("state %s calls %s: call the function of its own name", s.Name, s.Function)
			}
			file := dashed(s.Name, "_") + ".go"
			files[file] = true
			if !strings.Contains(read(t, "../shared/step/"+file), "\ntype "+s.Name+" struct {") {
				t.Errorf("shared/step/%s has no struct %s", file, s.Name)
			}
			if !strings.Contains(wiring, `"`+s.Name+`":`) {
				t.Errorf("infra/local/functions.go has no row %s", s.Name)
			}
			if main := read(t, filepath.Join("../functions", dashed(s.Name, "-"), "main.go")); !strings.Contains(main, "step."+s.Name+"{") || !strings.Contains(main, "config."+s.Name+"]") {
				t.Errorf("functions/%s carries out another step than %s", dashed(s.Name, "-"), s.Name)
			}
			if !strings.Contains(deployed, fmt.Sprintf("{State: %q, Folder: %q,", s.Name, dashed(s.Name, "-"))) {
				t.Errorf("infra/cdk/functions.go has no row %s", s.Name)
			}
			for _, sample := range []string{"input.json", "output.json"} {
				read(t, filepath.Join("../events", dashed(s.Name, "-"), sample))
			}
		}
	}
	walk(states)
	steps, err := filepath.Glob("../shared/step/*.go")
	if err != nil || len(steps) < 10 {
		t.Fatalf("%d steps: %v", len(steps), err)
	}
	for _, path := range steps {
		if name := filepath.Base(path); !files[name] && !strings.HasSuffix(name, "_test.go") {
			t.Errorf("shared/step/%s belongs to no state", name)
		}
	}
}

func known(name string) bool {
	for _, prefix := range []string{"States.", "Lambda.", "Sandbox."} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains(rights.Codes(), rights.Code(name))
}

var hump = regexp.MustCompile(`([a-z])([A-Z])`)

func dashed(name, with string) string {
	return strings.ToLower(hump.ReplaceAllString(name, "${1}"+with+"${2}"))
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

// TestReadme: the README tells what the states do in their own words.
func TestReadme(t *testing.T) {
	readme := read(t, "../README.md")
	states, err := asl.States(workflows.Request)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range states {
		for _, task := range append(s.Nested, s) {
			if task.Type == "Task" && !strings.Contains(readme, "**"+task.Name+"**") {
				t.Errorf("the README's Life of a request leaves out %s", task.Name)
			}
		}
	}
}
