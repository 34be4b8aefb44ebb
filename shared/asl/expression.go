package asl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/recolabs/gnata"
)

// template is a JSON value of a definition in which texts like "{% … %}" are
// JSONata expressions.
type template struct {
	raw    json.RawMessage // a literal without expressions below it
	source string          // an expression as written
	expr   *gnata.Expression
	keys   []string // an object's
	parts  []*template
	array  bool
}

// longRange finds literal ranges that would cost seconds and gigabytes.
var longRange = regexp.MustCompile(`\.\.\s*[0-9]{6,}`)

func parseTemplate(text json.RawMessage) (*template, error) {
	text = bytes.TrimSpace(text)
	switch text[0] {
	case '"':
		var s string
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, err
		}
		if !strings.HasPrefix(s, "{%") && !strings.HasSuffix(s, "%}") {
			return &template{raw: text}, nil
		}
		if !strings.HasPrefix(s, "{%") || !strings.HasSuffix(s, "%}") || len(s) < 4 {
			return nil, fmt.Errorf("an expression begins with {%% and ends with %%}: %q", s)
		}
		return parseExpression(strings.TrimSpace(s[2 : len(s)-2]))
	case '[':
		var parts []json.RawMessage
		if err := json.Unmarshal(text, &parts); err != nil {
			return nil, err
		}
		t := &template{array: true}
		return t, t.add(parts)
	case '{':
		keys, parts, err := members(text)
		if err != nil {
			return nil, err
		}
		t := &template{keys: keys}
		return t, t.add(parts)
	}
	return &template{raw: text}, nil
}

func parseExpression(source string) (*template, error) {
	if strings.Contains(source, "$eval(") {
		return nil, fmt.Errorf("$eval is not supported: Step Functions has no such function")
	}
	if longRange.MatchString(source) {
		return nil, fmt.Errorf("the range in %q is too long; keep it under 100,000 items", source)
	}
	expr, err := gnata.Compile(source)
	if err != nil {
		return nil, fmt.Errorf("the expression %q can't be read: %w", source, err)
	}
	return &template{source: source, expr: expr}, nil
}

func (t *template) add(parts []json.RawMessage) error {
	for _, part := range parts {
		sub, err := parseTemplate(part)
		if err != nil {
			return err
		}
		t.parts = append(t.parts, sub)
	}
	return nil
}

// members returns an object's keys and values in the order they are written.
func members(text json.RawMessage) ([]string, []json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if _, err := decoder.Token(); err != nil {
		return nil, nil, err
	}
	var keys []string
	var values []json.RawMessage
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, nil, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, nil, err
		}
		keys, values = append(keys, key.(string)), append(values, value)
	}
	return keys, values, nil
}

// literal is the text of a top-level member that is a plain string, else "".
func (t *template) literal(key string) string {
	if t == nil {
		return ""
	}
	for i, k := range t.keys {
		var s string
		if k == key && t.parts[i].raw != nil && json.Unmarshal(t.parts[i].raw, &s) == nil {
			return s
		}
	}
	return ""
}

// failure is an error of the States Language: a name that Catch can match.
type failure struct {
	name, cause string
	location    string // the field, where an evaluation failed
	parsed      bool   // the evaluation went well, its result did not fit
}

func (f *failure) Error() string { return f.name + ": " + f.cause }

const (
	queryFailed = "States.QueryEvaluationError"
	dataLimit   = "States.DataLimitExceeded"
	maxPayload  = 256 << 10 // bytes, the service's quota for any payload
)

// bindings is what an expression sees: $states and the variables.
type bindings struct {
	eval   evaluator
	states func() map[string]any
	vars   map[string]any
	made   map[string]any
}

func (b *bindings) all() map[string]any {
	if b.made == nil {
		b.made = map[string]any{"states": b.states()}
		for name, value := range b.vars {
			b.made[name] = value
		}
	}
	return b.made
}

