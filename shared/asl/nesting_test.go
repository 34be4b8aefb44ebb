package asl_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/asl"
)

func invoke(name, rest string) string {
	return fmt.Sprintf(`"%s":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"%s","Payload":"{%% $states.input %%}"},"Output":"{%% $states.result.Payload %%}",%s}`, name, name, rest)
}

// mapping is a machine that maps F over $states.input with the given fields.
func mapping(fields string) string {
	return `{"QueryLanguage":"JSONata","StartAt":"Each","States":{"Each":{"Type":"Map",` + fields + `
		"ItemProcessor":{"ProcessorConfig":{"Mode":"INLINE"},"StartAt":"F","States":{` + invoke("F", `"End":true`) + `}},"Next":"After"},
		"After":{"Type":"Pass","End":true}}}`
}

func TestMap(t *testing.T) {
	t.Parallel()
	t.Run("EmptyGivesAnEmptyList", func(t *testing.T) {
		l := newLab(t, mapping(""), map[string]function{})
		l.start("x", `[]`)
		l.settle()
		l.ends("x", asl.Succeeded, `[]`)
	})
	t.Run("ResultsKeepTheOrderOfTheItems", func(t *testing.T) {
		l := newLab(t, mapping(`"ItemSelector":{"i":"{% $states.context.Map.Item.Index %}","v":"{% $states.context.Map.Item.Value %}"},`), map[string]function{"F": echo})
		l.start("x", `["a",null,{"b":1}]`)
		l.settle()
		l.ends("x", asl.Succeeded, `[{"i":0,"v":"a"},{"i":1,"v":null},{"i":2,"v":{"b":1}}]`)
	})
	for name, c := range map[string]struct {
		field string
		most  int32
	}{"MaxConcurrencyIsKept": {`"MaxConcurrency":3,`, 3}, "MaxConcurrencyFromAnExpression": {`"MaxConcurrency":"{% 1 + 1 %}",`, 2}, "FortyAtOnceWithoutIt": {"", 40}} {
		t.Run(name, func(t *testing.T) {
			var now, most atomic.Int32
			full := make(chan struct{})
			var once sync.Once
			l := newLab(t, mapping(c.field), map[string]function{"F": func(_ context.Context, payload json.RawMessage) (json.RawMessage, error) {
				n := now.Add(1)
				defer now.Add(-1)
				for {
					m := most.Load()
					if n <= m || most.CompareAndSwap(m, n) {
						break
					}
				}
				if n == c.most {
					once.Do(func() { close(full) })
				}
				<-full // nobody goes on before as many run as may
				return payload, nil
			}})
			items, _ := json.Marshal(make([]int, 50))
			l.start("x", string(items))
			l.settle()
			l.ends("x", asl.Succeeded, string(items))
			if most.Load() != c.most {
				t.Errorf("%d ran at once, want %d", most.Load(), c.most)
			}
		})
	}
	odd := func(_ context.Context, payload json.RawMessage) (json.RawMessage, error) {
		if strings.Contains("13579", string(payload)) {
			return nil, failure("Odd")
		}
		return payload, nil
	}
	for name, c := range map[string]struct {
		fields, items string
		status        asl.Status
		result        string
	}{
		"OneFailureFailsTheState":      {"", `[0,1,2]`, asl.Failed, "Odd"},
		"ToleratedFailuresAreNull":     {`"ToleratedFailureCount":2,`, `[0,1,2,3]`, asl.Succeeded, `[0,null,2,null]`},
		"OneFailureTooMany":            {`"ToleratedFailureCount":1,`, `[0,1,2,3]`, asl.Failed, "States.ExceedToleratedFailureThreshold"},
		"ToleratedShare":               {`"ToleratedFailurePercentage":50,`, `[0,1,2,3]`, asl.Succeeded, `[0,null,2,null]`},
		"ShareExceeded":                {`"ToleratedFailurePercentage":40,`, `[0,1,2,3]`, asl.Failed, "States.ExceedToleratedFailureThreshold"},
		"EitherThresholdFailsTheState": {`"ToleratedFailureCount":1,"ToleratedFailurePercentage":100,`, `[1,3,2]`, asl.Failed, "States.ExceedToleratedFailureThreshold"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, mapping(c.fields), map[string]function{"F": odd})
			l.start("x", c.items)
			l.settle()
			l.ends("x", c.status, c.result)
		})
	}
	t.Run("FailureCancelsTheOthers", func(t *testing.T) {
		var cancelled atomic.Int32
		var begun sync.WaitGroup
		begun.Add(3)
		l := newLab(t, mapping(`"Catch":[{"ErrorEquals":["Bad"],"Output":"caught","Next":"After"}],`), map[string]function{"F": func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
			begun.Done()
			begun.Wait()
			if string(payload) == "1" {
				return nil, failure("Bad")
			}
			<-ctx.Done()
			cancelled.Add(1)
			return nil, ctx.Err()
		}})
		l.start("x", `[0,1,2]`)
		l.settle()
		l.ends("x", asl.Succeeded, `"caught"`)
		if cancelled.Load() != 2 {
			t.Errorf("%d were cancelled, want 2", cancelled.Load())
		}
		if n := l.count("x", "MapIterationAborted"); n != 2 {
			t.Errorf("%d iterations aborted, want 2", n)
		}
	})
}

const fork = `{"QueryLanguage":"JSONata","StartAt":"Fork","States":{"Fork":{"Type":"Parallel","Arguments":"{% $states.input.n %}",
	"Retry":[{"ErrorEquals":["Again"],"IntervalSeconds":5,"MaxAttempts":1}],
	"Catch":[{"ErrorEquals":["States.ALL"],"Output":"{% $states.errorOutput.Error %}","Next":"After"}],
	"Branches":[{"StartAt":"A","States":{%s}},{"StartAt":"B","States":{%s}}],"Next":"After"},"After":{"Type":"Pass","End":true}}}`

