package dynamo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rightful/rightful/shared/record"
	"github.com/rightful/rightful/shared/rights"
)

// signal stores a pending signal. The same cause has the same key, so that storing
// it again changes nothing that matters.
func (s *Store) signal(signal rights.Signal) write {
	i := key(signalPartition(signal.Key), signal.Key)
	i["request"], i["at"] = text(string(signal.Request)), number(record.Seconds(signal.At))
	for name, value := range map[string]string{"token": signal.Token, "answer": signal.Answer, "failure": string(signal.Failure)} {
		if value != "" {
			i[name] = text(value)
		}
	}
	return write{put: &types.Put{TableName: &s.Table, Item: i}}
}

// PendingSignals implements rights.Signals. A signal lives for milliseconds: what is
// pending fits a page, except in an outage, when the order holds within a page. What
// was stored in this instant may be missing, and found the next time.
func (s *Store) PendingSignals(ctx context.Context, limit int) ([]rights.Signal, error) {
	var all []rights.Signal
	for shard := range shards {
		out, err := s.Client.Query(ctx, &dynamodb.QueryInput{
			TableName:              &s.Table,
			KeyConditionExpression: aws.String("pk = :pk"), ExpressionAttributeValues: item{":pk": text(shardKey("SIGNAL", shard))},
		})
		if err != nil {
			return nil, fmt.Errorf("couldn't read the pending signals: %w", err)
		}
		for _, i := range out.Items {
			all = append(all, rights.Signal{
				Key: str(i, sort), Request: rights.ID(str(i, "request")), Token: str(i, "token"),
				Answer: str(i, "answer"), Failure: rights.Code(str(i, "failure")), At: record.Instant(num(i, "at")),
			})
		}
	}
	slices.SortFunc(all, func(a, b rights.Signal) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Key, b.Key)) })
	return all[:min(limit, len(all))], nil
}

// ClearSignal implements rights.Signals.
func (s *Store) ClearSignal(ctx context.Context, name string) error {
	_, err := s.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.Table, Key: key(signalPartition(name), name)})
	if err != nil {
		return fmt.Errorf("couldn't clear a signal: %w", err)
	}
	return nil
}

// Count implements rights.Limits.
func (s *Store) Count(ctx context.Context, name string, most int, window time.Duration, now time.Time) (time.Duration, error) {
	for {
		// Most counters begin a new window: that is tried first and costs one write.
		end := now.Add(window).Unix()
		old, err := s.counter(ctx, name, "SET window_end = :end, expires = :end, hits = :one", "attribute_not_exists(pk) OR window_end <= :now",
			item{":end": number(end), ":now": number(now.Unix()), ":one": number(1)})
		if err != nil || old == nil {
			return 0, err
		}
		if num(old, "hits") >= int64(most) {
			return max(record.Instant(num(old, "window_end")).Sub(now), time.Second), nil
		}
		old, err = s.counter(ctx, name, "ADD hits :one", "hits < :most AND window_end > :now",
			item{":one": number(1), ":most": number(int64(most)), ":now": number(now.Unix())})
		if err != nil || old == nil {
			return 0, err
		}
	}
}

// counter updates a counter. It returns nil where that was done, and the counter as
// it is where the condition failed.
func (s *Store) counter(ctx context.Context, name, expression, condition string, values item) (item, error) {
	_, err := s.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.Table, Key: key("LIMIT#"+name, limitKey), UpdateExpression: &expression, ConditionExpression: &condition,
		ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		if failed.Item == nil {
			// A service that doesn't tell what was there, or it is gone by now.
			there, err := s.get(ctx, "LIMIT#"+name, limitKey)
			if there == nil {
				there = item{}
			}
			return there, err
		}
		return failed.Item, nil
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't count: %w", err)
	}
	return nil, nil
}
