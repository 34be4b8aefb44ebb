// Callback is the function that systems answer to later, and that senders report to. It checks their signatures,
// and is not the portal: a stranger's call never meets a system's secret.
package main

import (
	"context"
	"net/http"
	"reflect"
	"time"

	awssfn "github.com/aws/aws-sdk-go-v2/service/sfn"
	awsssm "github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/rightful/rightful/shared/config"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/entry"
	"github.com/rightful/rightful/shared/feedback"
	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/portal"
	"github.com/rightful/rightful/shared/s3"
	"github.com/rightful/rightful/shared/sfn"
	"github.com/rightful/rightful/shared/sigv4"
	"github.com/rightful/rightful/shared/ssm"
	"github.com/rightful/rightful/shared/web"
	"github.com/rightful/rightful/shared/wiring"
	"github.com/rightful/rightful/shared/work"
)

func main() {
	settings, cfg := entry.Settings[config.Callback]()
	entry.HTTP(func(ctx context.Context) (http.Handler, error) {
		store, err := wiring.Sealed(ctx, cfg, settings.Sealed)
		if err != nil {
			return nil, err
		}
		secrets, err := ssm.Parameters(ctx, awsssm.NewFromConfig(cfg), settings.Secrets.Secrets)
		if err != nil {
			return nil, err
		}
		systems, err := connector.Deployed(connector.Settings{Variables: wiring.Variables(secrets, cfg), Secrets: secrets, Sign: sigv4.Signer(cfg)})
		if err != nil {
			return nil, err
		}
		worker := work.Worker{
			Store: store, Systems: systems,
			Vault:  &s3.Vault{Client: s3.Client(cfg), Bucket: settings.Bucket, Sealer: store.Seal, Now: time.Now},
			Outbox: outbox.Outbox{Signals: store, Flow: sfn.Flow{Client: awssfn.NewFromConfig(cfg), Requests: store}, Log: entry.Log},
			Now:    time.Now, Log: entry.Log,
		}
		mux := http.NewServeMux()
		api, p := web.API(mux, web.Version), portal.Portal{Log: entry.Log}
		p.Callbacks(api, worker.Answer)
		hook := feedback.Hook{Feedback: feedback.Feedback{Store: store, Choices: wiring.Choices(store, time.Now), Now: time.Now}, Secret: secrets["MAIL_REPORTS"]}
		p.Reports(api, reflect.TypeFor[feedback.Report](), hook.Receive)
		return web.Logged(web.Guarded(mux), entry.Log, time.Now), nil
	})
}
