package dynamo

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
)

// Meter counts the capacity units that a client's calls consume, as the bill does:
// indexes included, transactions doubled, a query that finds nothing not for free.
// DynamoDB Local tells them for all but the two last, which are counted here.
type Meter struct {
	plain       *dynamodb.Client // unmetered
	mu          sync.Mutex
	read, write float64
	calls       int
}

// Units returns the read and write request units and the calls since the last time.
func (m *Meter) Units() (read, write float64, calls int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	read, write, calls = m.read, m.write, m.calls
	m.read, m.write, m.calls = 0, 0, 0
	return read, write, calls
}

// Watch makes a client tell the meter; hand it to Client.
func (m *Meter) Watch(o *dynamodb.Options) {
	m.plain = dynamodb.New(o.Copy())
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("meter", m.count), middleware.After)
	})
}

func (m *Meter) count(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	const total = types.ReturnConsumedCapacityTotal
	switch p := in.Parameters.(type) {
	case *dynamodb.GetItemInput:
		p.ReturnConsumedCapacity = total
	case *dynamodb.BatchGetItemInput:
		p.ReturnConsumedCapacity = total
	case *dynamodb.QueryInput:
		p.ReturnConsumedCapacity = total
	case *dynamodb.PutItemInput:
		p.ReturnConsumedCapacity = total
	case *dynamodb.UpdateItemInput:
		p.ReturnConsumedCapacity = total
	case *dynamodb.DeleteItemInput:
		p.ReturnConsumedCapacity = total
	case *dynamodb.BatchWriteItemInput:
		p.ReturnConsumedCapacity = total
	case *dynamodb.TransactWriteItemsInput:
		p.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
	}
	out, metadata, err := next.HandleInitialize(ctx, in)
	transacted, err2 := m.transacted(ctx, in.Parameters)
	if err == nil {
		err = err2
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	switch r := out.Result.(type) {
	case *dynamodb.GetItemOutput:
		m.add(&m.read, r.ConsumedCapacity)
	case *dynamodb.BatchGetItemOutput:
		m.all(&m.read, r.ConsumedCapacity)
	case *dynamodb.QueryOutput:
		if m.add(&m.read, r.ConsumedCapacity); r.ScannedCount == 0 {
			m.read++
			if consistent := in.Parameters.(*dynamodb.QueryInput).ConsistentRead; consistent == nil || !*consistent {
				m.read -= 0.5
			}
		}
	case *dynamodb.PutItemOutput:
		m.add(&m.write, r.ConsumedCapacity)
	case *dynamodb.UpdateItemOutput:
		m.add(&m.write, r.ConsumedCapacity)
	case *dynamodb.DeleteItemOutput:
		m.add(&m.write, r.ConsumedCapacity)
	case *dynamodb.BatchWriteItemOutput:
		m.all(&m.write, r.ConsumedCapacity)
	case *dynamodb.TransactWriteItemsOutput:
		m.write += transacted
		for _, used := range r.ConsumedCapacity {
			for _, index := range used.GlobalSecondaryIndexes {
				m.write += *index.CapacityUnits
			}
		}
	default:
		if err != nil {
			m.write++ // a failed condition costs a write, too
		}
	}
	return out, metadata, err
}

func (m *Meter) add(to *float64, used *types.ConsumedCapacity) {
	if used != nil && used.CapacityUnits != nil {
		*to += *used.CapacityUnits
	}
}

func (m *Meter) all(to *float64, used []types.ConsumedCapacity) {
	for i := range used {
		m.add(to, &used[i])
	}
}

// transacted is what the items of a transaction cost in their table: twice their
// size in started kilobytes.
func (m *Meter) transacted(ctx context.Context, parameters any) (float64, error) {
	in, ok := parameters.(*dynamodb.TransactWriteItemsInput)
	if !ok {
		return 0, nil
	}
	units := 0
	for _, w := range in.TransactItems {
		var written item
		if w.Put != nil {
			written = w.Put.Item
		} else {
			out, err := m.plain.GetItem(ctx, &dynamodb.GetItemInput{TableName: w.Update.TableName, Key: w.Update.Key})
			if err != nil {
				return 0, err
			}
			written = out.Item
		}
		units += 2 * ((sizeOf(written) + 1023) / 1024)
	}
	return float64(units), nil
}

// sizeOf is an item's size as DynamoDB counts it: names and values.
func sizeOf(i item) int {
	size := 0
	for name, value := range i {
		size += len(name)
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			size += len(v.Value)
		case *types.AttributeValueMemberN:
			size += len(v.Value)/2 + 2
		case *types.AttributeValueMemberB:
			size += len(v.Value)
		case *types.AttributeValueMemberSS:
			for _, s := range v.Value {
				size += len(s)
			}
		}
	}
	return size
}
