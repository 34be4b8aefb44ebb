package asl_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/asl"
)

// retrying is a machine with one Task and the given Retry; a Catch tells what came through.
func retrying(retry string) string {
	return fmt.Sprintf(`{"QueryLanguage":"JSONata","StartAt":"Call","States":{"Call":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke",
		"Arguments":{"FunctionName":"${F}","Payload":"{%% $states.context.State.RetryCount %%}"},"Retry":%s,
		"Catch":[{"ErrorEquals":["States.ALL"],"Output":"{%% $states.errorOutput.Error %%}","Next":"Caught"}],
		"Output":"{%% $states.result.Payload %%}","End":true},"Caught":{"Type":"Pass","End":true}}}`, retry)
}

// delays turns the clock by tenths of a second and measures the pauses between calls.
func delays(t *testing.T, retry string, calls int, seed byte) []time.Duration {
	t.Helper()
	var made atomic.Int32
	l := newLab(t, retrying(retry), map[string]function{"F": func(context.Context, json.RawMessage) (json.RawMessage, error) {
		made.Add(1)
		return nil, failure("Busy")
	}})
	l.Close()
	l.config.Rand = seeded(seed)
	l.Engine = open(t, l.config)
	l.start("x", `{}`)
	l.settle()
	var pauses []time.Duration
	for n := int32(1); int(n) < calls; n++ {
		pause := time.Duration(0)
		for ; made.Load() == n && pause < time.Hour; pause += 100 * time.Millisecond {
			l.turn(100 * time.Millisecond)
		}
		pauses = append(pauses, pause)
	}
	l.turn(time.Hour)
	l.ends("x", asl.Succeeded, `"Busy"`)
	if got := int(made.Load()); got != calls {
		t.Errorf("%d calls, want %d", got, calls)
	}
	return pauses
}

