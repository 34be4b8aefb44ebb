package asl_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rightful/rightful/shared/asl"
)

// TestValidate: what Step Functions would refuse, and what the engine does not
// support, is refused with the state and the field in the error.
func TestValidate(t *testing.T) {
	t.Parallel()
	top := func(states string) string {
		return `{"QueryLanguage":"JSONata","StartAt":"A","States":{` + states + `}}`
	}
	task := func(fields string) string {
		return top(`"A":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"F"},` + fields + `"End":true}`)
	}
	for name, c := range map[string]struct{ definition, state, field string }{
		"NotJSON":             {`{`, "", ""},
		"TrailingText":        {top(`"A":{"Type":"Succeed"}`) + `}`, "", ""},
		"JSONPathMachine":     {`{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}`, "A", "QueryLanguage"},
		"JSONPathField":       {task(`"ResultPath":"$.a",`), "A", "ResultPath"},
		"UnknownTopField":     {`{"QueryLanguage":"JSONata","StartAt":"A","Sates":{}}`, "", "Sates"},
		"NoStates":            {`{"QueryLanguage":"JSONata","StartAt":"A"}`, "", "States"},
		"StartAtNowhere":      {`{"QueryLanguage":"JSONata","StartAt":"B","States":{"A":{"Type":"Succeed"}}}`, "", "StartAt"},
		"NextNowhere":         {top(`"A":{"Type":"Pass","Next":"B"}`), "A", "Next"},
		"CatchNowhere":        {task(`"Catch":[{"ErrorEquals":["E"],"Next":"B"}],`), "A", "Next"},
		"Unreachable":         {top(`"A":{"Type":"Succeed"},"B":{"Type":"Succeed"}`), "B", ""},
		"NeitherNextNorEnd":   {top(`"A":{"Type":"Pass"}`), "A", "End"},
		"BothNextAndEnd":      {top(`"A":{"Type":"Pass","Next":"A","End":true}`), "A", "End"},
		"UnknownType":         {top(`"A":{"Type":"Sleep","End":true}`), "A", "Type"},
		"UnknownResource":     {top(`"A":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Arguments":{},"End":true}`), "A", "Resource"},
		"DistributedMap":      {top(`"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED"},"StartAt":"B","States":{"B":{"Type":"Succeed"}}},"End":true}`), "A", "DISTRIBUTED"},
		"NoItemProcessor":     {top(`"A":{"Type":"Map","End":true}`), "A", "ItemProcessor"},
		"NoBranches":          {top(`"A":{"Type":"Parallel","Branches":[],"End":true}`), "A", "Branches"},
		"NoChoices":           {top(`"A":{"Type":"Choice","Choices":[]}`), "A", "Choices"},
		"RuleWithoutNext":     {top(`"A":{"Type":"Choice","Choices":[{"Condition":true}]}`), "A", "Choices"},
		"JSONPathRule":        {top(`"A":{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"A"}]}`), "A", "Choices"},
		"WaitForNothing":      {top(`"A":{"Type":"Wait","End":true}`), "A", "Seconds"},
		"WaitForBoth":         {top(`"A":{"Type":"Wait","Seconds":1,"Timestamp":"2026-01-01T00:00:00Z","End":true}`), "A", "Seconds"},
		"BadExpression":       {top(`"A":{"Type":"Pass","Output":"{% ( %}","End":true}`), "A", "Output"},
		"Eval":                {top(`"A":{"Type":"Pass","Output":"{% $eval('1') %}","End":true}`), "A", "Output"},
		"LongRange":           {top(`"A":{"Type":"Pass","Output":"{% [1..9999999] %}","End":true}`), "A", "Output"},
		"AllNotAlone":         {task(`"Retry":[{"ErrorEquals":["States.ALL","E"]}],`), "A", "Retry"},
		"AllNotLast":          {task(`"Catch":[{"ErrorEquals":["States.ALL"],"Next":"A"},{"ErrorEquals":["E"],"Next":"A"}],`), "A", "Catch"},
		"NoErrors":            {task(`"Retry":[{"ErrorEquals":[]}],`), "A", "Retry"},
		"UnknownStatesError":  {task(`"Retry":[{"ErrorEquals":["States.Nothing"]}],`), "A", "Retry"},
		"BackoffBelowOne":     {task(`"Retry":[{"ErrorEquals":["E"],"BackoffRate":0.5}],`), "A", "Retry"},
		"MaxDelayTooShort":    {task(`"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":5,"MaxDelaySeconds":5}],`), "A", "Retry"},
		"UnknownJitter":       {task(`"Retry":[{"ErrorEquals":["E"],"JitterStrategy":"SOME"}],`), "A", "Retry"},
		"RetryInPass":         {top(`"A":{"Type":"Pass","Retry":[],"End":true}`), "A", "Retry"},
		"NameTooLong":         {top(`"` + strings.Repeat("A", 81) + `":{"Type":"Succeed"}`), strings.Repeat("A", 81), ""},
		"NameTwice":           {top(`"A":{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}],"End":true}`), "A", ""},
		"LowerCaseField":      {top(`"A":{"Type":"Choice","Choices":[{"condition":true,"Next":"B"}],"Default":"B"},"B":{"Type":"Succeed"}`), "A", "condition"},
		"TimeoutZero":         {task(`"TimeoutSeconds":0,`), "A", "TimeoutSeconds"},
		"TimeoutText":         {task(`"TimeoutSeconds":"5",`), "A", "TimeoutSeconds"},
		"HeartbeatNotShorter": {task(`"TimeoutSeconds":5,"HeartbeatSeconds":5,`), "A", "HeartbeatSeconds"},
		"SecondsNegative":     {top(`"A":{"Type":"Wait","Seconds":-1,"End":true}`), "A", "Seconds"},
		"TimestampNoDate":     {top(`"A":{"Type":"Wait","Timestamp":"soon","End":true}`), "A", "Timestamp"},
		"ConcurrencyNegative": {top(`"A":{"Type":"Map","MaxConcurrency":-1,"ItemProcessor":{"StartAt":"B","States":{"B":{"Type":"Succeed"}}},"End":true}`), "A", "MaxConcurrency"},
		"HalfExpression":      {top(`"A":{"Type":"Pass","Output":"{% 1","End":true}`), "A", "Output"},
		"AssignStates":        {top(`"A":{"Type":"Pass","Assign":{"states":1},"End":true}`), "A", "Assign"},
		"AssignNoName":        {top(`"A":{"Type":"Pass","Assign":{"1a":1},"End":true}`), "A", "Assign"},
		"AssignNoObject":      {top(`"A":{"Type":"Pass","Assign":[1],"End":true}`), "A", "Assign"},
		"NoFunctionName":      {top(`"A":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"Payload":1},"End":true}`), "A", "FunctionName"},
		"UnknownArgument":     {top(`"A":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"F","InvocationType":"Event"},"End":true}`), "A", "InvocationType"},
		"ErrorOutsideCatch":   {top(`"A":{"Type":"Pass","Output":"{% $states.errorOutput %}","End":true}`), "A", "errorOutput"},
	} {
		t.Run(name, func(t *testing.T) {
			err := asl.Validate("the-machine", []byte(c.definition))
			if err == nil {
				t.Fatal("it was not refused")
			}
			for _, word := range []string{"the-machine", c.state, c.field} {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q doesn't name %q", err, word)
				}
			}
		})
	}
	t.Run("OracleIsTaken", func(t *testing.T) {
		for _, definition := range oracleDefinitions(t) {
			if err := asl.Validate("m", definition); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("TourAndRequestAreTaken", func(t *testing.T) {
		request, err := os.ReadFile(filepath.Join("..", "..", "workflows", "request.asl.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, definition := range []string{tour, call, await, string(request)} {
			if err := asl.Validate("m", []byte(definition)); err != nil {
				t.Error(err)
			}
		}
	})
}

// oracleDefinitions are the machines that the real service took; none where the
// oracle isn't beside the project.
func oracleDefinitions(t testing.TB) []json.RawMessage {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "asl-oracle", "cases.json"))
	if err != nil {
		t.Log("SKIPPED: the oracle's folder shared/asl-oracle is not beside the project")
		return nil
	}
	var oracle struct{ Cases []oracleCase }
	if err := json.Unmarshal(text, &oracle); err != nil {
		t.Fatal(err)
	}
	var all []json.RawMessage
	for _, c := range oracle.Cases {
		all = append(all, c.Definition)
	}
	return all
}

func TestStates(t *testing.T) {
	t.Parallel()
	got, err := asl.States([]byte(tour))
	if err != nil {
		t.Fatal(err)
	}
	want := []asl.State{
		{Name: "Validate", Type: "Task", Function: "Validate", Targets: []string{"Record"}},
		{Name: "Record", Type: "Task", Function: "Record", Targets: []string{"Prove"}},
		{Name: "Prove", Type: "Task", Function: "Prove", Token: true, Targets: []string{"Proven"}},
		{Name: "Proven", Type: "Choice", Targets: []string{"Refused", "Erase"}},
		{Name: "Refused", Type: "Fail"},
		{Name: "Erase", Type: "Map", Targets: []string{"Fork"}, Nested: []asl.State{
			{Name: "System", Type: "Task", Function: "System", Targets: []string{"Parked"}, Errors: []string{"Broken", "Throttled"}},
			{Name: "Parked", Type: "Pass"},
		}},
		{Name: "Fork", Type: "Parallel", Targets: []string{"Notify"}, Nested: []asl.State{
			{Name: "Bundle", Type: "Task", Function: "Bundle"}, {Name: "Log", Type: "Task", Function: "Log"},
		}},
		{Name: "Notify", Type: "Task", Function: "Notify", Targets: []string{"Done"}},
		{Name: "Done", Type: "Succeed"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzValidate: no text makes Validate panic, and what it takes has its states
// listed.
func FuzzValidate(f *testing.F) {
	for _, seed := range []string{tour, call, await, forking(), mapping(""), `{}`, `null`, `[]`, `{"States":{"A":null}}`, `{"StartAt":"A","States":{"A":{"Type":"Pass","Output":}}}`} {
		f.Add([]byte(seed))
	}
	for _, definition := range oracleDefinitions(f) {
		f.Add([]byte(definition))
	}
	f.Fuzz(func(t *testing.T, definition []byte) {
		taken := asl.Validate("m", definition) == nil
		states, err := asl.States(definition)
		if taken != (err == nil) || taken && len(states) == 0 {
			t.Errorf("Validate and States don't agree: %v, %v", taken, err)
		}
	})
}
