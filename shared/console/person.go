package console

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rightful/rightful/shared/cloudevent"
	"github.com/rightful/rightful/shared/preference"
	"github.com/rightful/rightful/shared/rights"
)

type lookUpInput struct {
	Body struct {
		Address string `json:"address" minLength:"3" maxLength:"254" doc:"It isn't stored."`
	}
}

type personInput struct {
	Person string `path:"person" maxLength:"40" doc:"The pseudonym, from a look-up or the log."`
}

type personTaskInput struct {
	Person string `path:"person" maxLength:"40"`
	System string `path:"system"`
}

// Chosen is what somebody chose, and how far the systems have come with it.
type Chosen struct {
	Person  string              `json:"person" doc:"The pseudonym."`
	Choices []cloudevent.Choice `json:"choices"`
	Tasks   []TaskView          `json:"tasks" doc:"Each system's share."`
}

// people registers what an operator sees of somebody's choices: for a question like
// "why do I get no mails", and for a system that couldn't be told.
func (c Console) people(api huma.API) {
	register(c, api, http.MethodPost, "/preferences/lookup", "look-up-preferences", "See what somebody chose, by address", func(ctx context.Context, in *lookUpInput) (Chosen, error) {
		if err := preference.NeedAddress(in.Body.Address); err != nil {
			return Chosen{}, err
		}
		return c.chosen(ctx, c.Choices.Keys.Pseudonym(in.Body.Address))
	})
	register(c, api, http.MethodGet, "/preferences/{person}", "show-preferences", "See what somebody chose, by pseudonym", func(ctx context.Context, in *personInput) (Chosen, error) {
		return c.chosen(ctx, in.Person)
	})
	register(c, api, http.MethodPost, "/preferences/{person}/systems/{system}/retry", "retry-suppression", "Tell a system again at once", func(ctx context.Context, in *personTaskInput) (Chosen, error) {
		if err := c.retell(ctx, in.Person, in.System); err != nil {
			return Chosen{}, err
		}
		return c.chosen(ctx, in.Person)
	})
}

func (c Console) chosen(ctx context.Context, person string) (Chosen, error) {
	choices, err := c.Store.PreferencesOf(ctx, person)
	if err != nil {
		return Chosen{}, err
	}
	tasks, err := c.Store.TasksOf(ctx, rights.ID(person))
	out := Chosen{Person: person, Choices: cloudevent.ChoicesOf(choices), Tasks: []TaskView{}}
	for _, t := range tasks {
		if t.ID.OfPerson() {
			out.Tasks = append(out.Tasks, viewOf(t))
		}
	}
	return out, err
}

func (c Console) retell(ctx context.Context, person, system string) error {
	id := rights.NewSuppression(person, system)
	if !id.OfPerson() {
		return &rights.Error{Code: rights.NotFound, Detail: "This is a request, no person. Retry its system at the request."}
	}
	t, err := c.Store.Task(ctx, id)
	if err != nil {
		return err
	}
	if !t.Open() {
		return &rights.Error{Code: rights.NotNow, Detail: "This system was told. There is nothing left to do."}
	}
	t.Outcome, t.Tries, t.Due = "", 0, c.Now()
	if _, _, err := c.Store.MoveTask(ctx, t, nil); err != nil {
		return err
	}
	return c.Queue.Hand(ctx, id)
}
