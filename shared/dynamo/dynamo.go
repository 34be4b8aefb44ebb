// Package dynamo keeps requests in DynamoDB: rights.Store on one table and the
// wrapped data keys, envelope.Keys, on another.
//
// It promises what storetest asks. Whatever must be true together is one
// transaction; a single item needs none and costs half. A wave is the exception
// that pays: the share that ends and the set it leaves are two writes, of which
// the second may be repeated, and CheckWaves finishes what a crash left between
// them. The tables' own backups and what they cost are the deployment's business.
//
// It leaves executions to Step Functions, and exported files to S3.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rightful/rightful/shared/rights"
)

// Store is rights.Store on a table of TableSchema.
type Store struct {
	Client *dynamodb.Client // of Client, which knows what to try again
	Table  string
	Sealer Sealer // nil where nothing personal is touched
	Rand   io.Reader
}

var _ rights.Store = (*Store)(nil)

// Sealer is envelope.Sealer as the store uses it. It is an interface so that a
// function which may not open personal fields doesn't even hold the means.
type Sealer interface {
	Seal(ctx context.Context, id rights.ID, plaintext []byte, bound string) ([]byte, error)
	Open(ctx context.Context, id rights.ID, sealed []byte, bound string) ([]byte, error)
	Destroy(ctx context.Context, id rights.ID) error
}

// Client makes a client that tries a transaction again that met another one.
func Client(cfg aws.Config, change ...func(*dynamodb.Options)) *dynamodb.Client {
	again := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 10
		o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			if canceled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
				return aws.BoolTernary(met(canceled))
			}
			return aws.UnknownTernary
		}))
	})
	return dynamodb.NewFromConfig(cfg, append([]func(*dynamodb.Options){func(o *dynamodb.Options) { o.Retryer = again }}, change...)...)
}

// met tells whether a transaction only met another one: no condition of its own
// failed.
func met(canceled *types.TransactionCanceledException) bool {
	conflict := false
	for _, reason := range canceled.CancellationReasons {
		switch aws.ToString(reason.Code) {
		case "ConditionalCheckFailed":
			return false
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			conflict = true
		}
	}
	return conflict
}

// write is one write and the error of its failed condition.
type write struct {
	put    *types.Put
	update *types.Update
	lost   error
}

// commit makes all writes or none. One write alone is no transaction: that is half
// the price. It returns the item that an update leaves behind where it is alone.
func (s *Store) commit(ctx context.Context, writes ...write) (item, error) {
	if len(writes) == 1 {
		return s.one(ctx, writes[0])
	}
	var all []types.TransactWriteItem
	for _, w := range writes {
		all = append(all, types.TransactWriteItem{Put: w.put, Update: w.update})
	}
	// The SDK sends a token of its own with it: a repeated call whose first answer
	// was lost isn't a second transaction.
	_, err := s.Client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: all})
	if canceled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		for i, reason := range canceled.CancellationReasons {
			if aws.ToString(reason.Code) == "ConditionalCheckFailed" && i < len(writes) {
				return nil, writes[i].lost
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't write a transaction: %w", err)
	}
	return nil, nil
}

func (s *Store) one(ctx context.Context, w write) (item, error) {
	var after item
	var err error
	if w.put != nil {
		_, err = s.Client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: w.put.TableName, Item: w.put.Item, ConditionExpression: w.put.ConditionExpression,
			ExpressionAttributeNames: w.put.ExpressionAttributeNames, ExpressionAttributeValues: w.put.ExpressionAttributeValues,
		})
	} else {
		var out *dynamodb.UpdateItemOutput
		out, err = s.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: w.update.TableName, Key: w.update.Key, UpdateExpression: w.update.UpdateExpression, ConditionExpression: w.update.ConditionExpression,
			ExpressionAttributeNames: w.update.ExpressionAttributeNames, ExpressionAttributeValues: w.update.ExpressionAttributeValues,
			ReturnValues: types.ReturnValueAllNew, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		if out != nil {
			after = out.Attributes
		}
	}
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		if w.update != nil && failed.Item == nil {
			// There is none, or the service is one that doesn't tell.
			if failed.Item, err = s.get(ctx, str(w.update.Key, partition), str(w.update.Key, sort)); err != nil {
				return nil, err
			}
		}
		// The call may have been repeated because its answer was lost: then it failed on
		// what it wrote itself.
		if w.update != nil {
			if mine := w.update.ExpressionAttributeValues[":writer"]; mine != nil && str(failed.Item, "writer") == mine.(*types.AttributeValueMemberS).Value {
				return failed.Item, nil
			}
		}
		return failed.Item, w.lost
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't write an item: %w", err)
	}
	return after, nil
}

// writer marks an update, so that its repetition knows it again.
func (s *Store) writer() (types.AttributeValue, error) {
	var mark [9]byte
	if _, err := io.ReadFull(s.Rand, mark[:]); err != nil {
		return nil, fmt.Errorf("couldn't mark a write: %w", err)
	}
	return text(fmt.Sprintf("%x", mark)), nil
}

// get reads one item, nil where there is none.
func (s *Store) get(ctx context.Context, pk, sk string) (item, error) {
	out, err := s.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.Table, Key: key(pk, sk), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("couldn't read an item: %w", err)
	}
	return out.Item, nil
}

// under reads every item of a partition whose sort key begins so, page by page.
func (s *Store) under(ctx context.Context, pk, prefix string, take func(item) error) error {
	pages := dynamodb.NewQueryPaginator(s.Client, &dynamodb.QueryInput{
		TableName: &s.Table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk AND begins_with(sk, :prefix)"),
		ExpressionAttributeValues: item{":pk": text(pk), ":prefix": text(prefix)},
	})
	if prefix == "" {
		pages = dynamodb.NewQueryPaginator(s.Client, &dynamodb.QueryInput{
			TableName: &s.Table, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("pk, sk, idempotency"),
			KeyConditionExpression: aws.String("pk = :pk"), ExpressionAttributeValues: item{":pk": text(pk)},
		})
	}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("couldn't read items: %w", err)
		}
		for _, i := range page.Items {
			if err := take(i); err != nil {
				return err
			}
		}
	}
	return nil
}

func str(i item, name string) string {
	if s, ok := i[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func num(i item, name string) int64 {
	if n, ok := i[name].(*types.AttributeValueMemberN); ok {
		v, _ := strconv.ParseInt(n.Value, 10, 64) // DynamoDB checked that it is a number
		return v
	}
	return 0
}

func bin(i item, name string) []byte {
	if b, ok := i[name].(*types.AttributeValueMemberB); ok {
		return b.Value
	}
	return nil
}

func set(i item, name string) []string {
	if s, ok := i[name].(*types.AttributeValueMemberSS); ok {
		return s.Value
	}
	return nil
}

func notFound(what string) error {
	return &rights.Error{Code: rights.NotFound, Detail: "There is no such " + what + "."}
}

func conflict(what string) error {
	return &rights.Error{Code: rights.Conflict, Detail: "The " + what + " was changed by somebody else meanwhile. Look at it again and decide anew."}
}
