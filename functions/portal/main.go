// Portal is the function behind everything that a person calls: pages, the JSON API.
// Operators and systems have functions of their own, which hold what they need.
package main

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	awsses "github.com/aws/aws-sdk-go-v2/service/sesv2"
	awssfn "github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/rightful/rightful/shared/config"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/entry"
	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/portal"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/s3"
	"github.com/rightful/rightful/shared/ses"
	"github.com/rightful/rightful/shared/sfn"
	"github.com/rightful/rightful/shared/web"
	"github.com/rightful/rightful/shared/wiring"
)

func main() {
	settings, cfg := entry.Settings[config.Portal]()
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
		post := wiring.Post(store, sender, settings.Mail)
		choices, err := wiring.Center(store, sender, settings.Mail, settings.Unsubscribe, settings.Choices, time.Now)
		if err != nil {
			return nil, err
		}
		policy := choices.Policy
		policy.Review, policy.PerAddress, policy.PerClient = rights.Review(settings.Review), settings.PerAddress, settings.PerClient
		choices.Policy = policy
		flow := sfn.Flow{Client: awssfn.NewFromConfig(cfg), Machine: settings.Machine.Machine, Requests: store}
		p := portal.Portal{
			Choices: choices,
			Store:   store, Systems: systems, Post: post, Links: post.Links, Policy: policy, Fingerprint: store.Master.Fingerprint,
			Vault:  &s3.Vault{Client: s3.Client(cfg), Bucket: settings.Bucket, Sealer: store.Seal, Now: time.Now},
			Outbox: outbox.Outbox{Signals: store, Flow: flow, Log: entry.Log},
			Now:    time.Now, Rand: rand.Reader, Log: entry.Log,
		}
		mux := http.NewServeMux()
		p.API(web.API(mux, web.Version))
		p.Pages(mux)
		web.Healthz(mux)
		client := func(r *http.Request) string { return r.RemoteAddr }
		return web.Logged(web.Guarded(portal.WithClient(mux, client)), entry.Log, time.Now), nil
	})
}
