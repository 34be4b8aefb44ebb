package asl_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/asl"
)

// TestMain lets the test binary be the child of TestKill.
func TestMain(m *testing.M) {
	if dir := os.Getenv("RIGHTFUL_KILL_DIR"); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestKill runs executions in a child that is killed again and again, and then
// checks that every one ended right, that every call was made, and that none was
// made that shouldn't be. RIGHTFUL_LONG=1 makes it ten times as long.
func TestKill(t *testing.T) {
	executions, kills := 60, 12
	if os.Getenv("RIGHTFUL_LONG") != "" {
		executions, kills = 400, 120
	}
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	run := func(life time.Duration) (finished bool) {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), "RIGHTFUL_KILL_DIR="+dir, "RIGHTFUL_KILL_EXECUTIONS="+strconv.Itoa(executions))
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if life > 0 {
			kill := time.AfterFunc(life, func() { c.Process.Kill() })
			defer kill.Stop()
		}
		err := c.Wait()
		if err != nil && c.ProcessState.ExitCode() != -1 {
			t.Fatalf("the child failed by itself: %v", err)
		}
		return err == nil
	}
	killed := 0
	for range kills {
		if !run(time.Duration(15+random.IntN(70)) * time.Millisecond) {
			killed++
		}
	}
	if !run(0) {
		t.Fatal("the last child was killed by somebody else")
	}
	if killed < kills/2 {
		t.Errorf("only %d of %d children were killed before they were through: give them more to do", killed, kills)
	}

	l := &lab{t: t, config: killConfig(dir), Engine: open(t, killConfig(dir))}
	l.settle()
	for i := range executions {
		l.ends(fmt.Sprintf("x%d", i), asl.Succeeded, tourResult)
	}
	calls := map[string]int{}
	for _, line := range lines(t, dir, "calls") {
		calls[line]++
	}
	repeated := 0
	for i := range executions {
		for _, name := range tourNames(fmt.Sprintf("x%d", i)) {
			if calls[name] == 0 {
				t.Errorf("the call %q was lost", name)
			}
			repeated += calls[name] - 1
			delete(calls, name)
		}
	}
	for name := range calls {
		t.Errorf("the call %q should not have been made", name)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "flow.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var sound string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&sound); err != nil || sound != "ok" {
		t.Errorf("integrity: %s %v", sound, err)
	}
	t.Logf("%d children killed, %d executions, %d calls made again", killed, executions, repeated)
}

func lines(t testing.TB, dir, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// killConfig is what the parent and the children have in common.
func killConfig(dir string) asl.Config {
	return asl.Config{
		Path: filepath.Join(dir, "flow.db"), Definitions: map[string][]byte{"m": []byte(tour)},
		Now: time.Now,
		Invoke: func(context.Context, string, json.RawMessage) (json.RawMessage, error) {
			return nil, errors.New("nothing is left to call")
		},
		Log: slog.New(slog.DiscardHandler),
	}
}

// child starts the executions that are not there and carries all to their ends.
// Calls and tokens are written down before anything else is done with them.
func child(dir string) error {
	executions, err := strconv.Atoi(os.Getenv("RIGHTFUL_KILL_EXECUTIONS"))
	if err != nil {
		return err
	}
	var mu sync.Mutex
	write := func(name, line string) error {
		mu.Lock()
		defer mu.Unlock()
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = f.WriteString(line + "\n")
		return err
	}
	ctx := context.Background()
	given := make(chan string, 10_000)
	c := killConfig(dir)
	// The clock runs a thousand times as fast, and on through the restarts.
	epoch := time.Now()
	if text, err := os.ReadFile(filepath.Join(dir, "epoch")); err == nil {
		nanos, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil {
			return err
		}
		epoch = time.Unix(0, nanos)
	} else if err := write("epoch", strconv.FormatInt(epoch.UnixNano(), 10)); err != nil {
		return err
	}
	c.Now = func() time.Time { return epoch.Add(time.Since(epoch) * 1000) }
	c.Invoke = func(ctx context.Context, function string, payload json.RawMessage) (json.RawMessage, error) {
		var s step
		if err := json.Unmarshal(payload, &s); err != nil {
			return nil, err
		}
		if err := write("calls", fmt.Sprintf("%s %s %d %d", s.ID, function, s.Item, s.Try)); err != nil {
			return nil, err
		}
		time.Sleep(time.Duration(rand.IntN(8)) * time.Millisecond)
		return tourStep(ctx, function, payload, func(s step) {
			if err := write("tokens", s.Token); err == nil {
				given <- s.Token
			}
		})
	}
	e, err := asl.Open(ctx, c)
	if err != nil {
		return err
	}
	if f, err := os.Open(filepath.Join(dir, "tokens")); err == nil {
		for scan := bufio.NewScanner(f); scan.Scan(); {
			given <- scan.Text()
		}
		f.Close()
	}
	go func() {
		for token := range given {
			if err := e.Succeed(ctx, token, json.RawMessage(`{"proven":true}`)); err != nil && !errors.Is(err, asl.ErrUnknownToken) && !errors.Is(err, asl.ErrClosed) {
				panic(err)
			}
		}
	}()
	for i := range executions {
		name := fmt.Sprintf("x%d", i)
		if err := e.Start(ctx, "m", name, json.RawMessage(`{"id":"`+name+`"}`)); err != nil {
			return err
		}
	}
	for running := true; running; time.Sleep(time.Millisecond) {
		e.Wake()
		running = false
		for i := range executions {
			x, err := e.Describe(ctx, fmt.Sprintf("x%d", i))
			if err != nil {
				return err
			}
			if x.Status == asl.Running {
				running = true
				break
			}
		}
	}
	return e.Close()
}
