package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rightful/rightful/shared/bundle"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/step"
)

// parts are what steps are made of.
type parts struct {
	store   rights.Store
	systems []connector.System
	queue   rights.Queue
	outbox  outbox.Outbox
	vault   bundle.Vault
	post    notice.Post
	policy  rights.Policy
	now     func() time.Time
}

// function is a step as the engine calls it: JSON in, JSON out.
type function func(context.Context, json.RawMessage) (json.RawMessage, error)

// functions are the steps by the state they carry out.
func functions(p parts) map[string]function {
	return map[string]function{
		"Acknowledge":    typed(step.Acknowledge{Store: p.store, Post: p.post, Policy: p.policy, Now: p.now}.Do),
		"VerifyIdentity": typed(step.VerifyIdentity{Store: p.store, Outbox: p.outbox, Now: p.now}.Do),
		"Expire":         typed(step.Expire{Store: p.store, Post: p.post, Now: p.now}.Do),
		"Decide":         typed(step.Decide{Store: p.store, Policy: p.policy, Now: p.now}.Do),
		"Locate":         typed(step.Locate{Store: p.store, Systems: p.systems, Queue: p.queue, Outbox: p.outbox, Now: p.now}.Do),
		"Plan":           typed(step.Plan{Store: p.store, Systems: p.systems, Now: p.now}.Do),
		"Review":         typed(step.Review{Store: p.store, Outbox: p.outbox, Now: p.now}.Do),
		"FulfilWave":     typed(step.FulfilWave{Store: p.store, Systems: p.systems, Queue: p.queue, Outbox: p.outbox, Policy: p.policy, Now: p.now}.Do),
		"Bundle":         typed(step.Bundle{Store: p.store, Systems: p.systems, Vault: p.vault, Policy: p.policy, Now: p.now}.Do),
		"Notify":         typed(step.Notify{Store: p.store, Systems: p.systems, Post: p.post, Now: p.now}.Do),
		"Refuse":         typed(step.Refuse{Store: p.store, Post: p.post}.Do),
		"Refer":          typed(step.Refer{Store: p.store, Post: p.post}.Do),
		"Withdraw":       typed(step.Withdraw{Store: p.store, Systems: p.systems, Vault: p.vault, Post: p.post, Now: p.now}.Do),
		"Close":          typed(step.Close{Store: p.store, Policy: p.policy, Now: p.now}.Do),
	}
}

func typed[I, O any](do func(context.Context, I) (O, error)) function {
	return func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
		var in I
		decoder := json.NewDecoder(bytes.NewReader(payload))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&in); err != nil {
			return nil, fmt.Errorf("the workflow's payload doesn't fit the step: %w", err)
		}
		out, err := do(ctx, in)
		if err != nil {
			return nil, err
		}
		return json.Marshal(out)
	}
}
