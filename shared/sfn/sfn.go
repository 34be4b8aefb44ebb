// Package sfn runs the workflow in the cloud: rights.Flow on Step Functions.
//
// It promises that starting twice is starting once, since an execution has its
// request's id as its name, and that a resume whose wait is over already is a
// success — but only where our own record says so, too: a token that Step Functions
// doesn't know while the request still waits on it is an error that is seen.
//
// It leaves the history to the service, which keeps it for 90 days: it holds ids and
// control words, nothing personal.
package sfn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/rightful/rightful/shared/rights"
)

// Flow is rights.Flow on a state machine.
type Flow struct {
	Client   *sfn.Client
	Machine  string          // the state machine's ARN; "" where nothing is started
	Requests rights.Requests // our own record of who waits
}

var _ rights.Flow = Flow{}

// Start implements rights.Flow.
func (f Flow) Start(ctx context.Context, id rights.ID) error {
	input, err := json.Marshal(map[string]rights.ID{"request": id})
	if err != nil {
		return err
	}
	_, err = f.Client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &f.Machine, Name: aws.String(string(id)), Input: aws.String(string(input))})
	if _, exists := errors.AsType[*types.ExecutionAlreadyExists](err); exists {
		return nil
	}
	if err != nil {
		return fmt.Errorf("couldn't start the workflow of %s: %w", id, err)
	}
	return nil
}

// Resume implements rights.Flow.
func (f Flow) Resume(ctx context.Context, s rights.Signal) error {
	var err error
	if s.Failure != "" {
		_, err = f.Client.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{TaskToken: &s.Token, Error: aws.String(string(s.Failure))})
	} else {
		_, err = f.Client.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: &s.Token, Output: &s.Answer})
	}
	if err == nil {
		return nil
	}
	if over(err) {
		waits, err2 := f.waits(ctx, s)
		if err2 != nil {
			return err2
		}
		if !waits {
			return nil
		}
	}
	return fmt.Errorf("couldn't resume the workflow of %s: %w", s.Request, err)
}

// over tells whether Step Functions has nobody who waits on the token.
func over(err error) bool {
	_, gone := errors.AsType[*types.TaskDoesNotExist](err)
	_, late := errors.AsType[*types.TaskTimedOut](err)
	_, unknown := errors.AsType[*types.InvalidToken](err)
	return gone || late || unknown
}

// waits tells whether the request still waits on the token by our own record.
func (f Flow) waits(ctx context.Context, s rights.Signal) (bool, error) {
	r, err := f.Requests.Get(ctx, s.Request)
	if rights.CodeOf(err) == rights.NotFound && err != nil {
		return false, nil
	}
	return r.Wait.Token == s.Token && !r.Status.Closed(), err
}

// Forget implements rights.Flow. The service drops the history by itself, and it
// never held anything personal.
func (f Flow) Forget(context.Context, rights.ID) error { return nil }
