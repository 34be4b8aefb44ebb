package asl_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/asl"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	large := func(context.Context, json.RawMessage) (json.RawMessage, error) {
		return json.RawMessage(`"` + strings.Repeat("x", 256<<10) + `"`), nil
	}
	t.Run("LargeResultIsADataLimitThatAllDoesNotCatch", func(t *testing.T) {
		l := newLab(t, strings.Replace(call, `"Denied"`, `"Other"`, 1), map[string]function{"F": large})
		l.start("x", `{}`)
		l.settle()
		l.ends("x", asl.Failed, "States.DataLimitExceeded")
		l = newLab(t, retrying(`[{"ErrorEquals":["States.ALL"]}]`), map[string]function{"F": large})
		l.start("x", `{}`)
		l.settle()
		l.ends("x", asl.Failed, "States.DataLimitExceeded")
	})
	t.Run("LargeResultIsCaughtByItsName", func(t *testing.T) {
		l := newLab(t, strings.Replace(call, `"Denied"`, `"States.DataLimitExceeded"`, 1), map[string]function{"F": large})
		l.start("x", `{}`)
		l.settle()
		if x := l.describe("x"); x.Status != asl.Succeeded || !strings.Contains(string(x.Output), "DataLimitExceeded") {
			t.Errorf("%s %s", x.Status, x.Error)
		}
	})
	t.Run("LargeOutputAndVariable", func(t *testing.T) {
		for _, field := range []string{`"Output":"{% $string([1..60000]) %}"`, `"Assign":{"v":"{% $string([1..60000]) %}"}`} {
			l := newLab(t, `{"QueryLanguage":"JSONata","StartAt":"P","States":{"P":{"Type":"Pass",`+field+`,"End":true}}}`, nil)
			l.start("x", `{}`)
			l.settle()
			l.ends("x", asl.Failed, "States.DataLimitExceeded")
		}
	})
	t.Run("LargeInputIsRefused", func(t *testing.T) {
		l := newLab(t, call, nil)
		if err := l.Start(t.Context(), "m", "x", json.RawMessage(`"`+strings.Repeat("x", 256<<10)+`"`)); err == nil {
			t.Error("it was taken")
		}
	})
	t.Run("EndlessLoopStopsAtTheQuotaAndDoesNotBlockOthers", func(t *testing.T) {
		l := newLab(t, `{"QueryLanguage":"JSONata","StartAt":"C","States":{
			"C":{"Type":"Choice","Choices":[{"Condition":"{% $states.input.loop %}","Next":"A"}],"Default":"B"},
			"A":{"Type":"Pass","Next":"C"},"B":{"Type":"Pass","End":true}}}`, nil)
		l.start("x", `{"loop":true}`)
		l.start("y", `{"loop":false}`)
		if x := l.describe("x"); x.Status != asl.Running {
			t.Errorf("the loop ran to its end in one transaction")
		}
		l.settle()
		l.ends("y", asl.Succeeded, `{"loop":false}`)
		l.ends("x", asl.Failed, "States.Runtime")
		if n := l.count("x", "PassStateEntered"); n < 6_000 {
			t.Errorf("it stopped after %d rounds", n)
		}
	})
	t.Run("WideMapGoesOverSeveralTransactions", func(t *testing.T) {
		l := newLab(t, `{"QueryLanguage":"JSONata","StartAt":"Each","States":{"Each":{"Type":"Map","Items":"{% [1..2000] %}","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","Output":1,"End":true}}},"Output":"{% $sum($states.result) %}","End":true}}}`, nil)
		l.start("x", `{}`)
		l.settle()
		l.ends("x", asl.Succeeded, `2000`)
	})
}

// TestExpression covers what Step Functions makes of JSONata's odd corners.
func TestExpression(t *testing.T) {
	t.Parallel()
	const failed = "States.QueryEvaluationError"
	for expression, want := range map[string]string{
		"1/0":                                 failed,
		"function($x){$x}":                    failed,
		"[1, function($x){$x}]":               failed,
		"$states.input.missing":               failed,
		"null":                                `null`,
		"{'a': null}":                         `{"a":null}`,
		"[null, $states.input.missing]":       `[null]`,
		"$now()":                              `"2026-01-01T00:00:00.000Z"`,
		"$now('[Y0001]')":                     `"2026"`,
		"$now('[H01]:[m01]', '+0130')":        `"01:30"`,
		"$millis()":                           `1767225600000`,
		"$range(0, 200000, 1)":                failed,
		"$range(2, 6, 2)":                     `[2,4,6]`,
		"$partition([1..5], 2)":               `[[1,2],[3,4],[5]]`,
		"$hash('a', 'SHA-1')":                 `"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"`,
		"$hash('a', 'ROT-13')":                failed,
		"$parse('{\"a\": [1, null]}')":        `{"a":[1,null]}`,
		"$parse('{')":                         failed,
		"$random(7) = $random(7)":             `true`,
		"$length($uuid())":                    `36`,
		"$random() < 1":                       `true`,
		"'<&>'":                               `"<&>"`,
		"9007199254740993":                    `9007199254740992`,
		"$states.input.a + 1":                 `2`,
		"$f := function($x){$f($x)}; $f(1)":   "",
		"($f := function($x){$f($x)}; $f(1))": failed,
	} {
		t.Run(expression, func(t *testing.T) {
			quoted, err := json.Marshal("{% " + expression + " %}")
			if err != nil {
				t.Fatal(err)
			}
			definition := fmt.Sprintf(`{"QueryLanguage":"JSONata","StartAt":"P","States":{"P":{"Type":"Pass","Output":%s,"End":true}}}`, quoted)
			if want == "" {
				if asl.Validate("m", []byte(definition)) == nil {
					t.Error("it was not refused")
				}
				return
			}
			l := newLab(t, definition, nil)
			l.start("x", `{"a":1}`)
			l.settle()
			status := asl.Succeeded
			if want == failed {
				status = asl.Failed
			}
			l.ends("x", status, want)
		})
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	for field, at := range map[string]time.Duration{
		`"Seconds":10`: 10 * time.Second, `"Seconds":"{% $states.input.s %}"`: 3 * time.Second,
		`"Timestamp":"2026-01-01T01:00:00+00:30"`: 30 * time.Minute, `"Timestamp":"{% $states.input.at %}"`: time.Minute,
	} {
		t.Run(field, func(t *testing.T) {
			l := newLab(t, `{"QueryLanguage":"JSONata","StartAt":"W","States":{"W":{"Type":"Wait",`+field+`,"Output":"over","End":true}}}`, nil)
			l.start("x", `{"s":3,"at":"2026-01-01T00:01:00Z"}`)
			l.turn(at - time.Millisecond)
			l.stands("x", "W")
			l.turn(time.Millisecond)
			l.ends("x", asl.Succeeded, `"over"`)
		})
	}
}
