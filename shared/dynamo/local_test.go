package dynamo_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/rightful/rightful/shared/dynamo"
	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/storetest"
)

var _ envelope.Keys = dynamo.Keys{}

// local is DynamoDB Local's client; the test is left out aloud where it isn't there.
func local(t *testing.T, change ...func(*dynamodb.Options)) *dynamodb.Client {
	t.Helper()
	address := os.Getenv("RIGHTFUL_DYNAMODB")
	if address == "" {
		t.Skip("no DynamoDB Local: run .ci/with-dynamodb go test ./shared/dynamo")
	}
	return dynamo.Client(aws.Config{Region: "eu-central-1", BaseEndpoint: &address, Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")}, change...)
}

// open makes a store on tables of its own.
func open(t *testing.T, client *dynamodb.Client) *dynamo.Store {
	t.Helper()
	table, keys := "t"+rand.Text(), "k"+rand.Text()
	ctx := context.Background()
	if err := errors.Join(dynamo.MakeTable(ctx, client, table, dynamo.TableSchema), dynamo.MakeTable(ctx, client, keys, dynamo.KeysSchema)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, name := range []string{table, keys} {
			if _, err := client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
				t.Error(err)
			}
		}
	})
	master, err := envelope.OpenFile(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	return &dynamo.Store{Client: client, Table: table, Rand: rand.Reader, Sealer: &envelope.Sealer{Master: master, Keys: dynamo.Keys{Client: client, Table: keys}}}
}

func TestStore(t *testing.T) {
	client := local(t)
	storetest.Run(t, func(t *testing.T) rights.Store { return open(t, client) })
}
