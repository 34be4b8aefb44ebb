// Work is the function that carries out the systems' shares, a batch of tasks at
// once. It alone holds what a system is reached with.
package main

import (
	"context"
	mathrand "math/rand/v2"
	"strings"
	"time"

	awssfn "github.com/aws/aws-sdk-go-v2/service/sfn"
	awsssm "github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/rightful/rightful/shared/config"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/entry"
	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/s3"
	"github.com/rightful/rightful/shared/sfn"
	"github.com/rightful/rightful/shared/sigv4"
	"github.com/rightful/rightful/shared/ssm"
	"github.com/rightful/rightful/shared/wiring"
	"github.com/rightful/rightful/shared/work"
)

func main() {
	settings, cfg := entry.Settings[config.Work]()
	entry.Messages(func(ctx context.Context) (func(context.Context, []string) []error, error) {
		store, err := wiring.Sealed(ctx, cfg, settings.Sealed)
		if err != nil {
			return nil, err
		}
		secrets, err := ssm.Parameters(ctx, awsssm.NewFromConfig(cfg), settings.Secrets.Secrets)
		if err != nil {
			return nil, err
		}
		systems, err := connector.Deployed(connector.Settings{Variables: wiring.Variables(secrets, cfg), Secrets: secrets, AllowPrivate: strings.Split(settings.Private, ","), Sign: sigv4.Signer(cfg)})
		if err != nil {
			return nil, err
		}
		worker := work.Worker{
			Store: store, Systems: systems, Links: wiring.Links(store, settings.BaseURL),
			Vault:           &s3.Vault{Client: s3.Client(cfg), Bucket: settings.Bucket, Sealer: store.Seal, Now: time.Now},
			Outbox:          outbox.Outbox{Signals: store, Flow: sfn.Flow{Client: awssfn.NewFromConfig(cfg), Requests: store}, Log: entry.Log},
			UnsubscribeKeys: wiring.Choices(store, time.Now).Keys,
			Now:             time.Now, Jitter: mathrand.Float64, Log: entry.Log,
		}
		return func(ctx context.Context, bodies []string) []error {
			ids := make([]rights.TaskID, len(bodies))
			for i, body := range bodies {
				ids[i] = rights.TaskID(body)
			}
			return worker.DoAll(ctx, ids)
		}, nil
	})
}
