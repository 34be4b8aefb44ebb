package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// MakeTable makes a table, unless it is there, where no deployment does: on DynamoDB
// Local, or for one process on one machine.
func MakeTable(ctx context.Context, client *dynamodb.Client, name string, s Schema) error {
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	declared := map[string]bool{}
	keySchema := func(partition, sort string, number bool) []types.KeySchemaElement {
		elements := []types.KeySchemaElement{{AttributeName: &partition, KeyType: types.KeyTypeHash}}
		kinds := map[string]types.ScalarAttributeType{partition: types.ScalarAttributeTypeS}
		if sort != "" {
			elements = append(elements, types.KeySchemaElement{AttributeName: &sort, KeyType: types.KeyTypeRange})
			kinds[sort] = types.ScalarAttributeTypeS
			if number {
				kinds[sort] = types.ScalarAttributeTypeN
			}
		}
		for name, kind := range kinds {
			if !declared[name] {
				declared[name] = true
				in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &name, AttributeType: kind})
			}
		}
		return elements
	}
	in.KeySchema = keySchema(s.Partition, s.Sort, false)
	for _, x := range s.Indexes {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{IndexName: aws.String(x.Name), KeySchema: keySchema(x.Partition, x.Sort, x.Number), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}})
	}
	_, err := client.CreateTable(ctx, in)
	if _, there := errors.AsType[*types.ResourceInUseException](err); there {
		return nil
	}
	if err != nil {
		return fmt.Errorf("couldn't make the table %s: %w", name, err)
	}
	return nil
}
