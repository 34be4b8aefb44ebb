package connector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rightful/rightful/shared/rights"
)

// suppress has do make the calls of a definition: first what has mails come again, then
// what stops them, so that a refusal is the last word.
func (b base) suppress(j Job, do func(Job, []call) error) (Answer, error) {
	a := Answer{Outcome: rights.NoData}
	carry := func(p rights.Preference, calls []call) error {
		if len(calls) == 0 {
			return nil
		}
		of := j
		of.Choices = []rights.Preference{p}
		a.Outcome = rights.Done
		return do(of, calls)
	}
	for _, p := range j.Choices {
		// Only the person's own word: a list of the company's may not know that they
		// refused at the vendor.
		own := p.Source == rights.ByPage || p.Source == rights.ByConfirmation
		if own && p.Topic != rights.SaleTopic && rights.MayMail(j.Choices, p.Topic, false) {
			if err := carry(p, about(p.Topic, b.d.Resubscribe)); err != nil {
				return a, err
			}
		}
	}
	for _, p := range j.Choices {
		if p.Topic != rights.SaleTopic && !rights.MayMail(j.Choices, p.Topic, false) {
			if err := carry(p, about(p.Topic, b.d.Unsubscribe)); err != nil {
				return a, err
			}
		}
	}
	return a, nil
}

// about are the calls of a topic. Who means everything gets the calls for everything; a
// system that knows no such call gets all of its calls.
func about(topic string, all []call) []call {
	calls := slices.DeleteFunc(slices.Clone(all), func(c call) bool { return c.Topic != "" && c.Topic != topic })
	if topic == rights.EveryTopic && !slices.ContainsFunc(calls, func(c call) bool { return c.Topic == topic }) {
		return all
	}
	return calls
}

// Suppress implements System.
func (y *httpSystem) Suppress(ctx context.Context, j Job) (Answer, error) {
	return y.suppress(j, func(j Job, calls []call) error {
		_, err := y.calls(ctx, j, calls)
		return err
	})
}

// checkStop checks what a database is told.
func checkStop(c call) error {
	if c.Method != "" || c.Path != "" || len(c.Body) > 0 {
		return errors.New("a database has no calls: name table, column, and in set what is written into its rows")
	}
	for _, name := range append([]string{c.Table, c.Column}, slices.Sorted(maps.Keys(c.Set))...) {
		if !sqlName().MatchString(name) {
			return fmt.Errorf("%q is no name of a table or column: use letters, digits and underscores", name)
		}
	}
	if len(c.Set) == 0 {
		return errors.New("set: say what is written, like newsletter: false")
	}
	return nil
}

// Suppress implements System: it writes into the person's rows, and makes none.
func (y *sqlSystem) Suppress(ctx context.Context, j Job) (Answer, error) {
	value, err := identity(j.Subject, y.d.Identity)
	if err != nil {
		return Answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, y.timeout)
	defer cancel()
	return y.suppress(j, func(_ Job, calls []call) error {
		for _, c := range calls {
			q := &query{numbered: y.numbered}
			var sets []string
			for _, column := range slices.Sorted(maps.Keys(c.Set)) {
				sets = append(sets, quoted(column)+" = "+q.bind(c.Set[column]))
			}
			text := "UPDATE " + quoted(c.Table) + " SET " + strings.Join(sets, ", ") + " WHERE " + y.where(q, &collection{Column: c.Column}, value)
			if _, err := y.db.ExecContext(ctx, text, q.args...); err != nil {
				return fault(ctx, "stop the mails in "+c.Table, err)
			}
		}
		return nil
	})
}
