// Package entry is where Lambda calls in: the only import of aws-lambda-go.
//
// It promises that an error of ours crosses the border under its code, so that the
// workflow's Catch names constants of rights, and that anything else crosses as
// Internal, with its text in the log alone. A function opens what it needs from
// elsewhere at its first call, not before: what fails then fails again at the next
// call, instead of killing the process.
//
// It leaves to each function's main what is opened.
package entry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rightful/rightful/shared/config"
	"github.com/rightful/rightful/shared/rights"
)

// Log is every function's log: JSON lines that name no person.
var Log = slog.New(slog.NewJSONHandler(os.Stderr, nil))

// Settings reads a function's settings and the AWS configuration. It ends the
// process with the names of what is missing.
func Settings[T any]() (T, aws.Config) {
	settings, err := config.Load[T]()
	if err != nil {
		Log.Error("this function can't start", "error", err)
		os.Exit(1)
	}
	return settings, awsConfig()
}

// Opened is what open returns, once it succeeded.
func opened[T any](open func(context.Context) (T, error)) func(context.Context) (T, error) {
	var mu sync.Mutex
	var done bool
	var it T
	return func(ctx context.Context) (T, error) {
		mu.Lock()
		defer mu.Unlock()
		if !done {
			var err error
			if it, err = open(ctx); err != nil {
				return it, err
			}
			done = true
		}
		return it, nil
	}
}

// Task serves a workflow state, or anything else that is called with one value and
// answers one.
func Task[I, O any](open func(context.Context) (func(context.Context, I) (O, error), error)) {
	get := opened(open)
	lambda.Start(func(ctx context.Context, payload json.RawMessage) (any, error) {
		do, err := get(ctx)
		if err != nil {
			return nil, named(ctx, err)
		}
		var in I
		decoder := json.NewDecoder(bytes.NewReader(payload))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&in); err != nil {
			return nil, named(ctx, &rights.Error{Code: rights.Malformed, Detail: "The payload doesn't fit this function."})
		}
		out, err := do(ctx, in)
		if err != nil {
			return nil, named(ctx, err)
		}
		return out, nil
	})
}

// named is err as it crosses the border. It has to be returned as it is: wrapped,
// its name would be lost.
func named(ctx context.Context, err error) error {
	code := rights.CodeOf(err)
	if code == rights.Internal {
		Log.ErrorContext(ctx, "a call failed", "error", err)
		return messages.InvokeResponse_Error{Type: string(code), Message: "see the log"}
	}
	return messages.InvokeResponse_Error{Type: string(code), Message: err.Error()}
}

// Event serves events that nobody waits for an answer to. An error has the service
// try again and then park the event.
func Event(open func(context.Context) (func(context.Context, json.RawMessage) error, error)) {
	get := opened(open)
	lambda.Start(func(ctx context.Context, event json.RawMessage) error {
		do, err := get(ctx)
		if err == nil {
			err = do(ctx, event)
		}
		if err != nil {
			return named(ctx, err)
		}
		return nil
	})
}

// Messages serves a queue. What is opened takes the bodies of a batch and returns an
// error for each. A message that failed comes again by itself; the others don't.
func Messages(open func(context.Context) (func(context.Context, []string) []error, error)) {
	type message struct {
		ID   string `json:"messageId"`
		Body string `json:"body"`
	}
	type failure struct {
		ID string `json:"itemIdentifier"`
	}
	type answer struct {
		Failures []failure `json:"batchItemFailures"`
	}
	get := opened(open)
	lambda.Start(func(ctx context.Context, batch struct{ Records []message }) (answer, error) {
		do, err := get(ctx)
		if err != nil {
			return answer{}, named(ctx, err)
		}
		var bodies []string
		for _, m := range batch.Records {
			bodies = append(bodies, m.Body)
		}
		out := answer{Failures: []failure{}}
		for i, err := range do(ctx, bodies) {
			if err != nil {
				Log.ErrorContext(ctx, "a message comes again", "message", batch.Records[i].ID, "error", fmt.Sprint(err))
				out.Failures = append(out.Failures, failure{batch.Records[i].ID})
			}
		}
		return out, nil
	})
}
