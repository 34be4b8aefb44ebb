// Close is the function behind the state Close in workflows/request.asl.json.
package main

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/rightful/rightful/shared/config"
	"github.com/rightful/rightful/shared/dynamo"
	"github.com/rightful/rightful/shared/entry"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/step"
)

func main() {
	settings, cfg := entry.Settings[config.Close]()
	store := &dynamo.Store{Client: dynamo.Client(cfg), Table: settings.Table, Rand: rand.Reader}
	entry.Task(func(context.Context) (func(context.Context, step.In) (step.Out, error), error) {
		policy := rights.DefaultPolicy()
		policy.Retention = settings.Retention
		return step.Close{Store: store, Policy: policy, Now: time.Now}.Do, nil
	})
}
