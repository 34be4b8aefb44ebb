// Package sqs hands tasks to workers in the cloud: rights.Queue on an SQS queue.
//
// It promises that a message says no more than a task's id, and that systems are
// served fairly: a message carries its system as the group of a fair queue, so that
// one slow system's backlog delays nobody else's shares.
//
// It leaves lost messages to the sweep, since the task's row is the truth.
package sqs

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/rightful/rightful/shared/rights"
)

// Queue is rights.Queue on a standard queue.
type Queue struct {
	Client *sqs.Client
	URL    string
}

var _ rights.Queue = Queue{}

// perCall is how many messages SQS takes at once.
const perCall = 10

// Hand implements rights.Queue.
func (q Queue) Hand(ctx context.Context, tasks ...rights.TaskID) error {
	for len(tasks) > 0 {
		page := tasks[:min(perCall, len(tasks))]
		tasks = tasks[len(page):]
		in := &sqs.SendMessageBatchInput{QueueUrl: &q.URL}
		for i, id := range page {
			in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(id)), MessageGroupId: aws.String(id.System()),
			})
		}
		out, err := q.Client.SendMessageBatch(ctx, in)
		if refused, ok := errors.AsType[smithy.APIError](err); ok && refused.ErrorCode() == "InvalidParameterValue" {
			// A service older than fair queues knows no groups on a standard queue.
			for i := range in.Entries {
				in.Entries[i].MessageGroupId = nil
			}
			out, err = q.Client.SendMessageBatch(ctx, in)
		}
		if err != nil {
			return fmt.Errorf("couldn't hand %d tasks over: %w", len(page), err)
		}
		if len(out.Failed) > 0 {
			return fmt.Errorf("couldn't hand %d of %d tasks over: %s", len(out.Failed), len(page), aws.ToString(out.Failed[0].Code))
		}
	}
	return nil
}
