// Package emulator is the few AWS services that the functions call, in memory, for
// tests that run the built functions: S3, SQS, SES, EventBridge, KMS, SSM, and Step Functions in
// front of the local engine. DynamoDB is AWS's own engine, beside it.
//
// It promises the answers that the official SDK understands, errors included. It
// checks no signature and keeps nothing: it is no place for data.
package emulator

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Emulator serves every service under one address.
type Emulator struct {
	Now  func() time.Time
	Flow Flow // runs executions
	Old  bool // SQS is older than fair queues

	BusFails int // so many entries of a call a bus refuses

	mu         sync.Mutex
	objects    map[string][]byte // "bucket/key"
	uploads    map[string]map[int][]byte
	messages   map[string][]Message // by queue
	mails      []Mail
	unmailed   []Suppressed
	published  []Published
	parameters map[string]string
	calls      map[string]int // by "service.Operation"
}

// Calls counts what was called, by "service.Operation".
func (e *Emulator) Calls() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := map[string]int{}
	for name, n := range e.calls {
		all[name] = n
	}
	return all
}

func (e *Emulator) count(name string) {
	if e.calls == nil {
		e.calls = map[string]int{}
	}
	e.calls[name]++
}

// operations of the services that say in a header what is called.
var operations = map[string]func(*Emulator, json.RawMessage) (any, error){
	"AWSEvents.PutEvents":              (*Emulator).putEvents,
	"AmazonSQS.SendMessageBatch":       (*Emulator).sendMessageBatch,
	"TrentService.Encrypt":             (*Emulator).encrypt,
	"TrentService.Decrypt":             (*Emulator).decrypt,
	"AmazonSSM.GetParametersByPath":    (*Emulator).parametersByPath,
	"AWSStepFunctions.StartExecution":  (*Emulator).startExecution,
	"AWSStepFunctions.SendTaskSuccess": (*Emulator).taskSuccess,
	"AWSStepFunctions.SendTaskFailure": (*Emulator).taskFailure,
}

// fault is an error as a service answers it.
type fault struct{ name, text string }

func (f fault) Error() string { return f.text }

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target := r.Header.Get("X-Amz-Target")
	switch {
	case target != "":
		var body json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		do, ok := operations[target]
		if !ok {
			answer(w, fault{"UnknownOperationException", "the emulator doesn't know " + target}, nil)
			return
		}
		e.mu.Lock()
		e.count(target)
		e.mu.Unlock()
		out, err := do(e, body)
		answer(w, err, out)
	case strings.HasPrefix(r.URL.Path, "/v2/email/suppression/"):
		e.suppressed(w, r)
	case strings.HasPrefix(r.URL.Path, "/v2/email/"):
		e.sendEmail(w, r)
	default:
		e.s3(w, r)
	}
}

func answer(w http.ResponseWriter, err error, out any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if f, ok := err.(fault); ok {
		w.WriteHeader(http.StatusBadRequest)
		out = map[string]string{"__type": f.name, "message": f.text}
	} else if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		out = map[string]string{"__type": "InternalFailure", "message": err.Error()}
	}
	json.NewEncoder(w).Encode(out)
}