func TestRetry(t *testing.T) {
	t.Parallel()
	t.Run("BacksOffUpToMaxDelay", func(t *testing.T) {
		got := delays(t, `[{"ErrorEquals":["Busy"],"IntervalSeconds":2,"BackoffRate":1.5,"MaxDelaySeconds":5,"MaxAttempts":4}]`, 5, 1)
		want := "[2s 3s 4.5s 5s]"
		if fmt.Sprint(got) != want {
			t.Errorf("pauses %v, want %s", got, want)
		}
	})
	t.Run("DefaultsAreOneSecondDoubledThrice", func(t *testing.T) {
		if got := fmt.Sprint(delays(t, `[{"ErrorEquals":["States.ALL"]}]`, 4, 1)); got != "[1s 2s 4s]" {
			t.Errorf("pauses %v", got)
		}
	})
	t.Run("JitterStaysBelowTheBackOff", func(t *testing.T) {
		const retry = `[{"ErrorEquals":["Busy"],"IntervalSeconds":4,"BackoffRate":2,"MaxAttempts":3,"JitterStrategy":"FULL"}]`
		one, other := delays(t, retry, 4, 1), delays(t, retry, 4, 2)
		for i, most := range []time.Duration{4 * time.Second, 8 * time.Second, 16 * time.Second} {
			if one[i] > most+100*time.Millisecond || other[i] > most+100*time.Millisecond {
				t.Errorf("pause %d: %v and %v, at most %v", i, one[i], other[i], most)
			}
		}
		if fmt.Sprint(one) == fmt.Sprint(other) {
			t.Errorf("two executions pause alike: %v", one)
		}
	})
	t.Run("EveryRetrierCountsForItself", func(t *testing.T) {
		errors := []string{"A", "B", "A", "B", "B"}
		var made atomic.Int32
		l := newLab(t, retrying(`[{"ErrorEquals":["A"],"MaxAttempts":2},{"ErrorEquals":["B"],"MaxAttempts":2}]`), map[string]function{"F": func(context.Context, json.RawMessage) (json.RawMessage, error) {
			return nil, failure(errors[made.Add(1)-1])
		}})
		l.start("x", `{}`)
		for range 8 {
			l.turn(10 * time.Second)
		}
		l.ends("x", asl.Succeeded, `"B"`)
		if made.Load() != 5 {
			t.Errorf("%d calls, want 5", made.Load())
		}
	})
	t.Run("ZeroAttemptsMeansNone", func(t *testing.T) {
		var made atomic.Int32
		l := newLab(t, retrying(`[{"ErrorEquals":["A"],"MaxAttempts":0},{"ErrorEquals":["States.ALL"]}]`), map[string]function{"F": func(context.Context, json.RawMessage) (json.RawMessage, error) {
			made.Add(1)
			return nil, failure("A")
		}})
		l.start("x", `{}`)
		l.turn(time.Minute)
		l.ends("x", asl.Succeeded, `"A"`)
		if made.Load() != 1 {
			t.Errorf("%d calls, want 1", made.Load())
		}
	})
	t.Run("RetryCountIsInTheContext", func(t *testing.T) {
		l := newLab(t, retrying(`[{"ErrorEquals":["Busy"]}]`), map[string]function{"F": func(_ context.Context, payload json.RawMessage) (json.RawMessage, error) {
			if string(payload) != "2" {
				return nil, failure("Busy")
			}
			return payload, nil
		}})
		l.start("x", `{}`)
		l.settle()
		l.turn(time.Second)
		l.turn(2 * time.Second)
		l.ends("x", asl.Succeeded, `2`)
	})
	t.Run("TaskFailedMeansAnyErrorButATimeout", func(t *testing.T) {
		definition := strings.Replace(retrying(`[]`), `"States.ALL"`, `"States.TaskFailed"`, 1)
		l := newLab(t, definition, map[string]function{"F": func(context.Context, json.RawMessage) (json.RawMessage, error) { return nil, failure("Busy") }})
		l.start("x", `{}`)
		l.settle()
		l.ends("x", asl.Succeeded, `"Busy"`)
		hang := func(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		l = newLab(t, strings.Replace(definition, `"End":true`, `"TimeoutSeconds":5,"End":true`, 1), map[string]function{"F": hang})
		l.start("x", `{}`)
		l.turn(5 * time.Second)
		l.ends("x", asl.Failed, "States.Timeout")
	})
}

func TestCatch(t *testing.T) {
	t.Parallel()
	t.Run("AssignAndOutputSeeTheErrorAndTheInput", func(t *testing.T) {
		l := newLab(t, `{"QueryLanguage":"JSONata","StartAt":"Call","States":{
			"Call":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"F"},
				"Catch":[{"ErrorEquals":["Denied"],"Assign":{"why":"{% $states.errorOutput.Error %}"},"Output":"{% $states.input.a %}","Next":"After"}],"Next":"After"},
			"After":{"Type":"Pass","Output":"{% [$why, $states.input] %}","End":true}}}`,
			map[string]function{"F": func(context.Context, json.RawMessage) (json.RawMessage, error) { return nil, failure("Denied") }})
		l.start("x", `{"a":7}`)
		l.settle()
		l.ends("x", asl.Succeeded, `["Denied",7]`)
	})
	t.Run("NextStateHasItsOwnCatch", func(t *testing.T) {
		l := newLab(t, `{"QueryLanguage":"JSONata","StartAt":"Call","States":{
			"Call":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"F"},"Catch":[{"ErrorEquals":["Denied"],"Next":"Wrong"}],"Next":"Wrong"},
			"Wrong":{"Type":"Map","Items":"{% 'no list' %}","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},
				"Catch":[{"ErrorEquals":["States.QueryEvaluationError"],"Output":"caught","Next":"After"}],"Next":"After"},
			"After":{"Type":"Pass","End":true}}}`,
			map[string]function{"F": func(context.Context, json.RawMessage) (json.RawMessage, error) { return nil, failure("Denied") }})
		l.start("x", `{}`)
		l.settle()
		l.ends("x", asl.Succeeded, `"caught"`)
	})
	t.Run("ErrorInTheCatcherIsNotCaughtByIt", func(t *testing.T) {
		l := newLab(t, `{"QueryLanguage":"JSONata","StartAt":"Call","States":{
			"Call":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"F"},"Catch":[{"ErrorEquals":["States.ALL"],"Output":"{% $undefined() %}","Next":"After"}],"Next":"After"},
			"After":{"Type":"Pass","End":true}}}`,
			map[string]function{"F": func(context.Context, json.RawMessage) (json.RawMessage, error) { return nil, failure("Denied") }})
		l.start("x", `{}`)
		l.settle()
		l.ends("x", asl.Failed, "States.QueryEvaluationError")
	})
}
