// Expire is the function behind the state Expire in workflows/request.asl.json.
package main

import (
	"context"
	"time"

	awsses "github.com/aws/aws-sdk-go-v2/service/sesv2"

	"github.com/rightful/rightful/shared/config"
	"github.com/rightful/rightful/shared/entry"
	"github.com/rightful/rightful/shared/ses"
	"github.com/rightful/rightful/shared/step"
	"github.com/rightful/rightful/shared/wiring"
)

func main() {
	settings, cfg := entry.Settings[config.Expire]()
	sender := ses.Sender{Client: awsses.NewFromConfig(cfg), ConfigurationSet: settings.ConfigurationSet, Now: time.Now}
	entry.Task(func(ctx context.Context) (func(context.Context, step.In) (step.ExpireOut, error), error) {
		store, err := wiring.Sealed(ctx, cfg, settings.Sealed)
		if err != nil {
			return nil, err
		}
		post := wiring.Post(store, sender, settings.Mail)
		return step.Expire{Store: store, Post: post, Now: time.Now}.Do, nil
	})
}
