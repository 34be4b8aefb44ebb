package connector

import (
	"context"
	"slices"

	"github.com/rightful/rightful/shared/rights"
)

// Suppress implements System: one call for each topic that the person opted out of.
// Who opted out of everything gets the calls for everything; a system that knows no
// such call gets all of its calls.
func (y *httpSystem) Suppress(ctx context.Context, j Job) (Answer, error) {
	var out []rights.Preference
	for _, p := range j.Choices {
		if p.Topic != rights.SaleTopic && !rights.MayMail(j.Choices, p.Topic, false) {
			out = append(out, p)
		}
	}
	a := Answer{Outcome: rights.NoData}
	for _, p := range out {
		j.Choices = []rights.Preference{p}
		calls := y.stops(p.Topic)
		if len(calls) == 0 {
			continue
		}
		if _, err := y.calls(ctx, j, calls); err != nil {
			return a, err
		}
		a.Outcome = rights.Done
	}
	return a, nil
}

// stops are the calls that stop a topic's mails.
func (y *httpSystem) stops(topic string) []call {
	calls := slices.DeleteFunc(slices.Clone(y.d.Unsubscribe), func(c call) bool { return c.Topic != "" && c.Topic != topic })
	if topic == rights.EveryTopic && !slices.ContainsFunc(calls, func(c call) bool { return c.Topic == topic }) {
		return y.d.Unsubscribe
	}
	return calls
}
