// Sweep is the function that runs every minute and finds what a crash or a lost
// message left behind.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"time"

	awsevents "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	awssfn "github.com/aws/aws-sdk-go-v2/service/sfn"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/rightful/rightful/shared/config"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/dynamo"
	"github.com/rightful/rightful/shared/entry"
	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/eventbridge"
	"github.com/rightful/rightful/shared/onward"
	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/s3"
	"github.com/rightful/rightful/shared/sfn"
	"github.com/rightful/rightful/shared/sqs"
	"github.com/rightful/rightful/shared/work"
)

func main() {
	settings, cfg := entry.Settings[config.Sweep]()
	client := dynamo.Client(cfg)
	store := &dynamo.Store{Client: client, Table: settings.Table, Rand: rand.Reader, Sealer: &envelope.Sealer{Keys: dynamo.Keys{Client: client, Table: settings.Keys}}}
	flow := sfn.Flow{Client: awssfn.NewFromConfig(cfg), Machine: settings.Machine.Machine, Requests: store}
	queue := sqs.Queue{Client: awssqs.NewFromConfig(cfg), URL: settings.Queue}
	bus := eventbridge.Bus{Client: awsevents.NewFromConfig(cfg), Name: settings.Bus}
	entry.Event(func(context.Context) (func(context.Context, json.RawMessage) error, error) {
		systems, err := connector.Deployed(connector.Settings{Catalogue: true})
		if err != nil {
			return nil, err
		}
		sweep := work.Sweep{
			Store: store, Flow: flow, Queue: queue,
			Onward:     onward.Onward{Store: store, Systems: systems, Queue: queue, Events: bus, Now: time.Now},
			ExportLife: settings.ExportLife, Now: time.Now, Log: entry.Log,
			Outbox: outbox.Outbox{Signals: store, Flow: flow, Log: entry.Log},
			Vault:  &s3.Vault{Client: s3.Client(cfg), Bucket: settings.Bucket, Now: time.Now},
		}
		return func(ctx context.Context, _ json.RawMessage) error {
			found, err := sweep.Run(ctx)
			entry.Log.InfoContext(ctx, "swept", "found", found)
			return err
		}, nil
	})
}