// value evaluates t to JSON. where names the field for the error.
func (t *template) value(b *bindings, where string) (json.RawMessage, *failure) {
	switch {
	case t.raw != nil:
		return t.raw, nil
	case t.expr != nil:
		return t.evaluate(b, where)
	}
	var out bytes.Buffer
	open, end := byte('{'), byte('}')
	if t.array {
		open, end = '[', ']'
	}
	out.WriteByte(open)
	for i, part := range t.parts {
		if i > 0 {
			out.WriteByte(',')
		}
		at := fmt.Sprintf("%s[%d]", where, i)
		if !t.array {
			at = where + "/" + t.keys[i]
			key, _ := json.Marshal(t.keys[i])
			out.Write(key)
			out.WriteByte(':')
		}
		value, failed := part.value(b, at)
		if failed != nil {
			return nil, failed
		}
		out.Write(value)
	}
	out.WriteByte(end)
	return out.Bytes(), nil
}

func (t *template) evaluate(b *bindings, where string) (json.RawMessage, *failure) {
	fault := func(format string, args ...any) *failure {
		return &failure{name: queryFailed, location: where, cause: fmt.Sprintf("The JSONata expression '%s' specified for the field '%s' %s", t.source, where, fmt.Sprintf(format, args...))}
	}
	result, err := b.eval(t.expr, b.all())
	if err != nil {
		return nil, fault("threw an error during evaluation. %s", spoken(err))
	}
	if gnata.IsNull(result) {
		return json.RawMessage("null"), nil
	}
	plain := gnata.NormalizeValue(result)
	if plain == nil {
		return nil, fault("returned nothing (undefined).")
	}
	if !marshals(plain) {
		return nil, fault("returned an unsupported result type.")
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(plain); err != nil {
		return nil, fault("returned an unsupported result type.")
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}

// marshals tells whether v is JSON: a function or an infinite number is not.
func marshals(v any) bool {
	switch v := v.(type) {
	case nil, bool, string, json.Number, int, int64:
		return true
	case float64:
		return !math.IsInf(v, 0) && !math.IsNaN(v)
	case []any:
		for _, item := range v {
			if !marshals(item) {
				return false
			}
		}
		return true
	case map[string]any:
		for _, item := range v {
			if !marshals(item) {
				return false
			}
		}
		return true
	}
	return false
}

// seconds evaluates a field that is a number of seconds.
func (t *template) seconds(b *bindings, where string, least int) (int, *failure) {
	value, failed := t.value(b, where)
	if failed != nil {
		return 0, failed
	}
	n, err := strconv.ParseFloat(string(value), 64)
	if err != nil || n != math.Trunc(n) {
		return 0, t.unexpected(where, "number", value)
	}
	if n < float64(least) || n > maxSeconds {
		return 0, &failure{name: queryFailed, location: where, parsed: true, cause: fmt.Sprintf("The %s field must be a whole number between %d and %d, but was: %s", where, least, maxSeconds, value)}
	}
	return int(n), nil
}

func (t *template) unexpected(where, want string, value json.RawMessage) *failure {
	return &failure{name: queryFailed, location: where, cause: fmt.Sprintf("The JSONata expression '%s' specified for the field '%s' returned an unexpected result type. Expected '%s', but was '%s' for value: %s", t.source, where, want, kindOf(value), value)}
}

func kindOf(value json.RawMessage) string {
	switch value[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

// maxEvaluation stops an expression that has lost its way.
const maxEvaluation = 10 * time.Second

// evaluator runs one compiled expression with variables.
type evaluator func(expr *gnata.Expression, vars map[string]any) (any, error)

// newEvaluator prepares the functions that AWS adds to JSONata or that read the
// clock or chance. The environment's type is gnata's own secret, so it is held in
// this closure.
func newEvaluator(f functions) evaluator {
	base := gnata.NewCustomEnv(f.table())
	return func(expr *gnata.Expression, vars map[string]any) (any, error) {
		env := base.Clone()
		for name, value := range vars {
			env.Bind(name, value)
		}
		ctx, cancel := context.WithTimeout(context.Background(), maxEvaluation)
		defer cancel()
		return expr.EvalWithCustomFuncs(ctx, nil, env)
	}
}

// decode reads JSON for an expression; bad JSON can't come from a stored event.
func decode(text json.RawMessage) any {
	value, err := gnata.DecodeJSON(text)
	if err != nil {
		return nil
	}
	return value
}

// spoken is an error in the service's words where they are known to differ.
func spoken(err error) string {
	message := strings.TrimPrefix(err.Error(), "jsonata: ")
	if strings.HasPrefix(message, "T1006") {
		return "T1006: Attempted to invoke a non-function"
	}
	return message
}
