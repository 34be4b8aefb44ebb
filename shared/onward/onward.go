// Package onward tells others what a person chose: the systems that mail them, and
// whoever listens to preference.changed.
//
// It promises that news that was stored reaches everybody at least once, however
// often it has to be tried, and that a person's own next choice is never overtaken by
// one before: what is told is always all that they want now.
//
// It leaves to work how a system is told, and to the store which news there is.
package onward

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rightful/rightful/shared/cloudevent"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/rights"
)

// Onward tells on.
type Onward struct {
	Store   rights.Preferences
	Systems []connector.System
	Queue   rights.Queue
	Events  Events // nil where nobody listens
	Now     func() time.Time
}

// Events takes events for whoever listens. A foreign system stands behind it.
type Events interface {
	Publish(ctx context.Context, events ...cloudevent.Event) error
}

const (
	page   = 100 // people at a time
	atOnce = 8   // of them, so that a big mailing's clicks are told on in minutes
)

// Tell tells on what is pending and returns about how many people that was.
func (o Onward) Tell(ctx context.Context) (int, error) {
	for told := 0; ; {
		pending, err := o.Store.PendingNews(ctx, page)
		if err != nil {
			return told, fmt.Errorf("couldn't read who chose anew: %w", err)
		}
		if err := o.tell(ctx, pending); err != nil {
			return told, err
		}
		if told += len(pending); len(pending) < page {
			return told, nil
		}
	}
}

// tell opens the shares, then publishes, then clears: a crash in between does it all
// again, with the same ids.
func (o Onward) tell(ctx context.Context, pending []rights.News) error {
	events, shares := make([]cloudevent.Event, len(pending)), make([][]rights.TaskID, len(pending))
	err := forAll(pending, func(i int, n rights.News) error {
		choices, err := o.Store.PreferencesOf(ctx, n.Person)
		if err != nil {
			return err
		}
		events[i] = cloudevent.PreferenceChanged(n.Person, choices)
		if !n.Shared {
			shares[i], err = o.share(ctx, n)
		}
		return err
	})
	if err != nil {
		return err
	}
	// The rows are the truth: what gets lost on the way is found by the sweep.
	if err := o.Queue.Hand(ctx, slices.Concat(shares...)...); err != nil {
		return err
	}
	if o.Events != nil && len(events) > 0 {
		if err := o.Events.Publish(ctx, events...); err != nil {
			// The next try tells the listeners alone: while a bus is away, no system is
			// called every minute.
			return errors.Join(err, forAll(pending, func(_ int, n rights.News) error { return o.Store.ShareNews(ctx, n) }))
		}
	}
	return forAll(pending, func(_ int, n rights.News) error { return o.Store.ClearNews(ctx, n) })
}

// share opens every system's share, over what it had of the person before.
func (o Onward) share(ctx context.Context, n rights.News) ([]rights.TaskID, error) {
	var due []rights.TaskID
	for _, s := range o.Systems {
		known := s.KnowsBy() == "person" || s.KnowsBy() == "email" && n.Address != nil
		if !s.Does(rights.Suppress) || !known {
			continue
		}
		t := rights.Task{ID: rights.NewSuppression(n.Person, s.Name()), Request: rights.ID(n.Person), System: s.Name(), Action: rights.Suppress, Due: o.Now(), Address: n.Address}
		if err := o.Store.Reopen(ctx, t); err != nil {
			return nil, err
		}
		due = append(due, t.ID)
	}
	return due, nil
}

func forAll(pending []rights.News, do func(int, rights.News) error) error {
	errs := make([]error, len(pending))
	places := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	for i, n := range pending {
		places <- struct{}{}
		group.Go(func() {
			errs[i] = do(i, n)
			<-places
		})
	}
	group.Wait()
	return errors.Join(errs...)
}
