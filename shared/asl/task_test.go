package asl_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/asl"
)

const call = `{"QueryLanguage":"JSONata","StartAt":"Call","States":{"Call":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke",
	"Arguments":{"FunctionName":"${F}","Payload":"{% $states.input %}"},"TimeoutSeconds":60,
	"Output":"{% $states.result %}","Catch":[
		{"ErrorEquals":["Denied"],"Output":"{% $states.errorOutput %}","Next":"Caught"},
		{"ErrorEquals":["States.Timeout"],"Output":"late","Next":"Caught"}],"End":true},
	"Caught":{"Type":"Pass","End":true}}}`

func TestTask(t *testing.T) {
	t.Parallel()
	t.Run("ResultHasTheServicesShape", func(t *testing.T) {
		l := newLab(t, call, map[string]function{"F": echo})
		l.start("x", `{ "a": "<b>" }`)
		l.settle()
		l.ends("x", asl.Succeeded, `{"ExecutedVersion":"$LATEST","Payload":{"a":"<b>"},"StatusCode":200}`)
	})
	t.Run("NamedErrorIsCaughtByItsName", func(t *testing.T) {
		l := newLab(t, call, map[string]function{"F": func(context.Context, json.RawMessage) (json.RawMessage, error) { return nil, failure("Denied") }})
		l.start("x", `{}`)
		l.settle()
		l.ends("x", asl.Succeeded, `{"Cause":"{\"errorMessage\":\"it is said to fail\",\"errorType\":\"Denied\"}","Error":"Denied"}`)
	})
	for name, f := range map[string]function{
		"UnnamedErrorIsInternal": func(context.Context, json.RawMessage) (json.RawMessage, error) { return nil, errors.New("a secret") },
		"PanicIsInternal":        func(context.Context, json.RawMessage) (json.RawMessage, error) { panic("a secret") },
		"NoJSONIsInternal":       func(context.Context, json.RawMessage) (json.RawMessage, error) { return json.RawMessage("{"), nil },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, call, map[string]function{"F": f})
			l.start("x", `{}`)
			l.settle()
			l.ends("x", asl.Failed, "Internal")
		})
	}
	t.Run("TimeoutCancelsTheFunction", func(t *testing.T) {
		cancelled := make(chan error, 1)
		begun := make(chan struct{})
		l := newLab(t, call, map[string]function{"F": func(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
			close(begun)
			<-ctx.Done()
			cancelled <- ctx.Err()
			return nil, ctx.Err()
		}})
		l.start("x", `{}`)
		<-begun
		l.turn(time.Minute)
		if err := <-cancelled; !errors.Is(err, context.Canceled) {
			t.Errorf("the function saw %v", err)
		}
		l.ends("x", asl.Succeeded, `"late"`)
	})
	t.Run("LateAnswerOfATimedOutCallIsIgnored", func(t *testing.T) {
		begun, answer := make(chan struct{}), make(chan struct{})
		l := newLab(t, call, map[string]function{"F": func(context.Context, json.RawMessage) (json.RawMessage, error) {
			close(begun)
			<-answer
			return json.RawMessage(`"too late"`), nil
		}})
		l.start("x", `{}`)
		<-begun
		l.clock.turn(time.Minute)
		l.Wake()
		until(t, func() bool { return l.describe("x").Status != asl.Running })
		close(answer)
		l.settle()
		l.ends("x", asl.Succeeded, `"late"`)
	})
}

// until waits for something that happens without the test.
func until(t testing.TB, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !happened(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it didn't happen within 30 seconds")
		}
	}
}

func TestStart(t *testing.T) {
	t.Parallel()
	l := newLab(t, `{"QueryLanguage":"JSONata","StartAt":"W","States":{"W":{"Type":"Wait","Seconds":10,"End":true}}}`, nil)
	l.start("x", `{ "a": "<1>" }`)
	l.start("x", `{"a":"<1>"}`)
	if err := l.Start(t.Context(), "m", "x", json.RawMessage(`{"a":2}`)); !errors.Is(err, asl.ErrExecutionExists) {
		t.Errorf("the same name with another input: %v", err)
	}
	l.reopen()
	l.start("x", `{ "a": "<1>" }`)
	if err := l.Start(t.Context(), "n", "y", json.RawMessage(`{}`)); err == nil {
		t.Error("an unknown machine was started")
	}
	if err := l.Start(t.Context(), "m", "y", json.RawMessage(`{`)); err == nil {
		t.Error("an input that is not JSON was taken")
	}
	if _, err := l.Describe(t.Context(), "y"); !errors.Is(err, asl.ErrNoExecution) {
		t.Errorf("a refused start left something: %v", err)
	}
	l.turn(10 * time.Second)
	l.ends("x", asl.Succeeded, `{"a":"<1>"}`)
	l.start("x", `{ "a": "<1>" }`)
}

func TestStop(t *testing.T) {
	t.Parallel()
	cancelled, begun := make(chan struct{}), make(chan struct{})
	l := newLab(t, call, map[string]function{"F": func(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
		close(begun)
		<-ctx.Done()
		close(cancelled)
		return nil, ctx.Err()
	}})
	l.start("x", `{}`)
	<-begun
	if err := l.Delete(t.Context(), "x"); !errors.Is(err, asl.ErrRunning) {
		t.Errorf("deleting what runs: %v", err)
	}
	if err := l.Stop(t.Context(), "x", "Withdrawn", "the person took it back"); err != nil {
		t.Fatal(err)
	}
	<-cancelled
	l.settle()
	l.ends("x", asl.Aborted, "Withdrawn")
	if err := l.Stop(t.Context(), "x", "Again", ""); err != nil {
		t.Errorf("stopping it again: %v", err)
	}
	if err := l.Stop(t.Context(), "y", "", ""); !errors.Is(err, asl.ErrNoExecution) {
		t.Errorf("stopping what isn't there: %v", err)
	}
}

func TestExecutionTimeout(t *testing.T) {
	t.Parallel()
	l := newLab(t, `{"QueryLanguage":"JSONata","TimeoutSeconds":30,"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":10,"Next":"V"},"V":{"Type":"Wait","Seconds":100,"End":true}}}`, nil)
	l.start("x", `{}`)
	l.turn(10 * time.Second)
	l.stands("x", "V")
	l.turn(20 * time.Second)
	l.ends("x", asl.TimedOut, "States.Timeout")
}
