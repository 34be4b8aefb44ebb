// Decide is the function behind the state Decide in workflows/request.asl.json.
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
	settings, cfg := entry.Settings[config.Decide]()
	store := &dynamo.Store{Client: dynamo.Client(cfg), Table: settings.Table, Rand: rand.Reader}
	entry.Task(func(context.Context) (func(context.Context, step.In) (step.Out, error), error) {
		policy := rights.DefaultPolicy()
		policy.Processor = settings.Processor
		return step.Decide{Store: store, Policy: policy, Now: time.Now}.Do, nil
	})
}
