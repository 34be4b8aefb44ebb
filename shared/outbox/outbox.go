// Package outbox carries signals from the store to the workflow.
//
// It promises that a signal is delivered at least once: it was stored with the
// move that caused it, is delivered after the commit and cleared after that. What
// a crash or a refusal leaves behind is found again by Flush, which the sweep
// calls. It leaves to rights.Flow that being told twice does no harm.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/rightful/rightful/shared/rights"
)

// Outbox delivers signals.
type Outbox struct {
	Signals rights.Signals
	Flow    rights.Flow
	Log     *slog.Logger
}

// Deliver tells the workflow what was just stored. A failure is logged and left
// to Flush: the decision stands either way.
func (o Outbox) Deliver(ctx context.Context, signals ...rights.Signal) {
	for _, s := range signals {
		if err := o.deliver(ctx, s); err != nil {
			o.Log.WarnContext(ctx, "a signal waits for the sweep", "request", s.Request, "error", err)
		}
	}
}

func (o Outbox) deliver(ctx context.Context, s rights.Signal) error {
	tell := o.Flow.Resume
	if s.Token == "" {
		tell = func(ctx context.Context, s rights.Signal) error { return o.Flow.Start(ctx, s.Request) }
	}
	if err := tell(ctx, s); err != nil {
		return fmt.Errorf("couldn't tell the workflow: %w", err)
	}
	// A crash here delivers the signal once more after the restart.
	return o.Signals.ClearSignal(ctx, s.Key)
}

// Flush delivers what is pending and returns how many signals that were.
func (o Outbox) Flush(ctx context.Context) (int, error) {
	const page = 100
	delivered := 0
	for {
		pending, err := o.Signals.PendingSignals(ctx, page)
		if err != nil {
			return delivered, fmt.Errorf("couldn't read the pending signals: %w", err)
		}
		var failed []error
		for _, s := range pending {
			if err := o.deliver(ctx, s); err != nil {
				failed = append(failed, fmt.Errorf("request %s: %w", s.Request, err))
				continue
			}
			delivered++
		}
		// The failed ones come back in the next page: go on only where all went well.
		if len(pending) < page || len(failed) > 0 {
			return delivered, errors.Join(failed...)
		}
	}
}
