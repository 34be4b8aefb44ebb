// Review is the function behind the state Review in workflows/request.asl.json.
package main

import (
	"context"
	"crypto/rand"
	"time"

	awssfn "github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/rightful/rightful/shared/config"
	"github.com/rightful/rightful/shared/dynamo"
	"github.com/rightful/rightful/shared/entry"
	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/sfn"
	"github.com/rightful/rightful/shared/step"
)

func main() {
	settings, cfg := entry.Settings[config.Review]()
	store := &dynamo.Store{Client: dynamo.Client(cfg), Table: settings.Table, Rand: rand.Reader}
	entry.Task(func(context.Context) (func(context.Context, step.WaitIn) (step.Out, error), error) {
		out := outbox.Outbox{Signals: store, Flow: sfn.Flow{Client: awssfn.NewFromConfig(cfg), Requests: store}, Log: entry.Log}
		return step.Review{Store: store, Outbox: out, Now: time.Now}.Do, nil
	})
}
