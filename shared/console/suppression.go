package console

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/unsubscribe"
)

type linkInput struct {
	Body struct {
		Address string `json:"address" minLength:"3" maxLength:"254" doc:"Whom the mail goes to. It isn't stored, and isn't in the link."`
		Topic   string `json:"topic" doc:"What the mail is about, in small letters, digits and hyphens." example:"product-news"`
	}
}

type checkInput struct {
	Body struct {
		Addresses []string `json:"addresses" minItems:"1" maxItems:"1000" doc:"They aren't stored."`
		Topic     string   `json:"topic" example:"product-news"`
	}
}

// Checked says of each address, in the order in which they came, whether it may be
// mailed.
type Checked struct {
	Suppressed []bool `json:"suppressed"`
}

// suppression registers what a sender asks before a mail.
func (c Console) suppression(api huma.API) {
	register(c, api, http.MethodPost, "/links", "mint-link", "Mint an unsubscribe link with its two headers", func(_ context.Context, in *linkInput) (unsubscribe.Link, error) {
		if err := needTopic(in.Body.Topic); err != nil {
			return unsubscribe.Link{}, err
		}
		return c.UnsubscribeKeys.Link(c.Base, in.Body.Address, in.Body.Topic)
	})
	register(c, api, http.MethodPost, "/suppression/check", "check-suppression", "Ask whom not to mail", func(ctx context.Context, in *checkInput) (Checked, error) {
		if err := needTopic(in.Body.Topic); err != nil {
			return Checked{}, err
		}
		out := Checked{Suppressed: make([]bool, len(in.Body.Addresses))}
		for i, address := range in.Body.Addresses {
			choices, err := c.Store.PreferencesOf(ctx, c.UnsubscribeKeys.Pseudonym(address))
			if err != nil {
				return Checked{}, err
			}
			out.Suppressed[i] = !rights.MayMail(choices, in.Body.Topic)
		}
		return out, nil
	})
}

func needTopic(topic string) error {
	if !unsubscribe.Topic(topic) {
		return &rights.Error{Code: rights.Invalid, Detail: "Name a topic in small letters, digits and hyphens, like product-news.", Fields: []rights.Field{{Name: "topic", Detail: "Write it like product-news."}}}
	}
	return nil
}
