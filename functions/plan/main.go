// Plan is the function behind the state Plan in workflows/request.asl.json.
package main

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/rightful/rightful/shared/config"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/dynamo"
	"github.com/rightful/rightful/shared/entry"
	"github.com/rightful/rightful/shared/step"
)

func main() {
	settings, cfg := entry.Settings[config.Plan]()
	store := &dynamo.Store{Client: dynamo.Client(cfg), Table: settings.Table, Rand: rand.Reader}
	entry.Task(func(context.Context) (func(context.Context, step.In) (step.PlanOut, error), error) {
		systems, err := connector.Deployed(connector.Settings{Catalogue: true})
		if err != nil {
			return nil, err
		}
		return step.Plan{Store: store, Systems: systems, Now: time.Now}.Do, nil
	})
}
