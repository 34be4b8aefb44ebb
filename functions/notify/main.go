// Notify is the function behind the state Notify in workflows/request.asl.json.
package main

import (
	"context"
	"time"

	awsses "github.com/aws/aws-sdk-go-v2/service/sesv2"

	"github.com/rightful/rightful/shared/config"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/entry"
	"github.com/rightful/rightful/shared/ses"
	"github.com/rightful/rightful/shared/step"
	"github.com/rightful/rightful/shared/wiring"
)

func main() {
	settings, cfg := entry.Settings[config.Notify]()
	sender := ses.Sender{Client: awsses.NewFromConfig(cfg), ConfigurationSet: settings.ConfigurationSet, Now: time.Now}
	entry.Task(func(ctx context.Context) (func(context.Context, step.In) (step.Out, error), error) {
		store, err := wiring.Sealed(ctx, cfg, settings.Sealed)
		if err != nil {
			return nil, err
		}
		post := wiring.Post(store, sender, settings.Mail)
		post.Suppressed = wiring.Suppressed(store)
		systems, err := connector.Deployed(connector.Settings{Catalogue: true})
		if err != nil {
			return nil, err
		}
		return step.Notify{Store: store, Systems: systems, Post: post, Now: time.Now}.Do, nil
	})
}
