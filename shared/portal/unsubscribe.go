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
	State        string // "ready", "out", "back" or "dead"
}

// unsubscribePage shows what a click would do, and changes nothing: mail programs and
// scanners open every link.
func (p Portal) unsubscribePage(w http.ResponseWriter, r *http.Request) {
	d := unsubscribeData{Token: r.PathValue("token"), State: "ready"}
	claims, err := p.UnsubscribeKeys.Open(d.Token)
	if err != nil {
		d.State = "dead"
		p.showUnsubscribe(w, r, http.StatusOK, d)
		return
	}
	d.Topic = claims.Topic
	choices, err := p.Store.PreferencesOf(r.Context(), claims.Person)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if !rights.MayMail(choices, claims.Topic) {
		d.State = "out"
	}
	p.showUnsubscribe(w, r, http.StatusOK, d)
}

func (p Portal) showUnsubscribe(w http.ResponseWriter, r *http.Request, status int, d unsubscribeData) {
	titles := map[string]string{"ready": "Unsubscribe", "out": "You are unsubscribed", "back": "You get these mails again", "dead": "This link doesn't work"}
	w.Header().Set("X-Robots-Tag", "noindex")
	p.render(w, r, status, "unsubscribe.html", page{Title: titles[d.State], Data: d})
}

// sendUnsubscribe acts: for a mail program's one click (RFC 8058, section 3.2), which
// wants a 200 without a redirect or a cookie, and for our own page's buttons.
func (p Portal) sendUnsubscribe(w http.ResponseWriter, r *http.Request) {
	d := unsubscribeData{Token: r.PathValue("token")}
	claims, err := p.UnsubscribeKeys.Open(d.Token)
	if err != nil {
		// Nothing was stored: no program may take this for done.
		d.State = "dead"
		p.showUnsubscribe(w, r, http.StatusNotFound, d)
		return
	}
	d.Topic = claims.Topic
	oneClick := r.FormValue("List-Unsubscribe") == "One-Click"
	back := r.FormValue("action") == "undo" && !oneClick
	if err := p.prefer(r.Context(), claims, back, oneClick, r.FormValue("action") == "every"); err != nil {
		p.fail(w, r, err)
		return
	}
	if oneClick {
		w.WriteHeader(http.StatusOK)
		return
	}
	d.State = map[bool]string{true: "back", false: "out"}[back]
	p.showUnsubscribe(w, r, http.StatusOK, d)
}

// prefer stores what the click says, at once (GDPR Art. 21(3)).
func (p Portal) prefer(ctx context.Context, c unsubscribe.Claims, back, oneClick, every bool) error {
	choice := rights.Preference{Person: c.Person, Topic: c.Topic, OptedOut: !back, At: p.Now().UTC(), Source: rights.ByPage}
	if oneClick {
		choice.Source = rights.ByOneClick
	}
	if !every {
		err := p.Store.Prefer(ctx, choice)
		if err != nil || !back {
			return err
		}
	}
	choice.Topic = rights.EveryTopic
	if back {
		// Undoing gives back what one click took, which may have been everything.
		choices, err := p.Store.PreferencesOf(ctx, c.Person)
		if err != nil || rights.MayMail(choices, c.Topic) {
			return err
		}
	}
	return p.Store.Prefer(ctx, choice)
}

// Escaped is the token as it stands in an address.
func (d unsubscribeData) Escaped() string { return url.PathEscape(d.Token) }
