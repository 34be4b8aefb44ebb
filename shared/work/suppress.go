package work

import (
	"context"
	"maps"
	"time"

	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/rights"
)

// suppress carries out one system's share in a person's choices. The system is told
// all that the person wants at this moment; who chooses anew meanwhile has the share
// opened again, and this call's answer is then nobody's.
func (w Worker) suppress(ctx context.Context, t rights.Task) (rights.Task, error) {
	person := string(t.Request)
	t.Due = w.Now().Add(Lease)
	t, _, err := w.Store.MoveTask(ctx, t, nil)
	if err != nil {
		return t, ignoreConflict(err)
	}
	choices, err := w.Store.PreferencesOf(ctx, person)
	if err != nil {
		return t, err
	}
	answer, err := w.tell(ctx, t, person, choices)
	if err != nil {
		if t = w.failed(t, err); t.Due.IsZero() {
			// No request shows it: the log has to, and its alarm.
			w.Log.ErrorContext(ctx, "a system wasn't told what somebody chose", "task", t.ID, "problem", t.Attempts[len(t.Attempts)-1].Problem)
		}
	} else {
		t = w.answered(t, answer)
	}
	moved, _, err := w.Store.MoveTask(ctx, t, nil)
	return moved, ignoreConflict(err)
}

func (w Worker) tell(ctx context.Context, t rights.Task, person string, choices []rights.Preference) (connector.Answer, error) {
	subject := rights.Subject{Identifiers: map[string]string{"person": person}}
	if t.Address != nil {
		var err error
		if subject.Email, err = w.UnsubscribeKeys.Address(person, t.Address); err != nil {
			return connector.Answer{}, &connector.Error{Problem: "the link's address is another person's, or was sealed for another installation", Final: true}
		}
	}
	system := w.system(t.System)
	if system == nil {
		return connector.Answer{}, &connector.Error{Problem: "no definition of this system is loaded", Final: true}
	}
	ctx, cancel := context.WithTimeout(ctx, Lease-30*time.Second)
	defer cancel()
	return system.Suppress(ctx, connector.Job{Task: t.ID, Subject: subject, At: w.Now(), Choices: choices})
}

// letAlone is a request's job of Suppress: who asks to be let alone means everything.
func (w Worker) letAlone(j connector.Job) connector.Job {
	person := w.UnsubscribeKeys.Pseudonym(j.Subject.Email)
	j.Subject.Identifiers = maps.Clone(j.Subject.Identifiers)
	if j.Subject.Identifiers == nil {
		j.Subject.Identifiers = map[string]string{}
	}
	j.Subject.Identifiers["person"] = person
	j.Choices = []rights.Preference{{Person: person, Topic: rights.EveryTopic, OptedOut: true, At: j.At, Source: rights.ByRequest, Basis: rights.Objected}}
	return j
}
