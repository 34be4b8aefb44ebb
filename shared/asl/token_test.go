package asl_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/asl"
)

const await = `{"QueryLanguage":"JSONata","StartAt":"Await","States":{"Await":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken",
	"Arguments":{"FunctionName":"${F}","Payload":{"token":"{% $states.context.Task.Token %}"}},
	"TimeoutSeconds":"{% $states.input.timeout %}","HeartbeatSeconds":"{% $states.input.heartbeat %}",
	"Retry":[{"ErrorEquals":["Again"],"IntervalSeconds":1}],
	"Catch":[{"ErrorEquals":["States.HeartbeatTimeout"],"Output":"silent","Next":"Caught"},
		{"ErrorEquals":["States.ALL"],"Output":"{% $states.errorOutput.Error %}","Next":"Caught"}],"End":true},
	"Caught":{"Type":"Pass","End":true}}}`

func TestToken(t *testing.T) {
	t.Parallel()
	const input = `{"timeout":100,"heartbeat":40}`
	waiting := func(t *testing.T) (*lab, tokens) {
		given := make(tokens, 10)
		l := newLab(t, await, map[string]function{"F": given.take})
		l.start("x", input)
		l.settle()
		l.stands("x", "Await")
		return l, given
	}
	t.Run("SuccessEndsTheWait", func(t *testing.T) {
		l, given := waiting(t)
		token := <-given
		if err := l.Succeed(t.Context(), token, json.RawMessage(`{"ok": true}`)); err != nil {
			t.Fatal(err)
		}
		l.ends("x", asl.Succeeded, `{"ok":true}`)
		if err := l.Succeed(t.Context(), token, json.RawMessage(`1`)); !errors.Is(err, asl.ErrUnknownToken) {
			t.Errorf("a used token: %v", err)
		}
	})
	t.Run("FailureIsCaughtByItsName", func(t *testing.T) {
		l, given := waiting(t)
		if err := l.Fail(t.Context(), <-given, "Withdrawn", ""); err != nil {
			t.Fatal(err)
		}
		l.ends("x", asl.Succeeded, `"Withdrawn"`)
	})
	t.Run("UnknownTokenChangesNothing", func(t *testing.T) {
		l, _ := waiting(t)
		for _, token := range []string{"", "x", "x.1"} {
			if err := l.Succeed(t.Context(), token, json.RawMessage(`1`)); !errors.Is(err, asl.ErrUnknownToken) {
				t.Errorf("token %q: %v", token, err)
			}
			if err := l.Heartbeat(t.Context(), token); !errors.Is(err, asl.ErrUnknownToken) {
				t.Errorf("token %q: %v", token, err)
			}
		}
		l.stands("x", "Await")
	})
	t.Run("HeartbeatRenewsAndLapses", func(t *testing.T) {
		l, given := waiting(t)
		token := <-given
		for range 2 {
			l.turn(39 * time.Second)
			if err := l.Heartbeat(t.Context(), token); err != nil {
				t.Fatal(err)
			}
		}
		l.turn(21 * time.Second)
		l.stands("x", "Await")
		l.turn(time.Second) // 100 seconds in all: the timeout comes first
		l.ends("x", asl.Succeeded, `"States.Timeout"`)
	})
	t.Run("SilenceIsAHeartbeatTimeout", func(t *testing.T) {
		l, given := waiting(t)
		l.turn(40 * time.Second)
		l.ends("x", asl.Succeeded, `"silent"`)
		if err := l.Heartbeat(t.Context(), <-given); !errors.Is(err, asl.ErrUnknownToken) {
			t.Errorf("a lapsed token: %v", err)
		}
	})
	t.Run("RetryHasAnotherToken", func(t *testing.T) {
		l, given := waiting(t)
		first := <-given
		if err := l.Fail(t.Context(), first, "Again", ""); err != nil {
			t.Fatal(err)
		}
		l.turn(time.Second)
		second := <-given
		if err := l.Succeed(t.Context(), first, json.RawMessage(`1`)); !errors.Is(err, asl.ErrUnknownToken) {
			t.Errorf("the first try's token: %v", err)
		}
		// The first try's timers are gone with it.
		l.turn(39 * time.Second)
		l.stands("x", "Await")
		if err := l.Succeed(t.Context(), second, json.RawMessage(`2`)); err != nil {
			t.Fatal(err)
		}
		l.ends("x", asl.Succeeded, `2`)
	})
	t.Run("AnswerBeforeTheFunctionReturns", func(t *testing.T) {
		var l *lab
		ready := make(chan struct{})
		l = newLab(t, await, map[string]function{"F": func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
			<-ready
			var p struct{ Token string }
			if err := json.Unmarshal(payload, &p); err != nil {
				return nil, err
			}
			return json.RawMessage("null"), l.Succeed(ctx, p.Token, json.RawMessage(`"at once"`))
		}})
		close(ready)
		l.start("x", input)
		l.settle()
		l.ends("x", asl.Succeeded, `"at once"`)
	})
	t.Run("FunctionsResultIsIgnoredAndItsFailureIsNot", func(t *testing.T) {
		l := newLab(t, await, map[string]function{"F": func(context.Context, json.RawMessage) (json.RawMessage, error) {
			return json.RawMessage(`"a result"`), failure("Denied")
		}})
		l.start("x", input)
		l.settle()
		l.ends("x", asl.Succeeded, `"Denied"`)
	})
	t.Run("NeitherSecondsOutOfRange", func(t *testing.T) {
		for _, input := range []string{`{"timeout":0,"heartbeat":1}`, `{"timeout":1.5,"heartbeat":1}`, `{"timeout":"1","heartbeat":1}`, `{"timeout":10}`} {
			l := newLab(t, await, map[string]function{})
			l.start("x", input)
			l.settle()
			l.ends("x", asl.Succeeded, `"States.QueryEvaluationError"`)
		}
	})
}
