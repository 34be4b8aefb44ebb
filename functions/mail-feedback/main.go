// Mail-feedback is the function that takes what SES says of mails of this account:
// bounces, complaints and unsubscriptions, as EventBridge brings them.
package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/rightful/rightful/shared/config"
	"github.com/rightful/rightful/shared/entry"
	"github.com/rightful/rightful/shared/feedback"
	"github.com/rightful/rightful/shared/wiring"
)

func main() {
	settings, cfg := entry.Settings[config.MailFeedback]()
	entry.Event(func(ctx context.Context) (func(context.Context, json.RawMessage) error, error) {
		store, err := wiring.Sealed(ctx, cfg, settings.Sealed)
		if err != nil {
			return nil, err
		}
		return feedback.Feedback{Store: store, Choices: wiring.Choices(store, time.Now), Now: time.Now}.Take, nil
	})
}
