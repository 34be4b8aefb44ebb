package work_test

import (
	"testing"
	"time"

	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/unsubscribe"
)

// chosen is a bench on which somebody opted out, and their share is open.
func chosen(t *testing.T, s *system) (b *bench, share rights.TaskID) {
	t.Helper()
	b = newBench(t, s)
	b.UnsubscribeKeys = unsubscribe.Derive(func(string) []byte { return make([]byte, 32) }, 1)
	const address = "ada@example.com"
	sealed, err := b.UnsubscribeKeys.Seal(address)
	if err != nil {
		t.Fatal(err)
	}
	person := b.UnsubscribeKeys.Pseudonym(address)
	out := rights.Preference{Person: person, Topic: "news", OptedOut: true, At: b.now, Source: rights.ByOneClick, Basis: rights.Objected}
	if _, err := b.Store.Prefer(t.Context(), out, nil); err != nil {
		t.Fatal(err)
	}
	share = rights.NewSuppression(person, "crm")
	b.reopen(t, share, sealed)
	return b, share
}

func (b *bench) reopen(t *testing.T, share rights.TaskID, sealed []byte) {
	t.Helper()
	task := rights.Task{ID: share, Request: share.Request(), System: "crm", Action: rights.Suppress, Due: b.now, Address: sealed}
	if err := b.Store.Reopen(t.Context(), task); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) share(t *testing.T, id rights.TaskID) rights.Task {
	t.Helper()
	if _, err := b.Do(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	got, err := b.Store.Task(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestSuppress(t *testing.T) {
	t.Parallel()

	t.Run("TellsOnceAndForgetsTheAddress", func(t *testing.T) {
		calls := 0
		b, share := chosen(t, &system{suppress: func(j connector.Job) (connector.Answer, error) {
			calls++
			if j.Subject.Email != "ada@example.com" || len(j.Choices) != 1 || j.Choices[0].Topic != "news" || j.Task != shareOf(j) {
				t.Errorf("told %+v", j)
			}
			return connector.Answer{Outcome: rights.Done}, nil
		}})
		for range 2 {
			if got := b.share(t, share); got.Outcome != rights.Done || got.Open() || got.Address != nil {
				t.Errorf("%+v", got)
			}
		}
		if calls != 1 || b.flow.told != 0 {
			t.Errorf("%d calls, and the workflow was told %d times", calls, b.flow.told)
		}
	})

	t.Run("IsTriedAgainAndThenParked", func(t *testing.T) {
		b, share := chosen(t, &system{suppress: func(connector.Job) (connector.Answer, error) {
			return connector.Answer{}, &connector.Error{Problem: "answered 503"}
		}})
		got := b.share(t, share)
		if !got.Open() || got.Due.Sub(b.now) != 5*time.Second || got.Address == nil {
			t.Errorf("after the first try: %+v", got)
		}
		for range 20 {
			b.now = b.now.Add(2 * time.Hour)
			got = b.share(t, share)
		}
		if got.Outcome != rights.NeedsAttention || !got.Due.IsZero() || got.Address == nil {
			t.Errorf("after many: %+v", got)
		}
	})

	t.Run("WhoChoosesAnewMeanwhileIsToldAgain", func(t *testing.T) {
		var b *bench
		var share rights.TaskID
		calls := 0
		b, share = chosen(t, &system{suppress: func(j connector.Job) (connector.Answer, error) {
			if calls++; calls == 1 {
				b.reopen(t, share, []byte("sealed anew"))
			}
			return connector.Answer{Outcome: rights.Done}, nil
		}})
		if got := b.share(t, share); !got.Open() || string(got.Address) != "sealed anew" || !got.Due.Equal(b.now) {
			t.Errorf("the answer about what was chosen before ended it: %+v", got)
		}
	})

	t.Run("SomebodyElsesAddressIsNobodys", func(t *testing.T) {
		b, share := chosen(t, &system{suppress: func(connector.Job) (connector.Answer, error) {
			t.Error("somebody else was unsubscribed")
			return connector.Answer{}, nil
		}})
		sealed, err := b.UnsubscribeKeys.Seal("bob@example.com")
		if err != nil {
			t.Fatal(err)
		}
		b.reopen(t, share, sealed)
		if got := b.share(t, share); got.Outcome != rights.NeedsAttention {
			t.Errorf("%+v", got)
		}
	})
}

// shareOf is the id that a job of Suppress has to have.
func shareOf(j connector.Job) rights.TaskID {
	return rights.NewSuppression(j.Subject.Identifiers["person"], "crm")
}
