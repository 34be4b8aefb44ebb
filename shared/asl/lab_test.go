package asl_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/asl"
)

// clock is turned by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// failure is an error with a name, as our functions return it.
type failure string

func (f failure) ErrorName() string { return string(f) }
func (f failure) Error() string     { return "it is said to fail" }

// function is what a test puts in the place of a Lambda function.
type function func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error)

func echo(_ context.Context, payload json.RawMessage) (json.RawMessage, error) { return payload, nil }

// lab is an engine with a clock and functions that the test has in hand.
type lab struct {
	*asl.Engine
	t      testing.TB
	clock  *clock
	config asl.Config
}

// newLab opens an engine with one machine, "m".
func newLab(t testing.TB, definition string, functions map[string]function) *lab {
	t.Helper()
	c := newClock()
	config := asl.Config{
		Path: filepath.Join(t.TempDir(), "flow.db"), Definitions: map[string][]byte{"m": []byte(definition)}, Now: c.Now, Rand: seeded(1),
		Invoke: func(ctx context.Context, name string, payload json.RawMessage) (json.RawMessage, error) {
			f := functions[name]
			if f == nil {
				return nil, fmt.Errorf("the test has no function %q", name)
			}
			return f(ctx, payload)
		},
	}
	return &lab{t: t, clock: c, config: config, Engine: open(t, config)}
}

// reopen closes the engine and opens another on the same file.
func (l *lab) reopen() {
	l.t.Helper()
	if err := l.Close(); err != nil {
		l.t.Fatal(err)
	}
	l.Engine = open(l.t, l.config)
}

func (l *lab) start(name, input string) {
	l.t.Helper()
	if err := l.Start(l.t.Context(), "m", name, json.RawMessage(input)); err != nil {
		l.t.Fatal(err)
	}
}

// settle lets happen what can happen now.
func (l *lab) settle() {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), time.Minute)
	defer cancel()
	if err := l.Settle(ctx); err != nil {
		l.t.Fatal(err)
	}
}

// turn turns the clock and lets happen what came due.
func (l *lab) turn(d time.Duration) {
	l.t.Helper()
	l.clock.turn(d)
	l.settle()
}

func (l *lab) describe(name string) asl.Execution {
	l.t.Helper()
	x, err := l.Describe(l.t.Context(), name)
	if err != nil {
		l.t.Fatal(err)
	}
	return x
}

// ends checks how an execution ended and that it left nothing open.
func (l *lab) ends(name string, status asl.Status, result string) {
	l.t.Helper()
	x := l.describe(name)
	got := string(x.Output)
	if x.Status != asl.Succeeded {
		got = x.Error
	}
	if x.Status != status || got != result {
		l.t.Errorf("%s: %s %s (%s), want %s %s", name, x.Status, got, x.Cause, status, result)
	}
	if tasks, tokens, timers := l.Rows(l.t); tasks+tokens+timers != 0 {
		l.t.Errorf("%s: %d tasks, %d tokens and %d timers are left over", name, tasks, tokens, timers)
	}
}

// stands checks that an execution runs and where.
func (l *lab) stands(name string, states ...string) {
	l.t.Helper()
	x := l.describe(name)
	if x.Status != asl.Running || fmt.Sprint(x.States) != fmt.Sprint(states) {
		l.t.Errorf("%s: %s in %v (%s %s), want RUNNING in %v", name, x.Status, x.States, x.Error, x.Cause, states)
	}
}

// count tells how often events of a type are in a history.
func (l *lab) count(name, kind string) int {
	l.t.Helper()
	history, err := l.History(l.t.Context(), name)
	if err != nil {
		l.t.Fatal(err)
	}
	n := 0
	for _, e := range history {
		if e.Type == kind {
			n++
		}
	}
	return n
}

// tokens takes the tokens that a waiting function is given.
type tokens chan string

func (to tokens) take(_ context.Context, payload json.RawMessage) (json.RawMessage, error) {
	var p struct{ Token string }
	if err := json.Unmarshal(payload, &p); err != nil {
		return nil, err
	}
	to <- p.Token
	return json.RawMessage("null"), nil
}

// seeded is randomness that is the same every time.
func seeded(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

// open opens an engine and closes it with the test.
func open(t testing.TB, c asl.Config) *asl.Engine {
	t.Helper()
	if c.Path == "" {
		c.Path = filepath.Join(t.TempDir(), "flow.db")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Rand == nil {
		c.Rand = seeded(1)
	}
	if c.Fatal == nil {
		c.Fatal = func(err error) { panic(errors.Join(errors.New("fatal"), err)) }
	}
	e, err := asl.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}
