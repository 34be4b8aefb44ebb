package asl

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
)

// machine is one parsed definition. It never changes: another text is another
// machine with another hash.
type machine struct {
	name, hash string
	text       []byte
	top        *scope
	timeout    int // seconds; 0 for none
}

// scope is a set of states with a start: the top level, a branch, an item
// processor.
type scope struct {
	start  string
	states map[string]*state
	order  []string // as written
}

// state is one state with all that any type of it may have.
type state struct {
	name, kind, comment string
	next                string // "" with End, and for Choice, Succeed and Fail
	arguments           *template
	assign, output      *template
	resource            string
	wait                bool // for a task token
	timeout, heartbeat  *template
	retry               []retrier
	catch               []catcher
	choices             []choice
	fallback            string // Default
	seconds, timestamp  *template
	items, selector     *template
	concurrency         *template
	tolerated           *template
	toleratedPercent    *template
	processor           *scope
	branches            []*scope
	errorName, cause    *template
}

type retrier struct {
	errors      []string
	interval    float64
	backoff     float64
	maxDelay    float64
	maxAttempts int
	jitter      bool
}

type catcher struct {
	errors         []string
	assign, output *template
	next           string
}

type choice struct {
	condition      *template
	assign, output *template
	next           string
}

var substitution = regexp.MustCompile(`\$\{([A-Za-z][A-Za-z0-9_]*)\}`)

// parse reads a definition and refuses, by state and field, what the engine does
// not support or Step Functions would refuse.
func parse(name string, text []byte) (*machine, error) {
	sum := sha256.Sum256(append([]byte(name+"\x00"), text...))
	m := &machine{name: name, hash: hex.EncodeToString(sum[:]), text: text}
	var top struct {
		Comment, QueryLanguage, Version, StartAt string
		TimeoutSeconds                           int
		States                                   json.RawMessage
	}
	resolved := substitution.ReplaceAll(text, []byte("$1"))
	if err := strict(resolved, &top); err != nil {
		return nil, fmt.Errorf("workflow %s: %w", name, err)
	}
	if top.TimeoutSeconds < 0 || top.TimeoutSeconds > maxSeconds {
		return nil, fmt.Errorf("workflow %s: TimeoutSeconds must be between 1 and %d", name, maxSeconds)
	}
	m.timeout = top.TimeoutSeconds
	p := parser{machine: name, jsonata: top.QueryLanguage == "JSONata", names: map[string]bool{}}
	if top.QueryLanguage != "" && top.QueryLanguage != "JSONata" && top.QueryLanguage != "JSONPath" {
		return nil, fmt.Errorf("workflow %s: QueryLanguage must be JSONata", name)
	}
	var err error
	if m.top, err = p.scope("", top.StartAt, top.States); err != nil {
		return nil, err
	}
	return m, nil
}

const maxSeconds = 99_999_999

// State is what a reader of a definition sees of one state.
type State struct {
	Name, Type, Comment, Function string
	Token                         bool     // waits for a task token
	Targets                       []string // every state that may come next
	Errors                        []string // every error name in its Retry and Catch
	Nested                        []State  // of branches and item processors
}

// States lists the states of a definition as they are written.
func States(definition []byte) ([]State, error) {
	m, err := parse("definition", definition)
	if err != nil {
		return nil, err
	}
	return listStates(m.top), nil
}

func listStates(s *scope) []State {
	var all []State
	for _, name := range s.order {
		st := s.states[name]
		out := State{Name: name, Type: st.kind, Comment: st.comment, Token: st.wait, Function: st.arguments.literal("FunctionName")}
		add := func(target string) {
			if target != "" {
				out.Targets = append(out.Targets, target)
			}
		}
		add(st.next)
		add(st.fallback)
		for _, c := range st.choices {
			add(c.next)
		}
		for _, c := range st.catch {
			add(c.next)
			out.Errors = append(out.Errors, c.errors...)
		}
		for _, r := range st.retry {
			out.Errors = append(out.Errors, r.errors...)
		}
		for _, b := range st.branches {
			out.Nested = append(out.Nested, listStates(b)...)
		}
		if st.processor != nil {
			out.Nested = append(out.Nested, listStates(st.processor)...)
		}
		all = append(all, out)
	}
	return all
}
