package events_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rightful/rightful/events"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/step"
)

// steps are the methods whose messages the schemas describe.
var steps = map[string]any{
	"acknowledge": step.Acknowledge.Do, "verify-identity": step.VerifyIdentity.Do, "expire": step.Expire.Do, "decide": step.Decide.Do,
	"locate": step.Locate.Do, "review": step.Review.Do, "fulfil-wave": step.FulfilWave.Do, "bundle": step.Bundle.Do,
	"notify": step.Notify.Do, "refuse": step.Refuse.Do, "refer": step.Refer.Do, "withdraw": step.Withdraw.Do, "close": step.Close.Do,
}

type schemaFile struct {
	Schema     string `json:"$schema"`
	ID         string `json:"$id"`
	Title      string
	Properties map[string]struct {
		MaxLength int
		Enum      []string
	}
	Required             []string
	AdditionalProperties *bool
}

func open(t *testing.T, message string) schemaFile {
	t.Helper()
	var s schemaFile
	if err := json.Unmarshal(read(t, "schema/"+message+".schema.json"), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchemas_SayWhatTheStepsSay: every field of a step's message is described
// and required, and no other is.
func TestSchemas_SayWhatTheStepsSay(t *testing.T) {
	t.Parallel()
	for name, do := range steps {
		typ := reflect.TypeOf(do)
		for message, fields := range map[string]reflect.Type{name + ".input": typ.In(2), name + ".output": typ.Out(0)} {
			var want []string
			for i := range fields.NumField() {
				want = append(want, fields.Field(i).Tag.Get("json"))
			}
			slices.Sort(want)
			s := open(t, message)
			if diff := cmp.Diff(want, slices.Sorted(maps.Keys(s.Properties))); diff != "" {
				t.Errorf("%s (-step +schema):\n%s", message, diff)
			}
			if diff := cmp.Diff(want, slices.Sorted(slices.Values(s.Required))); diff != "" {
				t.Errorf("%s requires other fields (-step +schema):\n%s", message, diff)
			}
		}
	}
}

// TestSchemas_AreAllUsed: each names itself, is strict and has a sample.
func TestSchemas_AreAllUsed(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(events.Files, "schema/*")
	if err != nil || len(files) != 2*len(steps)+5 {
		t.Errorf("%d schemas for %d steps, %v", len(files), len(steps), err)
	}
	for _, file := range files {
		message, isSchema := strings.CutSuffix(path.Base(file), ".schema.json")
		if !isSchema {
			t.Errorf("%s is no schema", file)
			continue
		}
		s := open(t, message)
		if s.Schema != "https://json-schema.org/draft/2020-12/schema" || s.Title != message || !strings.HasSuffix(s.ID, "/"+path.Base(file)) || s.AdditionalProperties == nil || *s.AdditionalProperties {
			t.Errorf("%s: %s %s, title %q", file, s.Schema, s.ID, s.Title)
		}
		sample, direction, ofStep := strings.Cut(message, ".")
		pattern := sample + "/*.json"
		if ofStep {
			pattern = sample + "/" + direction + ".json"
		}
		if found, err := fs.Glob(events.Files, pattern); err != nil || len(found) == 0 {
			t.Errorf("%s has no sample", file)
		}
	}
}

// TestSchemas_RefuseOtherMessages: a sample with a field more, a required field
// less, or a value of another type is not a sample.
func TestSchemas_RefuseOtherMessages(t *testing.T) {
	t.Parallel()
	samples, err := fs.Glob(events.Files, "*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, file := range samples {
		folder, name := path.Split(file)
		message := strings.TrimSuffix(folder, "/")
		if message == "schema" {
			continue
		}
		if name == "input.json" || name == "output.json" {
			message += "." + strings.TrimSuffix(name, ".json")
		}
		schema, text := compile(t, message), read(t, file)
		refuse := func(what string, change func(map[string]any)) {
			t.Helper()
			sample, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			change(sample.(map[string]any))
			if schema.Validate(sample) == nil {
				t.Errorf("%s is a %s with %s", file, message, what)
			}
			refused++
		}
		refuse("an address", func(m map[string]any) { m["email"] = "ada@example.com" })
		for _, field := range open(t, message).Required {
			refuse("no "+field, func(m map[string]any) { delete(m, field) })
			refuse("an odd "+field, func(m map[string]any) { m[field] = map[string]any{"odd": true} })
		}
	}
	if refused < 60 {
		t.Errorf("only %d messages were tried", refused)
	}
}

// TestSubmission_KnowsTheRights: the schema, the core and its limits agree.
func TestSubmission_KnowsTheRights(t *testing.T) {
	t.Parallel()
	s := open(t, "submission")
	var want []string
	for _, r := range rights.Rights() {
		want = append(want, string(r))
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(s.Properties["right"].Enum))); diff != "" {
		t.Errorf("(-core +schema):\n%s", diff)
	}
	if s.Properties["details"].MaxLength != rights.MaxDetails || s.Properties["agent"].MaxLength != rights.MaxName {
		t.Errorf("details %d, agent %d", s.Properties["details"].MaxLength, s.Properties["agent"].MaxLength)
	}
	files, err := fs.Glob(events.Files, "submission/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d samples, %v", len(files), err)
	}
	for _, file := range files {
		var body struct {
			Right          rights.Right
			Subject        rights.Subject
			Details, Agent string
		}
		if err := json.Unmarshal(read(t, file), &body); err != nil {
			t.Fatal(err)
		}
		if _, err := (rights.Personal{Subject: body.Subject, Details: body.Details, Agent: body.Agent}).Clean(); err != nil || !body.Right.Known() {
			t.Errorf("%s isn't taken: %v", file, err)
		}
	}
}
