// Package wiring puts together what several functions share: the store with its
// keys, the letters, the systems.
//
// It promises that a function which may not open personal data gets a store that
// can't. It imports what nearly every function needs, and nothing that only some do:
// what a process doesn't link it needn't load.
package wiring

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"net/mail"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/rightful/rightful/shared/config"
	"github.com/rightful/rightful/shared/dynamo"
	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/kms"
	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/preference"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/unsubscribe"
)

// Store is the store of a function that may open personal data.
type Store struct {
	*dynamo.Store
	Seal   *envelope.Sealer
	Master *envelope.Master
}

// Sealed opens it.
func Sealed(ctx context.Context, cfg aws.Config, s config.Sealed) (*Store, error) {
	client := dynamo.Client(cfg)
	store := &dynamo.Store{Client: client, Table: s.Table, Rand: rand.Reader}
	master, err := kms.Vault{Client: awskms.NewFromConfig(cfg), Key: s.Key, Stage: s.Stage, Table: store}.Open(ctx)
	if err != nil {
		return nil, err
	}
	sealer := &envelope.Sealer{Master: master, Keys: dynamo.Keys{Client: client, Table: s.Keys}}
	store.Sealer = sealer
	return &Store{store, sealer, master}, nil
}

// Policy is what the settings of letters say of the policy.
func Policy(m config.Mail) rights.Policy {
	p := rights.DefaultPolicy()
	p.Company, p.Contact, p.ReferTo = m.Company, m.Contact, m.ReferTo
	p.ProofLife, p.ExportLife = m.ProofLife, m.ExportLife
	return p
}

// Variables are what definitions name as ${NAME}: the stage's parameters, and the region.
func Variables(parameters map[string]string, cfg aws.Config) map[string]string {
	all := map[string]string{"AWS_REGION": cfg.Region}
	maps.Copy(all, parameters)
	return all
}

// Links makes addresses below base.
func Links(s *Store, base string) rights.Links {
	return rights.Links{Base: base, Tokens: rights.Tokens{Key: s.Master.SigningKey("tokens")}, Life: rights.DefaultPolicy().StatusLife}
}

// UnsubscribeKeys are the keys that the settings name.
func UnsubscribeKeys(s *Store, u config.Unsubscribe) (unsubscribe.Keys, error) {
	revoked, err := unsubscribe.Revocations(u.Revoked)
	return unsubscribe.Derive(s.Master.SigningKey, u.LinkKey, revoked...), err
}

// Choices keeps what people choose, for a function that only hears of it: it mints no
// link and mails nobody.
func Choices(s *Store, now func() time.Time) preference.Center {
	return preference.Center{Store: s, Keys: unsubscribe.Derive(s.Master.SigningKey, 1), Now: now}
}

// Suppressed tells whether an address gets no more marketing mail.
func Suppressed(s *Store) func(context.Context, string) (bool, error) {
	return Choices(s, nil).Suppressed
}

// Center is the preference centre of a function that shows it or asks people.
func Center(s *Store, sender notice.Sender, m config.Mail, u config.Unsubscribe, c config.Choices, now func() time.Time) (preference.Center, error) {
	keys, err1 := UnsubscribeKeys(s, u)
	p := Policy(m)
	var err2 error
	p.Topics, err2 = rights.ParseTopics(c.Topics)
	p.Consent, p.DoubleOptIn = rights.ConsentRule(c.Consent), c.DoubleOptIn
	return preference.Center{Store: s, Keys: keys, Policy: p, Base: m.BaseURL, Sender: sender, From: mail.Address{Address: m.From}, Now: now}, errors.Join(err1, err2)
}

// Post writes letters and has sender send them. It is no method: a store is handed on
// as an interface, and with its methods every function would link the letters.
func Post(s *Store, sender notice.Sender, m config.Mail) notice.Post {
	return notice.Post{Store: s, Sender: sender, From: mail.Address{Address: m.From}, Links: Links(s, m.BaseURL), Policy: Policy(m)}
}
