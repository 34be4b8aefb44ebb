// Package runtime starts a built function as Lambda does and hands it events through
// the Runtime API, so that tests run the very files that are deployed.
//
// It promises the parts of the API that a function on provided.al2023 uses: next,
// response, error, init error. One process takes one event at a time. It leaves out
// what the service does around it: scaling, retries, limits.
package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Error is what a function answered instead of a result.
type Error struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (e *Error) Error() string     { return e.Message }
func (e *Error) ErrorName() string { return e.Type }

// Function is one running process.
type Function struct {
	Init   time.Duration // from the start of the process to its first poll
	Memory int64         // resident bytes at its first poll, 0 where the system doesn't tell
	cmd    *exec.Cmd
	server *http.Server
	mu     sync.Mutex // one event at a time
	next   chan call
	done   chan struct{}
	wait   func() error
}

type call struct {
	id      string
	payload []byte
	answer  chan<- answer
}

type answer struct {
	payload []byte
	err     error
}

// Start starts the program with env alone, which lacks nothing that Lambda sets.
func Start(ctx context.Context, program string, env map[string]string, log io.Writer) (*Function, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &Function{next: make(chan call), done: make(chan struct{})}
	polled := make(chan struct{})
	f.server = &http.Server{Handler: f.api(sync.OnceFunc(func() { close(polled) }))}
	go f.server.Serve(listener)

	f.cmd = exec.Command(program)
	f.cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=test", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128", "AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_EC2_METADATA_DISABLED=true"}
	for name, value := range env {
		f.cmd.Env = append(f.cmd.Env, name+"="+value)
	}
	f.cmd.Stdout, f.cmd.Stderr = log, log
	start := time.Now()
	if err := f.cmd.Start(); err != nil {
		return nil, err
	}
	f.wait = sync.OnceValue(f.cmd.Wait)
	go func() { f.wait(); close(f.done) }()
	select {
	case <-polled:
		f.Init = time.Since(start)
		f.Memory = resident(f.cmd.Process.Pid)
		return f, nil
	case <-f.done:
		return nil, fmt.Errorf("%s ended before it asked for an event: %s", program, f.cmd.ProcessState)
	case <-ctx.Done():
		f.Stop()
		return nil, ctx.Err()
	}
}

// resident reads a process's memory from Linux's proc.
func resident(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	var size, pages int64
	fmt.Sscan(string(text), &size, &pages)
	return pages * int64(os.Getpagesize())
}

// Stop ends the process and returns the processor time that it used.
func (f *Function) Stop() time.Duration {
	f.cmd.Process.Signal(os.Kill)
	f.wait() // killed: that is no news
	f.server.Close()
	return f.cmd.ProcessState.UserTime() + f.cmd.ProcessState.SystemTime()
}

// Invoke hands the process an event and returns its answer; an error that the
// function answered is an *Error.
func (f *Function) Invoke(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	answers := make(chan answer, 1)
	select {
	case f.next <- call{id: strconv.FormatInt(time.Now().UnixNano(), 36), payload: payload, answer: answers}:
	case <-f.done:
		return nil, &Error{Type: "Runtime.ExitError", Message: "the function's process has ended"}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case a := <-answers:
		return a.payload, a.err
	case <-f.done:
		return nil, &Error{Type: "Runtime.ExitError", Message: "the function's process has ended"}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

const version = "/2018-06-01/runtime"

func (f *Function) api(polled func()) http.Handler {
	var current call
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+version+"/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		polled()
		select {
		case current = <-f.next:
		case <-r.Context().Done():
			return
		}
		head := w.Header()
		head.Set("Lambda-Runtime-Aws-Request-Id", current.id)
		head.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(15*time.Minute).UnixMilli(), 10))
		head.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:000000000000:function:test")
		w.Write(current.payload)
	})
	mux.HandleFunc("POST "+version+"/invocation/{id}/{kind}", func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		a := answer{payload: text, err: err}
		if strings.HasSuffix(r.URL.Path, "/error") {
			failed := &Error{}
			if a.err = json.Unmarshal(text, failed); a.err == nil {
				a = answer{err: failed}
			}
		}
		w.WriteHeader(http.StatusAccepted)
		current.answer <- a
	})
	mux.HandleFunc("POST "+version+"/init/error", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	return mux
}
