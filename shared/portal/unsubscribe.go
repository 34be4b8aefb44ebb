package portal

import (
	"context"
	"net/http"
	"net/url"

	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/unsubscribe"
)

// unsubscribeData is what the page about a link shows.
type unsubscribeData struct {
	Token, Topic string
	State        string // "ready", "out", "back", "asked" or "dead"
}

// unsubscribePage shows what a click would do, and changes nothing: mail programs and
// scanners open every link.
func (p Portal) unsubscribePage(w http.ResponseWriter, r *http.Request) {
	d := unsubscribeData{Token: r.PathValue("token"), State: "ready"}
	claims, err := p.Choices.Keys.Open(d.Token)
	if err != nil {
		d.State = "dead"
		p.showUnsubscribe(w, r, http.StatusOK, d)
		return
	}
	d.Topic = p.Policy.TopicTitle(claims.Topic)
	choices, err := p.Store.PreferencesOf(r.Context(), claims.Person)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if !rights.MayMail(choices, claims.Topic, false) {
		d.State = "out"
	}
	p.showUnsubscribe(w, r, http.StatusOK, d)
}

func (p Portal) showUnsubscribe(w http.ResponseWriter, r *http.Request, status int, d unsubscribeData) {
	titles := map[string]string{"ready": "Unsubscribe", "out": "You are unsubscribed", "back": "You get these mails again", "asked": "Look into your mail", "dead": "This link doesn't work"}
	w.Header().Set("X-Robots-Tag", "noindex")
	p.render(w, r, status, "unsubscribe.html", page{Title: titles[d.State], Data: d})
}

// sendUnsubscribe acts: for a mail program's one click (RFC 8058, section 3.2), which
// wants a 200 without a redirect or a cookie, and for our own page's buttons.
func (p Portal) sendUnsubscribe(w http.ResponseWriter, r *http.Request) {
	d := unsubscribeData{Token: r.PathValue("token")}
	claims, err := p.Choices.Keys.Open(d.Token)
	if err != nil {
		// Nothing was stored: no program may take this for done.
		d.State = "dead"
		p.showUnsubscribe(w, r, http.StatusNotFound, d)
		return
	}
	d.Topic = p.Policy.TopicTitle(claims.Topic)
	out := rights.Preference{Person: claims.Person, Topic: claims.Topic, OptedOut: true, Source: rights.ByPage}
	switch action := r.FormValue("action"); {
	case r.FormValue("List-Unsubscribe") == "One-Click":
		out.Source = rights.ByOneClick
		if _, err := p.Choices.Choose(r.Context(), out, claims.Sealed); err != nil {
			p.fail(w, r, err)
			return
		}
		w.WriteHeader(http.StatusOK)
		return
	case action == "undo":
		d.State, err = p.undo(r.Context(), claims)
	case action == "every":
		out.Topic, d.State = rights.EveryTopic, "out"
		_, err = p.Choices.Choose(r.Context(), out, claims.Sealed)
	default:
		d.State = "out"
		_, err = p.Choices.Choose(r.Context(), out, claims.Sealed)
	}
	if err == nil && signaled(r) {
		err = p.Choices.Signal(r.Context(), claims.Person, claims.Sealed)
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.showUnsubscribe(w, r, http.StatusOK, d)
}

// perPerson is how often an hour somebody may change their mind: each change is told
// to every system. To refuse has no limit: the second refusal changes nothing.
const perPerson = 30

// undo gives back what one click took, which may have been everything.
func (p Portal) undo(ctx context.Context, claims unsubscribe.Claims) (string, error) {
	if err := p.limited(ctx, "choices", claims.Person, perPerson); err != nil {
		return "", err
	}
	choices, err := p.Store.PreferencesOf(ctx, claims.Person)
	if err != nil {
		return "", err
	}
	state := "back"
	for _, c := range choices {
		if c.OptedOut && (c.Topic == claims.Topic || c.Topic == rights.EveryTopic) {
			if state, err = p.takeBack(ctx, claims, c.Topic); err != nil {
				return "", err
			}
		}
	}
	return state, nil
}

// takeBack has a topic's mails come again. Where consent has to be confirmed by mail,
// holding the link isn't enough: a mail may have been handed on.
func (p Portal) takeBack(ctx context.Context, claims unsubscribe.Claims, topic string) (string, error) {
	if !p.Policy.DoubleOptIn || claims.Sealed == nil || topic == rights.EveryTopic {
		_, err := p.Choices.Choose(ctx, rights.Preference{Person: claims.Person, Topic: topic, Source: rights.ByPage}, claims.Sealed)
		return "back", err
	}
	address, err := p.Choices.Keys.Address(claims.Person, claims.Sealed)
	if err != nil {
		return "", &rights.Error{Code: rights.Forbidden, Detail: "This link is no longer whole. Use the one in a newer mail."}
	}
	return "asked", p.Choices.Ask(ctx, address, topic)
}

// Escaped is the token as it stands in an address.
func (d unsubscribeData) Escaped() string { return url.PathEscape(d.Token) }
