package asl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// strict decodes JSON into to and refuses members that to doesn't name exactly:
// encoding/json alone would take "next" for "Next".
func strict(text json.RawMessage, to any) error {
	if err := exact(text, reflect.TypeOf(to).Elem()); err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}

func exact(text json.RawMessage, t reflect.Type) error {
	text = bytes.TrimSpace(text)
	switch {
	case t == reflect.TypeFor[json.RawMessage]() || len(text) == 0:
		return nil
	case t.Kind() == reflect.Slice && text[0] == '[':
		var items []json.RawMessage
		if err := json.Unmarshal(text, &items); err != nil {
			return err
		}
		for _, item := range items {
			if err := exact(item, t.Elem()); err != nil {
				return err
			}
		}
	case t.Kind() == reflect.Struct && text[0] == '{':
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(text, &fields); err != nil {
			return err
		}
		for name, value := range fields {
			field, ok := t.FieldByName(name)
			if !ok {
				return fmt.Errorf("field %s is not supported here in JSONata mode", name)
			}
			if err := exact(value, field.Type); err != nil {
				return err
			}
		}
	}
	return nil
}

// whole checks a field that is an expression or a whole number.
func (r *reader) whole(field string, t *template, least int) {
	if t == nil || t.expr != nil {
		return
	}
	n, err := strconv.Atoi(string(t.raw))
	if err != nil || n < least || n > maxSeconds {
		r.fail("field %s must be a whole number from %d to %d, or an expression", field, least, maxSeconds)
	}
}

// share checks a field that is an expression or a percentage.
func (r *reader) share(field string, t *template) {
	if t == nil || t.expr != nil {
		return
	}
	n, err := strconv.ParseFloat(string(t.raw), 64)
	if err != nil || n < 0 || n > 100 {
		r.fail("field %s must be a number from 0 to 100, or an expression", field)
	}
}

// deadlines checks the two clocks of a Task.
func (r *reader) deadlines(timeout, heartbeat *template) {
	r.whole("TimeoutSeconds", timeout, 1)
	r.whole("HeartbeatSeconds", heartbeat, 1)
	if timeout == nil || heartbeat == nil || timeout.raw == nil || heartbeat.raw == nil {
		return
	}
	most, err1 := strconv.Atoi(string(timeout.raw))
	beat, err2 := strconv.Atoi(string(heartbeat.raw))
	if err1 == nil && err2 == nil && beat >= most {
		r.fail("field HeartbeatSeconds must be less than TimeoutSeconds")
	}
}

// moment checks a field that is an expression or a time.
func (r *reader) moment(field string, t *template) {
	if t == nil || t.expr != nil {
		return
	}
	var at string
	if json.Unmarshal(t.raw, &at) == nil {
		if _, err := time.Parse(time.RFC3339Nano, at); err == nil {
			return
		}
	}
	r.fail("field %s must be a time like 2026-01-31T12:00:00Z, or an expression", field)
}

// call checks what a Task hands to lambda:invoke.
func (r *reader) call(t *template) {
	if t == nil || t.expr != nil {
		return
	}
	if !slices.Contains(t.keys, "FunctionName") {
		r.fail("field Arguments must hold a FunctionName")
	}
	for _, key := range t.keys {
		if key != "FunctionName" && key != "Payload" {
			r.fail("field Arguments: %s is not supported; use FunctionName and Payload", key)
		}
	}
}

var variableName = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_]{0,79}$`)

// variables checks an Assign: an object of names that are the workflow's own.
func (r *reader) variables(t *template) {
	if t == nil {
		return
	}
	if t.expr != nil || t.raw != nil || t.array {
		r.fail("field Assign must be an object of variables")
	}
	for _, name := range t.keys {
		if name == "states" || !variableName.MatchString(name) {
			r.fail("field Assign: %q can't be a variable's name; use up to 80 letters, digits and _, and not states", name)
		}
	}
}

// mentions tells whether an expression in t has the text.
func (t *template) mentions(text string) bool {
	return strings.Contains(t.source, text) || slices.ContainsFunc(t.parts, func(part *template) bool { return part.mentions(text) })
}
