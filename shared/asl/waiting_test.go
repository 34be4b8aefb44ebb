package asl_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/asl"
)

// TestWaitingCostsNothing: 10,000 executions that wait for a token hold no
// goroutine, no timer and no memory, before and after a restart.
func TestWaitingCostsNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short")
	}
	const executions = 10_000
	given := make(tokens, executions)
	l := newLab(t, await, map[string]function{"F": given.take})
	l.start("warm", `{"timeout":3888000,"heartbeat":1000}`)
	l.settle()
	goroutines, memory := runtime.NumGoroutine(), heap()
	names := make(chan string)
	var starters sync.WaitGroup
	for range 64 {
		starters.Go(func() {
			for name := range names {
				l.start(name, `{"timeout":3888000,"heartbeat":1000}`)
			}
		})
	}
	for i := range executions - 1 {
		names <- fmt.Sprintf("x%d", i)
	}
	close(names)
	starters.Wait()
	l.settle()
	check := func(when string) {
		t.Helper()
		if n := l.InMemory(); n != 0 {
			t.Errorf("%s: %d executions are in memory", when, n)
		}
		if _, tokens, timers := l.Rows(t); tokens != executions || timers != 2*executions {
			t.Errorf("%s: %d tokens and %d timers are stored, want %d and %d", when, tokens, timers, executions, 2*executions)
		}
		until(t, func() bool { return runtime.NumGoroutine() <= goroutines+8 })
		grown := heap() - memory
		if grown > 8<<20 {
			t.Errorf("%s: the heap has grown by %d KB", when, grown>>10)
		}
		t.Logf("%s: %d goroutines more, %d KB of heap more", when, runtime.NumGoroutine()-goroutines, grown>>10)
	}
	check("waiting")
	before := processorTime(t)
	for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
	}
	if used := processorTime(t) - before; used > 50*time.Millisecond {
		t.Errorf("waiting took %v of processor time in 200 ms", used)
	}
	begun := time.Now()
	l.reopen()
	t.Logf("reopened after %v", time.Since(begun))
	check("after a restart")
	if err := l.Succeed(t.Context(), <-given, json.RawMessage(`1`)); err != nil {
		t.Error(err)
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestDelete erases an execution and looks for its payload in the files.
func TestDelete(t *testing.T) {
	t.Parallel()
	const secret = "ZEBRA-4711-PAYLOAD"
	l := newLab(t, call, map[string]function{"F": echo})
	l.start("keep", `{"a":"other"}`)
	l.start("x", `{"a":"`+strings.Repeat(secret, 1000)+`"}`)
	l.settle()
	found := func() (where []string) {
		files, err := filepath.Glob(l.config.Path + "*")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), secret) {
				where = append(where, filepath.Base(file))
			}
		}
		return where
	}
	if len(found()) == 0 {
		t.Fatal("the payload is nowhere: this test can't fail")
	}
	for range 2 { // the second time it is done already
		if err := l.Delete(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
	}
	if where := found(); len(where) > 0 {
		t.Errorf("the payload is still in %v", where)
	}
	if _, err := l.Describe(t.Context(), "x"); err == nil {
		t.Error("the execution is still there")
	}
	l.ends("keep", asl.Succeeded, `{"ExecutedVersion":"$LATEST","Payload":{"a":"other"},"StatusCode":200}`)
	l.start("x", `{"a":"again"}`) // its name is free
	l.settle()
	l.ends("x", asl.Succeeded, `{"ExecutedVersion":"$LATEST","Payload":{"a":"again"},"StatusCode":200}`)
}
