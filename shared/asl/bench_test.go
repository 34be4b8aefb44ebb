package asl_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/asl"
)

// commitsPerSecond measures what one row in one transaction costs on this disk,
// with synchronous=FULL: the yardstick of the other benchmarks.
func commitsPerSecond(b *testing.B) float64 {
	b.Helper()
	db, err := sql.Open("sqlite", filepath.Join(b.TempDir(), "yardstick.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT)"); err != nil {
		b.Fatal(err)
	}
	begun, n := time.Now(), 0
	for ; time.Since(begun) < time.Second; n++ {
		if _, err := db.Exec("INSERT INTO t (v) VALUES ('a row')"); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(begun).Seconds()
}

func BenchmarkCommit(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(commitsPerSecond(b), "commits/s")
	}
}

// BenchmarkTour carries out the tour of 27 calls, eight executions at once; a
// second of the States Language is a millisecond. The aim is at least 0.05
// executions for a single-row commit.
func BenchmarkTour(b *testing.B) {
	yardstick := commitsPerSecond(b)
	begun := time.Now()
	told := make([]chan struct{}, 8) // the worker's execution is all but over
	for i := range told {
		told[i] = make(chan struct{}, 1)
	}
	tell := func(payload json.RawMessage) {
		var s step
		var i int
		if err := json.Unmarshal(payload, &s); err != nil {
			b.Error(err)
		}
		if _, err := fmt.Sscanf(s.ID, "x%d", &i); err != nil {
			b.Error(err)
		}
		told[i%8] <- struct{}{}
	}
	var e *asl.Engine
	e = open(b, asl.Config{
		Definitions: map[string][]byte{"m": []byte(tour)},
		Now:         func() time.Time { return begun.Add(time.Since(begun) * 1000) },
		Invoke: func(ctx context.Context, function string, payload json.RawMessage) (json.RawMessage, error) {
			if function == "Notify" {
				defer tell(payload)
			}
			return tourStep(ctx, function, payload, func(s step) {
				if err := e.Succeed(ctx, s.Token, json.RawMessage(`{"proven":true}`)); err != nil {
					b.Error(err)
				}
			})
		},
	})
	ticker := time.NewTicker(3 * time.Millisecond)
	defer ticker.Stop()
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case <-ticker.C:
				e.Wake()
			case <-done:
				return
			}
		}
	}()
	b.ResetTimer()
	from := time.Now()
	var eight sync.WaitGroup
	for worker := range 8 {
		eight.Go(func() {
			for i := worker; i < b.N; i += 8 {
				name := fmt.Sprintf("x%d", i)
				if err := e.Start(b.Context(), "m", name, json.RawMessage(`{"id":"`+name+`"}`)); err != nil {
					b.Error(err)
				}
				<-told[i%8]
			}
		})
	}
	eight.Wait()
	if err := e.Settle(b.Context()); err != nil {
		b.Fatal(err)
	}
	perSecond := float64(b.N) / time.Since(from).Seconds()
	b.StopTimer()
	for i := range b.N {
		if x, err := e.Describe(b.Context(), fmt.Sprintf("x%d", i)); err != nil || string(x.Output) != tourResult {
			b.Fatalf("x%d: %s %s %v", i, x.Status, x.Output, err)
		}
	}
	b.ReportMetric(perSecond, "executions/s")
	b.ReportMetric(yardstick, "commits/s")
	b.ReportMetric(perSecond/yardstick, "executions/commit")
}

// BenchmarkStep measures one Task of a chain of 28, one execution at a time. The
// aim is at most twice the time of a commit.
func BenchmarkStep(b *testing.B) {
	const steps = 28
	yardstick := commitsPerSecond(b)
	var states []string
	for i := range steps {
		next := fmt.Sprintf(`"Next":"S%d"`, i+1)
		if i == steps-1 {
			next = `"End":true`
		}
		states = append(states, fmt.Sprintf(`"S%d":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"F","Payload":"{%% $states.input %%}"},"Output":"{%% $states.result.Payload %%}",%s}`, i, next))
	}
	over := make(chan struct{}, 1)
	var calls int
	e := open(b, asl.Config{
		Definitions: map[string][]byte{"m": []byte(`{"QueryLanguage":"JSONata","StartAt":"S0","States":{` + strings.Join(states, ",") + `}}`)},
		Now:         time.Now,
		Invoke: func(_ context.Context, _ string, payload json.RawMessage) (json.RawMessage, error) {
			if calls++; calls%steps == 0 {
				over <- struct{}{}
			}
			return payload, nil
		},
	})
	b.ResetTimer()
	from := time.Now()
	for i := range b.N {
		if err := e.Start(b.Context(), "m", fmt.Sprint(i), json.RawMessage(`{"request":"x"}`)); err != nil {
			b.Fatal(err)
		}
		<-over
	}
	if err := e.Settle(b.Context()); err != nil {
		b.Fatal(err)
	}
	step := time.Since(from).Seconds() / float64(b.N*steps)
	b.ReportMetric(step*1e6, "µs/step")
	b.ReportMetric(1e6/yardstick, "µs/commit")
	b.ReportMetric(step*yardstick, "commits/step")
}
