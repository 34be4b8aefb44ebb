// Bundle is the function behind the state Bundle in workflows/request.asl.json.
package main

import (
	"context"
	"time"

	"github.com/rightful/rightful/shared/config"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/entry"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/s3"
	"github.com/rightful/rightful/shared/step"
	"github.com/rightful/rightful/shared/wiring"
)

func main() {
	settings, cfg := entry.Settings[config.Bundle]()
	entry.Task(func(ctx context.Context) (func(context.Context, step.In) (step.Out, error), error) {
		store, err := wiring.Sealed(ctx, cfg, settings.Sealed)
		if err != nil {
			return nil, err
		}
		systems, err := connector.Deployed(connector.Settings{Catalogue: true})
		if err != nil {
			return nil, err
		}
		vault := &s3.Vault{Client: s3.Client(cfg), Bucket: settings.Bucket, Sealer: store.Seal, Now: time.Now}
		policy := rights.DefaultPolicy()
		policy.Company = settings.Company
		return step.Bundle{Store: store, Systems: systems, Vault: vault, Policy: policy, Now: time.Now}.Do, nil
	})
}
