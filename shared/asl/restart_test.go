package asl_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rightful/rightful/shared/asl"
)

// TestRestart closes and opens the engine at every step of the tour.
func TestRestart(t *testing.T) {
	t.Parallel()
	given := make(tokens, 1)
	l := newLab(t, tour, nil)
	l.config.Invoke = func(ctx context.Context, function string, payload json.RawMessage) (json.RawMessage, error) {
		return tourStep(ctx, function, payload, func(s step) { given <- s.Token })
	}
	l.reopen()
	l.start("x", `{"id":"x"}`)
	for range 100 {
		l.reopen()
		l.settle()
		l.reopen()
		select {
		case token := <-given:
			if err := l.Succeed(t.Context(), token, json.RawMessage(`{"proven":true}`)); err != nil && !errors.Is(err, asl.ErrUnknownToken) {
				t.Fatal(err)
			}
			continue
		default:
		}
		if l.describe("x").Status != asl.Running {
			break
		}
		l.clock.turn(time.Second)
	}
	l.settle()
	l.ends("x", asl.Succeeded, tourResult)
}

func TestRestartCallsAgain(t *testing.T) {
	t.Parallel()
	t.Run("WhatWasBeingCalled", func(t *testing.T) {
		var calls atomic.Int32
		begun := make(chan struct{}, 2)
		l := newLab(t, call, map[string]function{"F": func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
			begun <- struct{}{}
			if calls.Add(1) == 1 {
				<-ctx.Done()
			}
			return payload, nil
		}})
		l.start("x", `{"a":1}`)
		<-begun
		l.reopen()
		l.settle()
		l.ends("x", asl.Succeeded, `{"ExecutedVersion":"$LATEST","Payload":{"a":1},"StatusCode":200}`)
		if calls.Load() != 2 {
			t.Errorf("%d calls, want 2", calls.Load())
		}
	})
	t.Run("NotWhatWaitsForItsToken", func(t *testing.T) {
		given := make(tokens, 10)
		l := newLab(t, await, map[string]function{"F": given.take})
		l.start("x", `{"timeout":100,"heartbeat":40}`)
		l.settle()
		l.reopen()
		l.settle()
		if len(given) != 1 {
			t.Fatalf("%d calls, want 1", len(given))
		}
		if err := l.Succeed(t.Context(), <-given, json.RawMessage(`1`)); err != nil {
			t.Fatal(err)
		}
		l.ends("x", asl.Succeeded, `1`)
	})
	t.Run("AndBothTokensAreGood", func(t *testing.T) {
		for use := range 2 {
			given := make(tokens, 10)
			l := newLab(t, await, map[string]function{"F": func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
				answer, err := given.take(ctx, payload)
				if len(given) == 1 {
					<-ctx.Done()
				}
				return answer, err
			}})
			l.start("x", `{"timeout":100,"heartbeat":40}`)
			until(t, func() bool { return len(given) == 1 })
			l.reopen()
			l.settle()
			both := []string{<-given, <-given}
			if both[0] == both[1] {
				t.Error("the second call has the first one's token: it is stored somewhere")
			}
			if err := l.Succeed(t.Context(), both[use], json.RawMessage(`1`)); err != nil {
				t.Fatal(err)
			}
			l.ends("x", asl.Succeeded, `1`)
		}
	})
	t.Run("TimersGoOn", func(t *testing.T) {
		given := make(tokens, 10)
		l := newLab(t, await, map[string]function{"F": given.take})
		l.start("x", `{"timeout":100,"heartbeat":40}`)
		l.settle()
		l.clock.turn(100 * time.Second) // both come due while nobody is there: the first one counts
		l.reopen()
		l.settle()
		l.ends("x", asl.Succeeded, `"silent"`)
	})
}

// TestDefinitionIsPinned: an execution goes on with the text it started with.
func TestDefinitionIsPinned(t *testing.T) {
	t.Parallel()
	waiting := func(output string) string {
		return `{"QueryLanguage":"JSONata","StartAt":"W","States":{"W":{"Type":"Wait","Seconds":10,"Next":"P"},"P":{"Type":"Pass","Output":"` + output + `","End":true}}}`
	}
	l := newLab(t, waiting("old"), nil)
	l.start("x", `{}`)
	l.config.Definitions = map[string][]byte{"m": []byte(waiting("new"))}
	l.reopen()
	l.start("y", `{}`)
	l.config.Definitions = map[string][]byte{"n": []byte(waiting("other"))}
	l.reopen()
	l.turn(10 * time.Second)
	l.ends("x", asl.Succeeded, `"old"`)
	l.ends("y", asl.Succeeded, `"new"`)
	if err := l.Start(t.Context(), "m", "z", json.RawMessage(`{}`)); err == nil {
		t.Error("a machine that is gone was started")
	}
}

