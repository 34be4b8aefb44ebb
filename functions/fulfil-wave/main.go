// FulfilWave is the function behind the state FulfilWave in workflows/request.asl.json.
package main

import (
	"context"
	"crypto/rand"
	"time"

	awssfn "github.com/aws/aws-sdk-go-v2/service/sfn"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/rightful/rightful/shared/config"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/dynamo"
	"github.com/rightful/rightful/shared/entry"
	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/sfn"
	"github.com/rightful/rightful/shared/sqs"
	"github.com/rightful/rightful/shared/step"
)

func main() {
	settings, cfg := entry.Settings[config.FulfilWave]()
	store := &dynamo.Store{Client: dynamo.Client(cfg), Table: settings.Table, Rand: rand.Reader}
	entry.Task(func(context.Context) (func(context.Context, step.WaitIn) (step.Out, error), error) {
		systems, err := connector.Deployed(connector.Settings{Catalogue: true})
		if err != nil {
			return nil, err
		}
		out := outbox.Outbox{Signals: store, Flow: sfn.Flow{Client: awssfn.NewFromConfig(cfg), Requests: store}, Log: entry.Log}
		queue := sqs.Queue{Client: awssqs.NewFromConfig(cfg), URL: settings.Queue}
		policy := rights.DefaultPolicy()
		policy.Review = rights.Review(settings.Review)
		return step.FulfilWave{Store: store, Systems: systems, Queue: queue, Outbox: out, Policy: policy, Now: time.Now}.Do, nil
	})
}
