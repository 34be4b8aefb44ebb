package asl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// parser walks a definition. Its errors name the machine, the state and the field.
type parser struct {
	machine string
	jsonata bool            // the definition's own query language
	names   map[string]bool // every state's name is unique in the whole machine
}

func (p parser) refuse(where, format string, args ...any) error {
	if where != "" {
		where = ": state " + where
	}
	return fmt.Errorf("workflow %s%s: %s", p.machine, where, fmt.Sprintf(format, args...))
}

// fields every type may have, and those that belong to one.
var commonFields = []string{"Type", "Comment", "QueryLanguage"}

var stateFields = map[string][]string{
	"Task":     {"Resource", "Arguments", "TimeoutSeconds", "HeartbeatSeconds", "Assign", "Output", "Retry", "Catch", "Next", "End"},
	"Pass":     {"Assign", "Output", "Next", "End"},
	"Choice":   {"Choices", "Default", "Assign", "Output"},
	"Wait":     {"Seconds", "Timestamp", "Assign", "Output", "Next", "End"},
	"Map":      {"Items", "ItemSelector", "ItemProcessor", "MaxConcurrency", "ToleratedFailureCount", "ToleratedFailurePercentage", "Assign", "Output", "Retry", "Catch", "Next", "End"},
	"Parallel": {"Branches", "Arguments", "Assign", "Output", "Retry", "Catch", "Next", "End"},
	"Succeed":  {"Output"},
	"Fail":     {"Error", "Cause"},
}

func (p parser) scope(where, start string, text json.RawMessage) (*scope, error) {
	s := &scope{start: start, states: map[string]*state{}}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, p.refuse(where, "States must be an object that holds at least one state")
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, p.refuse(where, "States: %v", err)
		}
		name := key.(string)
		var body json.RawMessage
		if err := decoder.Decode(&body); err != nil {
			return nil, p.refuse(name, "%v", err)
		}
		if p.names[name] || len(name) > 80 || name == "" {
			return nil, p.refuse(name, "a state's name must be unique and have at most 80 characters")
		}
		p.names[name] = true
		if s.states[name], err = p.state(name, body); err != nil {
			return nil, err
		}
		s.order = append(s.order, name)
	}
	if s.states[start] == nil {
		return nil, p.refuse(where, "StartAt names %q, which is not a state here", start)
	}
	return s, p.targets(s)
}

// targets checks that every transition leads to a state and every state is led to.
func (p parser) targets(s *scope) error {
	reached := map[string]bool{s.start: true}
	for _, st := range s.states {
		next := []string{st.next, st.fallback}
		for _, c := range st.choices {
			next = append(next, c.next)
		}
		for _, c := range st.catch {
			next = append(next, c.next)
		}
		for _, name := range next {
			if name == "" {
				continue
			}
			if s.states[name] == nil {
				return p.refuse(st.name, "Next names %q, which is not a state here", name)
			}
			reached[name] = true
		}
	}
	for _, name := range s.order {
		if !reached[name] {
			return p.refuse(name, "no state leads here")
		}
	}
	return nil
}

func (p parser) state(name string, body json.RawMessage) (*state, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, p.refuse(name, "%v", err)
	}
	r := reader{parser: p, name: name, fields: fields}
	st := &state{name: name, kind: r.text("Type"), comment: r.text("Comment")}
	known, ok := stateFields[st.kind]
	if !ok {
		return nil, p.refuse(name, "Type %q is not supported", st.kind)
	}
	for field := range fields {
		if !slices.Contains(known, field) && !slices.Contains(commonFields, field) {
			return nil, p.refuse(name, "field %s is not supported in a %s state in JSONata mode", field, st.kind)
		}
	}
	if language := r.text("QueryLanguage"); language != "JSONata" && (language != "" || !p.jsonata) {
		return nil, p.refuse(name, "QueryLanguage must be JSONata; JSONPath is not supported")
	}
	st.assign, st.output, st.arguments = r.template("Assign"), r.template("Output"), r.template("Arguments")
	st.next = r.text("Next")
	if slices.Contains(known, "End") {
		end := r.flag("End")
		if end == (st.next != "") {
			r.fail("it needs either Next or End")
		}
	}
	st.retry, st.catch = r.retriers(), r.catchers()
	switch st.kind {
	case "Task":
		r.task(st)
	case "Choice":
		r.choice(st)
	case "Wait":
		st.seconds, st.timestamp = r.template("Seconds"), r.template("Timestamp")
		if (st.seconds == nil) == (st.timestamp == nil) {
			r.fail("it needs either Seconds or Timestamp")
		}
		r.whole("Seconds", st.seconds, 0)
		r.moment("Timestamp", st.timestamp)
	case "Map":
		r.mapState(st)
	case "Parallel":
		st.branches = r.scopes("Branches")
	case "Fail":
		st.errorName, st.cause = r.template("Error"), r.template("Cause")
	}
	return st, r.err
}

