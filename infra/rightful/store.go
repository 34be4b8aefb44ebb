package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/rightful/rightful/shared/dynamo"
	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/sqlite"
)

// openStore opens where requests are kept: two files, or two tables.
func (a *app) openStore(ctx context.Context, s settings, master *envelope.Master) (*envelope.Sealer, error) {
	if s.DynamoDB != "" {
		return a.openDynamo(ctx, s.DynamoDB, master)
	}
	keys, err := sqlite.OpenKeys(ctx, filepath.Join(s.Data, "keys.db"))
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, keys)
	sealer := &envelope.Sealer{Master: master, Keys: keys}
	store, err := sqlite.Open(ctx, filepath.Join(s.Data, "store.db"), sealer)
	if err != nil {
		return nil, err
	}
	a.store, a.closers = store, append(a.closers, store)
	return sealer, nil
}

func (a *app) openDynamo(ctx context.Context, table string, master *envelope.Master) (*envelope.Sealer, error) {
	cfg, err := awsConfig(ctx)
	if err != nil {
		return nil, err
	}
	client := dynamo.Client(cfg)
	err = errors.Join(dynamo.MakeTable(ctx, client, table, dynamo.TableSchema), dynamo.MakeTable(ctx, client, table+"-keys", dynamo.KeysSchema))
	if err != nil {
		return nil, err
	}
	sealer := &envelope.Sealer{Master: master, Keys: dynamo.Keys{Client: client, Table: table + "-keys"}}
	a.store = &dynamo.Store{Client: client, Table: table, Sealer: sealer, Rand: rand.Reader}
	return sealer, nil
}

// awsConfig is what AWS's own settings say: AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL.
func awsConfig(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err == nil && cfg.Region == "" {
		err = errors.New("set AWS_REGION to the region where the data lies")
	}
	if err != nil {
		return cfg, fmt.Errorf("couldn't read the AWS settings: %w", err)
	}
	return cfg, nil
}
