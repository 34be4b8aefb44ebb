package asl_test

import (
	"context"
	"encoding/json"
	"fmt"
)

// tour is the machine of the crash test and the benchmarks: 27 calls through
// everything a request goes through. Item 3 is throttled once, item 7 fails for
// good.
const tour = `{"QueryLanguage":"JSONata","StartAt":"Validate","States":{
	"Validate":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"${Validate}","Payload":{"id":"{% $states.input.id %}"}},
		"Assign":{"id":"{% $states.input.id %}"},"Output":{},"Next":"Record"},
	"Record":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"${Record}","Payload":{"id":"{% $id %}"}},"Output":{},"Next":"Prove"},
	"Prove":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","Arguments":{"FunctionName":"${Prove}","Payload":{"id":"{% $id %}","token":"{% $states.context.Task.Token %}"}},
		"TimeoutSeconds":3888000,"Output":"{% $states.result %}","Next":"Proven"},
	"Proven":{"Type":"Choice","Choices":[{"Condition":"{% $states.input.proven %}","Next":"Erase"}],"Default":"Refused"},
	"Refused":{"Type":"Fail","Error":"Refused"},
	"Erase":{"Type":"Map","MaxConcurrency":8,"Items":"{% [0..19] %}","ItemProcessor":{"ProcessorConfig":{"Mode":"INLINE"},"StartAt":"System","States":{
		"System":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke",
			"Arguments":{"FunctionName":"${System}","Payload":{"id":"{% $id %}","item":"{% $states.input %}","try":"{% $states.context.State.RetryCount %}"}},
			"Retry":[{"ErrorEquals":["Throttled"],"IntervalSeconds":1,"MaxAttempts":3,"BackoffRate":2}],
			"Catch":[{"ErrorEquals":["Broken"],"Output":"needs_attention","Next":"Parked"}],
			"Output":"{% $states.result.Payload.outcome %}","End":true},
		"Parked":{"Type":"Pass","End":true}}},
		"Output":{"done":"{% $count($states.result[$ = 'done']) %}"},"Assign":{"done":"{% $count($states.result[$ = 'done']) %}"},"Next":"Fork"},
	"Fork":{"Type":"Parallel","Branches":[
		{"StartAt":"Bundle","States":{"Bundle":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"${Bundle}","Payload":{"id":"{% $id %}"}},"Output":"bundled","End":true}}},
		{"StartAt":"Log","States":{"Log":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"${Log}","Payload":{"id":"{% $id %}"}},"Output":"logged","End":true}}}],
		"Next":"Notify"},
	"Notify":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"${Notify}","Payload":{"id":"{% $id %}","parts":"{% $states.input %}"}},
		"Output":{"done":"{% $done %}","parts":"{% $states.input %}"},"Next":"Done"},
	"Done":{"Type":"Succeed"}}}`

const (
	tourResult = `{"done":19,"parts":["bundled","logged"]}`
	tourCalls  = 27
)

// step is what every function of the tour is given.
type step struct {
	ID    string
	Token string
	Item  int
	Try   int
}

// tourStep is what every function of the tour does but Prove, which hands its token
// on.
func tourStep(_ context.Context, function string, payload json.RawMessage, prove func(step)) (json.RawMessage, error) {
	var s step
	if err := json.Unmarshal(payload, &s); err != nil {
		return nil, err
	}
	switch {
	case function == "Prove":
		prove(s)
	case function == "System" && s.Item == 3 && s.Try == 0:
		return nil, failure("Throttled")
	case function == "System" && s.Item == 7:
		return nil, failure("Broken")
	}
	return json.RawMessage(`{"outcome":"done"}`), nil
}

// tourNames are the calls that one execution makes.
func tourNames(id string) []string {
	var names []string
	for _, function := range []string{"Validate", "Record", "Prove", "Bundle", "Log", "Notify"} {
		names = append(names, fmt.Sprintf("%s %s 0 0", id, function))
	}
	for item := range 20 {
		names = append(names, fmt.Sprintf("%s System %d 0", id, item))
	}
	return append(names, id+" System 3 1")
}