// reader takes fields out of one state and keeps the first fault.
type reader struct {
	parser
	name    string
	fields  map[string]json.RawMessage
	catcher bool // it reads a rule of a Catch
	err     error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = r.refuse(r.name, format, args...)
	}
}

func (r *reader) into(field string, to any) bool {
	text, ok := r.fields[field]
	if !ok {
		return false
	}
	if err := strict(text, to); err != nil {
		r.fail("field %s: %v", field, err)
	}
	return true
}

func (r *reader) text(field string) (s string) { r.into(field, &s); return s }
func (r *reader) flag(field string) (b bool)   { r.into(field, &b); return b }

func (r *reader) template(field string) *template {
	text, ok := r.fields[field]
	if !ok {
		return nil
	}
	t, err := parseTemplate(text)
	if err != nil {
		r.fail("field %s: %v", field, err)
		return nil
	}
	if !r.catcher && t.mentions("$states.errorOutput") {
		r.fail("field %s: $states.errorOutput is there in a Catch alone", field)
	}
	if field == "Assign" {
		r.variables(t)
	}
	return t
}

func (r *reader) task(st *state) {
	st.resource = r.text("Resource")
	switch st.resource {
	case "arn:aws:states:::lambda:invoke":
	case "arn:aws:states:::lambda:invoke.waitForTaskToken":
		st.wait = true
	default:
		r.fail("Resource %q is not supported; use arn:aws:states:::lambda:invoke, with .waitForTaskToken where it waits", st.resource)
	}
	if st.arguments == nil {
		r.fail("field Arguments is missing: it names the FunctionName and the Payload")
	}
	r.call(st.arguments)
	st.timeout, st.heartbeat = r.template("TimeoutSeconds"), r.template("HeartbeatSeconds")
	r.deadlines(st.timeout, st.heartbeat)
}

func (r *reader) choice(st *state) {
	st.fallback = r.text("Default")
	var rules []struct {
		Condition, Assign, Output json.RawMessage
		Next, Comment             string
	}
	r.into("Choices", &rules)
	if len(rules) == 0 {
		r.fail("field Choices must hold at least one rule")
	}
	for _, rule := range rules {
		sub := reader{parser: r.parser, name: r.name, fields: present("Condition", rule.Condition, "Assign", rule.Assign, "Output", rule.Output)}
		c := choice{condition: sub.template("Condition"), assign: sub.template("Assign"), output: sub.template("Output"), next: rule.Next}
		if c.condition == nil || c.next == "" {
			r.fail("every rule in Choices needs a Condition and a Next")
		}
		if sub.err != nil && r.err == nil {
			r.err = sub.err
		}
		st.choices = append(st.choices, c)
	}
}

func present(pairs ...any) map[string]json.RawMessage {
	fields := map[string]json.RawMessage{}
	for i := 0; i < len(pairs); i += 2 {
		if text := pairs[i+1].(json.RawMessage); text != nil {
			fields[pairs[i].(string)] = text
		}
	}
	return fields
}

func (r *reader) mapState(st *state) {
	st.items, st.selector, st.concurrency = r.template("Items"), r.template("ItemSelector"), r.template("MaxConcurrency")
	st.tolerated, st.toleratedPercent = r.template("ToleratedFailureCount"), r.template("ToleratedFailurePercentage")
	r.whole("MaxConcurrency", st.concurrency, 0)
	r.whole("ToleratedFailureCount", st.tolerated, 0)
	r.share("ToleratedFailurePercentage", st.toleratedPercent)
	var processor struct {
		ProcessorConfig struct{ Mode string }
		StartAt         string
		States          json.RawMessage
		Comment         string
	}
	if !r.into("ItemProcessor", &processor) || r.err != nil {
		r.fail("field ItemProcessor is missing")
		return
	}
	if mode := processor.ProcessorConfig.Mode; mode != "" && mode != "INLINE" {
		r.fail("ItemProcessor mode %s is not supported; use INLINE", mode)
	}
	var err error
	if st.processor, err = r.scope(r.name, processor.StartAt, processor.States); err != nil && r.err == nil {
		r.err = err
	}
}

