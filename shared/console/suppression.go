package console

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rightful/rightful/shared/preference"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/unsubscribe"
)

type linkInput struct {
	Body struct {
		Address string `json:"address" minLength:"3" maxLength:"254" doc:"Whom the mail goes to. It isn't stored; the link holds it sealed, for this installation alone."`
		Topic   string `json:"topic" doc:"What the mail is about, in small letters, digits and hyphens." example:"product-news"`
	}
}

type checkInput struct {
	Body struct {
		Addresses []string `json:"addresses" minItems:"1" maxItems:"1000" doc:"They aren't stored."`
		Topic     string   `json:"topic" example:"product-news"`
		Country   string   `json:"country,omitempty" maxLength:"2" doc:"Where these people are (ISO 3166-1): in some countries they have to agree first." example:"DE"`
	}
}

// Checked says of each address, in the order in which they came, whether it may be
// mailed.
type Checked struct {
	Suppressed []bool `json:"suppressed"`
}

type consentInput struct {
	Body struct {
		Address string `json:"address" minLength:"3" maxLength:"254"`
		Topic   string `json:"topic" example:"product-news"`
		Country string `json:"country,omitempty" maxLength:"2" example:"DE"`
	}
}

// SignedUp is what became of somebody who was signed up.
type SignedUp struct {
	State preference.State `json:"state" enum:"kept,asked,opted_out" doc:"kept: mails may go. asked: a mail asks them to confirm, and nothing may go before. opted_out: they refused before, and nothing may go."`
}

type listSuppressionInput struct {
	Cursor string `query:"cursor" doc:"next of the page before."`
	Limit  int    `query:"limit" default:"1000" minimum:"1" maximum:"5000"`
}

// Suppressed is a page of everybody's opt-outs.
type Suppressed struct {
	Recipe     string   `json:"recipe" doc:"How to make a person of an address."`
	Suppressed []OptOut `json:"suppressed"`
	Next       string   `json:"next,omitempty" doc:"The cursor of the next page; absent at the end. A page may be empty with more behind it."`
}

// OptOut is one of them. It names nobody.
type OptOut struct {
	Person string              `json:"person" doc:"The pseudonym."`
	Topic  string              `json:"topic" doc:"every is all marketing mail; sale is no mail, but the sale and sharing of data."`
	At     string              `json:"at"`
	Source rights.ChoiceSource `json:"source"`
}

type importInput struct {
	Body struct {
		Rows []preference.Row `json:"rows" minItems:"1" maxItems:"1000"`
	}
}

// suppression registers what a sender asks before a mail, and what it brings.
func (c Console) suppression(api huma.API) {
	register(c, api, http.MethodPost, "/links", "mint-link", "Mint an unsubscribe link with its two headers", func(_ context.Context, in *linkInput) (unsubscribe.Link, error) {
		if err := preference.NeedTopic(in.Body.Topic); err != nil {
			return unsubscribe.Link{}, err
		}
		return c.Choices.Keys.Link(c.Choices.Base, in.Body.Address, in.Body.Topic)
	})
	register(c, api, http.MethodPost, "/links/keys", "export-link-keys", "Get the key with which a sender mints links by itself; whoever has it can unsubscribe anybody whose address they know", func(context.Context, *struct{}) (json.RawMessage, error) {
		return c.Choices.Keys.Export()
	})
	register(c, api, http.MethodPost, "/suppression/check", "check-suppression", "Ask whom not to mail", func(ctx context.Context, in *checkInput) (Checked, error) {
		if err := preference.NeedTopic(in.Body.Topic); err != nil {
			return Checked{}, err
		}
		out := Checked{Suppressed: make([]bool, len(in.Body.Addresses))}
		for i, address := range in.Body.Addresses {
			may, err := c.Choices.MayMail(ctx, address, in.Body.Topic, in.Body.Country)
			if err != nil {
				return Checked{}, err
			}
			out.Suppressed[i] = !may
		}
		return out, nil
	})
	register(c, api, http.MethodPost, "/consents", "sign-up", "Keep that somebody agreed to a topic's mails, or have it confirmed", func(ctx context.Context, in *consentInput) (SignedUp, error) {
		if err := preference.NeedTopic(in.Body.Topic); err != nil {
			return SignedUp{}, err
		}
		if err := preference.NeedAddress(in.Body.Address); err != nil {
			return SignedUp{}, err
		}
		state, err := c.Choices.SignUp(ctx, in.Body.Address, in.Body.Topic, in.Body.Country)
		return SignedUp{state}, err
	})
	register(c, api, http.MethodGet, "/suppression", "list-suppression", "Export everybody's opt-outs as hashes", c.suppressed)
	register(c, api, http.MethodPost, "/suppression/import", "import-suppression", "Import choices that were kept elsewhere", func(ctx context.Context, in *importInput) (preference.Report, error) {
		return c.Choices.Import(ctx, in.Body.Rows)
	})
}

func (c Console) suppressed(ctx context.Context, in *listSuppressionInput) (Suppressed, error) {
	found, next, err := c.Store.OptedOut(ctx, in.Cursor, in.Limit)
	out := Suppressed{Recipe: unsubscribe.Recipe, Suppressed: []OptOut{}, Next: next}
	for _, p := range found {
		out.Suppressed = append(out.Suppressed, OptOut{p.Person, p.Topic, p.At.Format("2006-01-02T15:04:05Z"), p.Source})
	}
	return out, err
}
