// Operator is the function behind /v1/operator. The gateway lets in only who signs
// with AWS credentials that may call it.
package main

import (
	"context"
	"net/http"
	"time"

	awsses "github.com/aws/aws-sdk-go-v2/service/sesv2"
	awssfn "github.com/aws/aws-sdk-go-v2/service/sfn"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/rightful/rightful/shared/config"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/console"
	"github.com/rightful/rightful/shared/entry"
	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/ses"
	"github.com/rightful/rightful/shared/sfn"
	"github.com/rightful/rightful/shared/sqs"
	"github.com/rightful/rightful/shared/web"
	"github.com/rightful/rightful/shared/wiring"
)

func main() {
	settings, cfg := entry.Settings[config.Operator]()
	sender := ses.Sender{Client: awsses.NewFromConfig(cfg), ConfigurationSet: settings.ConfigurationSet, Now: time.Now}
	entry.HTTP(func(ctx context.Context) (http.Handler, error) {
		store, err := wiring.Sealed(ctx, cfg, settings.Sealed)
		if err != nil {
			return nil, err
		}
		systems, err := connector.Deployed(connector.Settings{Catalogue: true})
		if err != nil {
			return nil, err
		}
		choices, err := wiring.Center(store, sender, settings.Mail, settings.Unsubscribe, settings.Choices, time.Now)
		if err != nil {
			return nil, err
		}
		choices.Policy.PerAddress = settings.PerAddress
		c := console.Console{
			Choices: choices, Store: store, Systems: systems, Queue: sqs.Queue{Client: awssqs.NewFromConfig(cfg), URL: settings.Queue},
			Outbox: outbox.Outbox{Signals: store, Flow: sfn.Flow{Client: awssfn.NewFromConfig(cfg), Requests: store}, Log: entry.Log},
			Now:    time.Now, Log: entry.Log,
		}
		mux := http.NewServeMux()
		c.API(web.API(mux, web.Version))
		return web.Logged(web.Guarded(mux), entry.Log, time.Now), nil
	})
}