// TestFoldingEqualsLive does what may happen to executions in random order and
// compares, after every step, what is in memory with what the events add up to.
func TestFoldingEqualsLive(t *testing.T) {
	const definition = `{"QueryLanguage":"JSONata","TimeoutSeconds":500,"StartAt":"Fork","States":{
		"Fork":{"Type":"Parallel","Retry":[{"ErrorEquals":["A"],"JitterStrategy":"FULL"}],"Catch":[{"ErrorEquals":["States.ALL"],"Assign":{"e":"{% $states.errorOutput %}"},"Next":"W"}],"Assign":{"r":"{% $states.result %}"},"Next":"W","Branches":[
			{"StartAt":"Each","States":{"Each":{"Type":"Map","Items":[1,2,3],"MaxConcurrency":2,"ToleratedFailureCount":1,"ItemProcessor":{"StartAt":"F","States":{
				"F":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"F"},"TimeoutSeconds":20,"Assign":{"v":"{% $states.result.Payload %}"},
					"Retry":[{"ErrorEquals":["A"],"MaxAttempts":1}],"Catch":[{"ErrorEquals":["B"],"Next":"P"}],"Next":"P"},
				"P":{"Type":"Pass","Output":{"v":"{% $v %}","<":"é"},"End":true}}},"End":true}}},
			{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","Arguments":{"FunctionName":"T","Payload":{"token":"{% $states.context.Task.Token %}"}},
				"TimeoutSeconds":60,"HeartbeatSeconds":30,"Retry":[{"ErrorEquals":["B"]}],"End":true}}}]},
		"W":{"Type":"Wait","Seconds":7,"Output":null,"Next":"C"},
		"C":{"Type":"Choice","Choices":[{"Condition":"{% $exists($e) %}","Output":"{% $e %}","Next":"No"}],"Default":"Yes"},
		"No":{"Type":"Fail","Error":"No","Cause":"{% $e.Cause %}"},"Yes":{"Type":"Succeed","Output":"{% $r %}"}}}`
	n, steps := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		l := newLab(t, definition, nil)
		var mu sync.Mutex
		var given []string
		var answers []string
		l.config.Path = filepath.Join(t.TempDir(), fmt.Sprint(n))
		l.config.Concurrency = 1
		l.config.Invoke = func(_ context.Context, function string, payload json.RawMessage) (json.RawMessage, error) {
			mu.Lock()
			defer mu.Unlock()
			if function == "T" {
				var p struct{ Token string }
				if err := json.Unmarshal(payload, &p); err != nil {
					return nil, err
				}
				given = append(given, p.Token)
				return nil, nil
			}
			answer := answers[0]
			answers = append(answers[1:], answer)
			if len(answer) == 1 {
				return nil, failure(answer)
			}
			return json.RawMessage(answer), nil
		}
		answers = rapid.SliceOfN(rapid.SampledFrom([]string{`"<ok>"`, `{"a": [1.50, null]}`, "A", "B", "C"}), 3, 8).Draw(rt, "answers")
		l.reopen()
		names := []string{"x"}
		keep := func() {
			for _, name := range names {
				l.Keep(name)
			}
		}
		keep()
		l.start("x", `{ "<": 1.0 }`)
		l.settle()
		token := func() string {
			mu.Lock()
			defer mu.Unlock()
			if len(given) == 0 {
				return ""
			}
			return given[rapid.IntRange(0, len(given)-1).Draw(rt, "token")]
		}
		steps++
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			steps++
			var err error
			switch rapid.SampledFrom([]string{"turn", "turn", "succeed", "fail", "heartbeat", "reopen", "start", "stop"}).Draw(rt, "op") {
			case "turn":
				l.clock.turn(time.Duration(rapid.IntRange(0, 40_000).Draw(rt, "ms")) * time.Millisecond)
			case "succeed":
				err = l.Succeed(t.Context(), token(), json.RawMessage(`{ "ok": "&" }`))
			case "fail":
				err = l.Fail(t.Context(), token(), rapid.SampledFrom([]string{"A", "B", "C"}).Draw(rt, "error"), "why")
			case "heartbeat":
				err = l.Heartbeat(t.Context(), token())
			case "reopen":
				l.reopen()
				keep()
			case "start":
				name := fmt.Sprintf("y%d", len(names))
				names = append(names, name)
				l.Keep(name)
				l.start(name, `null`)
			case "stop":
				err = l.Stop(t.Context(), names[len(names)-1], "Stopped", "")
			}
			if err != nil && !errors.Is(err, asl.ErrUnknownToken) {
				rt.Fatal(err)
			}
			l.settle()
			for _, name := range names {
				if live, folded := l.Live(t, name); live != folded {
					rt.Fatalf("%s differs:\n%s", name, firstDifference(live, folded))
				}
			}
		}
		if err := l.Close(); err != nil {
			rt.Fatal(err)
		}
	})
	t.Logf("%d steps", steps)
}

func firstDifference(a, b string) string {
	left, right := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(left), len(right)) {
		if left[i] != right[i] {
			return fmt.Sprintf("live   %s\nfolded %s", left[i], right[i])
		}
	}
	return "one is longer"
}
