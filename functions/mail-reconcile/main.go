// Mail-reconcile is the function that runs every day and keeps what SES's own
// suppression list says: SES brings its events as best it can, and one may be lost.
package main

import (
	"context"
	"encoding/json"
	"time"

	awsses "github.com/aws/aws-sdk-go-v2/service/sesv2"

	"github.com/rightful/rightful/shared/config"
	"github.com/rightful/rightful/shared/entry"
	"github.com/rightful/rightful/shared/feedback"
	"github.com/rightful/rightful/shared/ses"
	"github.com/rightful/rightful/shared/wiring"
)

// reach is how far back a run looks: three runs may fail before anything is missed.
const reach = 4 * 24 * time.Hour

func main() {
	settings, cfg := entry.Settings[config.MailReconcile]()
	list := ses.Suppression{Client: awsses.NewFromConfig(cfg)}
	entry.Event(func(ctx context.Context) (func(context.Context, json.RawMessage) error, error) {
		store, err := wiring.Sealed(ctx, cfg, settings.Sealed)
		if err != nil {
			return nil, err
		}
		f := feedback.Feedback{Store: store, Choices: wiring.Choices(store, time.Now), Now: time.Now}
		return func(ctx context.Context, _ json.RawMessage) error {
			seen, err := f.Reconcile(ctx, list.Since, time.Now().Add(-reach))
			entry.Log.InfoContext(ctx, "reconciled", "seen", seen)
			return err
		}, nil
	})
}
