// Package portal is what the person sees: the JSON API for programs that act for
// them, and pages that work without script.
//
// It promises that a 2xx means stored, that no GET changes anything (but that a browser's
// Sec-GPC is honoured with it), that limits
// hold before anything is written or mailed, and that an answer never tells
// whether a person is known. Every operation is a method of Portal that knows
// nothing of HTTP; api.go and pages.go are two ways to call it.
//
// It leaves the work to the workflow, and what operators do to console.
package portal

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/rightful/rightful/shared/bundle"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/preference"
	"github.com/rightful/rightful/shared/rights"
)

// Portal carries out what a person may do.
type Portal struct {
	Store       rights.Store
	Systems     []connector.System
	Vault       bundle.Vault
	Post        notice.Post
	Outbox      outbox.Outbox
	Links       rights.Links
	Policy      rights.Policy
	Fingerprint func(kind, value string) string // keyed hash, for look-ups and limits

	Choices preference.Center
	Now     func() time.Time
	Rand    io.Reader
	Log     *slog.Logger
}

// change reads a request, lets do move it, and stores that; a lost race reads
// again. do returns the events and signals that go with the move, or false where
// there is nothing to change.
func (p Portal) change(ctx context.Context, id rights.ID, do func(*rights.Request) (rights.Change, bool, error)) (rights.Request, error) {
	for try := 0; ; try++ {
		r, err := p.Store.Get(ctx, id)
		if err != nil {
			return r, err
		}
		next := r
		change, changed, err := do(&next)
		if err != nil || !changed {
			return r, err
		}
		moved, err := p.Store.Move(ctx, next, change)
		if rights.CodeOf(err) == rights.Conflict && try < 5 {
			continue
		}
		if err == nil {
			p.Outbox.Deliver(ctx, change.Signals...)
		}
		return moved, err
	}
}

// limited counts one act of somebody and refuses it where it is too much.
func (p Portal) limited(ctx context.Context, kind, who string, most int) error {
	wait, err := p.Store.Count(ctx, kind+":"+p.Fingerprint(kind, who), most, time.Hour, p.Now())
	if err != nil || wait == 0 {
		return err
	}
	return &rights.Error{
		Code: rights.TooMany, RetryAfter: wait,
		Detail: "There were too many requests from here or for this address within an hour. Nothing was stored and no mail was sent. Try again after " + p.Now().Add(wait).UTC().Format("15:04 on 2 January 2006 MST") + ", or write to " + p.Policy.Contact + ".",
	}
}
