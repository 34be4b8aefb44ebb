package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rightful/rightful/shared/rights"
)

// Keys is envelope.Keys on a table of KeysSchema, whose own backups reach back only
// a few days.
type Keys struct {
	Client *dynamodb.Client
	Table  string
}

// Put stores a wrapped key unless the request has one, and returns the stored.
func (k Keys) Put(ctx context.Context, id rights.ID, wrapped []byte) ([]byte, error) {
	_, err := k.Client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &k.Table, Item: item{partition: text(string(id)), "wrapped": blob(wrapped)},
		ConditionExpression:                 aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		if failed.Item == nil {
			return k.Get(ctx, id) // a service that doesn't tell what was there
		}
		return bin(failed.Item, "wrapped"), nil
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't store a key: %w", err)
	}
	return wrapped, nil
}

// Get returns the wrapped key, or NotFound.
func (k Keys) Get(ctx context.Context, id rights.ID) ([]byte, error) {
	out, err := k.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &k.Table, Key: item{partition: text(string(id))}, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("couldn't read a key: %w", err)
	}
	if out.Item == nil {
		return nil, notFound("key: the request was erased")
	}
	return bin(out.Item, "wrapped"), nil
}

// Destroy forgets the key.
func (k Keys) Destroy(ctx context.Context, id rights.ID) error {
	if _, err := k.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &k.Table, Key: item{partition: text(string(id))}}); err != nil {
		return fmt.Errorf("couldn't destroy a key: %w", err)
	}
	return nil
}

// Master returns the wrapped master key, NotFound where there is none yet. It lies
// with the requests: its backups reach back as long as theirs.
func (s *Store) Master(ctx context.Context) ([]byte, error) {
	i, err := s.get(ctx, "MASTER", "MASTER")
	if err == nil && i == nil {
		err = notFound("master key")
	}
	return bin(i, "wrapped"), err
}

// PutMaster stores the wrapped master key unless there is one. Of two that start at
// once the second doesn't replace the key of the first.
func (s *Store) PutMaster(ctx context.Context, wrapped []byte) error {
	i := key("MASTER", "MASTER")
	i["wrapped"] = blob(wrapped)
	_, err := s.commit(ctx, write{put: s.putNew(i)})
	return err
}