func forking() string {
	return strings.Replace(strings.Replace(fork, "%s", invoke("A", `"End":true`), 1), "%s", invoke("B", `"End":true`), 1)
}

func TestParallel(t *testing.T) {
	t.Parallel()
	t.Run("ResultsKeepTheOrderOfTheBranches", func(t *testing.T) {
		second := make(chan struct{})
		l := newLab(t, forking(), map[string]function{
			"A": func(_ context.Context, p json.RawMessage) (json.RawMessage, error) { <-second; return p, nil },
			"B": func(context.Context, json.RawMessage) (json.RawMessage, error) {
				defer close(second)
				return json.RawMessage(`"b"`), nil
			},
		})
		l.start("x", `{"n":5}`)
		l.settle()
		l.ends("x", asl.Succeeded, `[5,"b"]`)
	})
	t.Run("AbortRetryCatch", func(t *testing.T) {
		var begun, cancelled atomic.Int32
		both := make(chan struct{}, 10)
		l := newLab(t, forking(), map[string]function{
			"A": func(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
				begun.Add(1)
				both <- struct{}{}
				<-ctx.Done()
				cancelled.Add(1)
				return nil, ctx.Err()
			},
			"B": func(context.Context, json.RawMessage) (json.RawMessage, error) { <-both; return nil, failure("Again") },
		})
		l.start("x", `{"n":5}`)
		l.settle()
		l.stands("x", "Fork")
		l.turn(5 * time.Second)
		l.ends("x", asl.Succeeded, `"Again"`)
		if begun.Load() != 2 || cancelled.Load() != 2 {
			t.Errorf("the other branch began %d times and was cancelled %d times, want 2 and 2", begun.Load(), cancelled.Load())
		}
		if n := l.count("x", "ParallelStateFailed"); n != 1 {
			t.Errorf("ParallelStateFailed stands %d times in the history, want 1: when nothing is left to try", n)
		}
	})
	t.Run("FirstOfSeveralFailuresDecides", func(t *testing.T) {
		begun, late := make(chan struct{}), make(chan struct{})
		l := newLab(t, forking(), map[string]function{
			"A": func(context.Context, json.RawMessage) (json.RawMessage, error) { <-begun; return nil, failure("First") },
			"B": func(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
				close(begun)
				<-ctx.Done()
				defer close(late)
				return nil, failure("Second")
			},
		})
		l.start("x", `{"n":5}`)
		<-late
		l.settle()
		l.ends("x", asl.Succeeded, `"First"`)
	})
}

func TestNesting(t *testing.T) {
	t.Parallel()
	t.Run("MapInParallelInMap", func(t *testing.T) {
		l := newLab(t, `{"QueryLanguage":"JSONata","StartAt":"Outer","States":{"Outer":{"Type":"Map","ItemProcessor":{"StartAt":"Fork","States":{
			"Fork":{"Type":"Parallel","Branches":[
				{"StartAt":"Inner","States":{"Inner":{"Type":"Map","Items":"{% $states.input %}","ItemProcessor":{"StartAt":"F","States":{`+invoke("F", `"End":true`)+`}},"End":true}}},
				{"StartAt":"Index","States":{"Index":{"Type":"Pass","Output":"{% $states.context.Map.Item.Index %}","End":true}}}],"End":true}}},"End":true}}}`,
			map[string]function{"F": func(_ context.Context, p json.RawMessage) (json.RawMessage, error) {
				return json.RawMessage("1" + string(p)), nil
			}})
		l.start("x", `[[1,2],[],[3]]`)
		l.settle()
		l.ends("x", asl.Succeeded, `[[[11,12],0],[[],1],[[13],2]]`)
	})
	t.Run("VariablesOfAScope", func(t *testing.T) {
		l := newLab(t, `{"QueryLanguage":"JSONata","StartAt":"Set","States":{
			"Set":{"Type":"Pass","Assign":{"a":1,"b":"{% $states.input.n %}"},"Next":"Swap"},
			"Swap":{"Type":"Pass","Assign":{"a":"{% $b %}","b":"{% $a %}"},"Next":"Each"},
			"Each":{"Type":"Map","Items":[1,2],"ItemProcessor":{"StartAt":"In","States":{
				"In":{"Type":"Pass","Assign":{"c":"{% $a + $states.input %}"},"Next":"Out"},
				"Out":{"Type":"Pass","Output":"{% [$a, $b, $c] %}","End":true}}},
				"Assign":{"seen":"{% $exists($c) %}"},"Next":"After"},
			"After":{"Type":"Pass","Output":"{% [$states.input, $seen] %}","End":true}}}`, nil)
		l.start("x", `{"n":5}`)
		l.settle()
		l.ends("x", asl.Succeeded, `[[5,1,6],[5,1,7],false]`)
	})
	t.Run("WaitsInSeveralIterations", func(t *testing.T) {
		l := newLab(t, `{"QueryLanguage":"JSONata","StartAt":"Each","States":{"Each":{"Type":"Map","MaxConcurrency":2,"ItemProcessor":{"StartAt":"W","States":{
			"W":{"Type":"Wait","Seconds":"{% $states.input %}","Output":"{% $states.context.State.EnteredTime %}","End":true}}},"End":true}}}`, nil)
		l.start("x", `[10,5,5]`)
		l.turn(5 * time.Second)
		l.stands("x", "Each", "W", "W")
		l.turn(5 * time.Second)
		l.ends("x", asl.Succeeded, `["2026-01-01T00:00:00.000Z","2026-01-01T00:00:00.000Z","2026-01-01T00:00:05.000Z"]`)
	})
}
