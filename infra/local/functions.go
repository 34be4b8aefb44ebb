// Package local runs the workflow's steps inside one process: the functions of the
// cloud as Go calls, by the state that they carry out.
package local

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

// Parts are what steps are made of.
type Parts struct {
	Store   rights.Store
	Systems []connector.System
	Queue   rights.Queue
	Outbox  outbox.Outbox
	Vault   bundle.Vault
	Post    notice.Post
	Policy  rights.Policy
	Now     func() time.Time
}

// Function is a step as the engine calls it: JSON in, JSON out.
type Function func(context.Context, json.RawMessage) (json.RawMessage, error)

// Functions are the steps by the state they carry out.
func Functions(p Parts) map[string]Function {
	return map[string]Function{
		"Acknowledge":    typed(step.Acknowledge{Store: p.Store, Post: p.Post, Policy: p.Policy, Now: p.Now}.Do),
		"VerifyIdentity": typed(step.VerifyIdentity{Store: p.Store, Outbox: p.Outbox, Now: p.Now}.Do),
		"Expire":         typed(step.Expire{Store: p.Store, Post: p.Post, Now: p.Now}.Do),
		"Decide":         typed(step.Decide{Store: p.Store, Policy: p.Policy, Now: p.Now}.Do),
		"Locate":         typed(step.Locate{Store: p.Store, Systems: p.Systems, Queue: p.Queue, Outbox: p.Outbox, Now: p.Now}.Do),
		"Review":         typed(step.Review{Store: p.Store, Outbox: p.Outbox, Now: p.Now}.Do),
		"FulfilWave":     typed(step.FulfilWave{Store: p.Store, Systems: p.Systems, Queue: p.Queue, Outbox: p.Outbox, Policy: p.Policy, Now: p.Now}.Do),
		"Bundle":         typed(step.Bundle{Store: p.Store, Systems: p.Systems, Vault: p.Vault, Policy: p.Policy, Now: p.Now}.Do),
		"Notify":         typed(step.Notify{Store: p.Store, Systems: p.Systems, Post: p.Post, Now: p.Now}.Do),
		"Refuse":         typed(step.Refuse{Store: p.Store, Post: p.Post}.Do),
		"Refer":          typed(step.Refer{Store: p.Store, Post: p.Post}.Do),
		"Withdraw":       typed(step.Withdraw{Store: p.Store, Systems: p.Systems, Vault: p.Vault, Post: p.Post, Now: p.Now}.Do),
		"Close":          typed(step.Close{Store: p.Store, Policy: p.Policy, Now: p.Now}.Do),
	}
}

func typed[I, O any](do func(context.Context, I) (O, error)) Function {
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