func (r *reader) scopes(field string) []*scope {
	var branches []struct {
		StartAt, Comment string
		States           json.RawMessage
	}
	r.into(field, &branches)
	if len(branches) == 0 {
		r.fail("field %s must hold at least one branch", field)
	}
	var all []*scope
	for _, b := range branches {
		s, err := r.scope(r.name, b.StartAt, b.States)
		if err != nil && r.err == nil {
			r.err = err
		}
		all = append(all, s)
	}
	return all
}

func (r *reader) retriers() []retrier {
	var raw []struct {
		ErrorEquals     []string
		IntervalSeconds *float64
		BackoffRate     *float64
		MaxDelaySeconds *float64
		MaxAttempts     *int
		JitterStrategy  string
		Comment         string
	}
	r.into("Retry", &raw)
	var all []retrier
	for i, from := range raw {
		to := retrier{errors: from.ErrorEquals, interval: 1, backoff: 2, maxAttempts: 3, jitter: from.JitterStrategy == "FULL"}
		set(&to.interval, from.IntervalSeconds)
		set(&to.backoff, from.BackoffRate)
		set(&to.maxDelay, from.MaxDelaySeconds)
		set(&to.maxAttempts, from.MaxAttempts)
		switch {
		case to.interval < 1 || to.interval > maxSeconds:
			r.fail("field Retry: IntervalSeconds must be between 1 and %d", maxSeconds)
		case to.backoff < 1:
			r.fail("field Retry: BackoffRate must be at least 1.0")
		case from.MaxDelaySeconds != nil && (to.maxDelay <= to.interval || to.maxDelay > 31_622_400):
			r.fail("field Retry: MaxDelaySeconds must be greater than IntervalSeconds and at most 31622400")
		case to.maxAttempts < 0 || to.maxAttempts > maxSeconds:
			r.fail("field Retry: MaxAttempts must be between 0 and %d", maxSeconds)
		case from.JitterStrategy != "" && from.JitterStrategy != "FULL" && from.JitterStrategy != "NONE":
			r.fail("field Retry: JitterStrategy must be FULL or NONE")
		}
		r.errorNames("Retry", from.ErrorEquals, i == len(raw)-1)
		all = append(all, to)
	}
	return all
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func (r *reader) catchers() []catcher {
	var raw []struct {
		ErrorEquals    []string
		Assign, Output json.RawMessage
		Next, Comment  string
	}
	r.into("Catch", &raw)
	var all []catcher
	for i, from := range raw {
		sub := reader{parser: r.parser, name: r.name, fields: present("Assign", from.Assign, "Output", from.Output), catcher: true}
		all = append(all, catcher{errors: from.ErrorEquals, assign: sub.template("Assign"), output: sub.template("Output"), next: from.Next})
		if sub.err != nil && r.err == nil {
			r.err = sub.err
		}
		if from.Next == "" {
			r.fail("field Catch: every catcher needs a Next")
		}
		r.errorNames("Catch", from.ErrorEquals, i == len(raw)-1)
	}
	return all
}

// errorNames: States.ALL stands alone and last; States.* names are the service's.
func (r *reader) errorNames(field string, names []string, last bool) {
	if len(names) == 0 {
		r.fail("field %s: ErrorEquals must name at least one error", field)
	}
	for _, name := range names {
		if name == "States.ALL" && (len(names) > 1 || !last) {
			r.fail("field %s: States.ALL must stand alone and in the last rule", field)
		}
		if strings.HasPrefix(name, "States.") && !slices.Contains(reserved, name) {
			r.fail("field %s: %s is not an error of the States Language", field, name)
		}
	}
}

var reserved = []string{"States.ALL", "States.DataLimitExceeded", "States.ExceedToleratedFailureThreshold", "States.HeartbeatTimeout", "States.Http.Socket", "States.IntrinsicFailure", "States.ItemReaderFailed", "States.NoChoiceMatched", "States.ParameterPathFailure", "States.Permissions", "States.QueryEvaluationError", "States.ResultPathMatchFailure", "States.ResultWriterFailed", "States.Runtime", "States.TaskFailed", "States.Timeout", "States.BranchFailed"}
