package portal

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/rightful/rightful/shared/unsubscribe"
)

// confirmData is what the page behind a mail that asks shows.
type confirmData struct {
	Token, Topic string
	State        string // "ready", "done" or "dead"
}

func (p Portal) confirmPage(w http.ResponseWriter, r *http.Request) {
	d := confirmData{Token: r.PathValue("token"), State: "ready"}
	claims, err := p.Choices.Keys.Asked(d.Token, p.Now())
	if err != nil {
		d.State = "dead"
	}
	d.Topic = p.Policy.TopicTitle(claims.Topic)
	w.Header().Set("X-Robots-Tag", "noindex")
	p.render(w, r, http.StatusOK, "confirm.html", page{Title: "Confirm", Data: d})
}

func (p Portal) sendConfirm(w http.ResponseWriter, r *http.Request) {
	d, status := confirmData{Token: r.PathValue("token"), State: "done"}, http.StatusOK
	claims, err := p.Choices.Confirm(r.Context(), d.Token)
	switch {
	case errors.Is(err, unsubscribe.ErrInvalid) || errors.Is(err, unsubscribe.ErrAsked):
		d.State, status = "dead", http.StatusGone
	case err != nil:
		p.fail(w, r, err)
		return
	}
	d.Topic = p.Policy.TopicTitle(claims.Topic)
	p.render(w, r, status, "confirm.html", page{Title: "Confirm", Data: d})
}

// Escaped is the token as it stands in an address.
func (d confirmData) Escaped() string { return url.PathEscape(d.Token) }
