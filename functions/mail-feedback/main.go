// Mail-feedback is the function that takes SES's bounces and complaints about our
// own letters, as EventBridge brings them.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"time"

	"github.com/rightful/rightful/shared/config"
	"github.com/rightful/rightful/shared/dynamo"
	"github.com/rightful/rightful/shared/entry"
	"github.com/rightful/rightful/shared/feedback"
)

func main() {
	settings, cfg := entry.Settings[config.MailFeedback]()
	store := &dynamo.Store{Client: dynamo.Client(cfg), Table: settings.Table, Rand: rand.Reader}
	entry.Event(func(context.Context) (func(context.Context, json.RawMessage) error, error) {
		return feedback.Feedback{Store: store, Now: time.Now}.Take, nil
	})
}
