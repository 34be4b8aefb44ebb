package portal

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/unsubscribe"
)

// preferencesData is what the preference page shows.
type preferencesData struct {
	Token  string
	State  string // "", "saved", "asked" or "dead"
	Signal bool   // the browser sends Sec-GPC
	Sold   bool   // nobody has objected to sale and sharing
	Topics []topicData
	Noted  []noted
	Told   []SystemView
}

type topicData struct {
	Name, Title string
	On          bool
}

// noted is one choice as it was kept.
type noted struct {
	Title, Choice, Source, Basis string
	At                           time.Time
}

// preferencesPage shows what a person chose. It changes nothing but for one thing: a
// browser that sends Sec-GPC asks by that, with every call, that the data isn't sold
// or shared (11 CCR § 7025(c)).
func (p Portal) preferencesPage(w http.ResponseWriter, r *http.Request) {
	claims, err := p.Choices.Keys.Open(r.PathValue("token"))
	if err == nil && r.Method == http.MethodGet && signaled(r) {
		if err := p.Choices.Signal(r.Context(), claims.Person, claims.Sealed); err != nil {
			p.fail(w, r, err)
			return
		}
	}
	p.preferences(w, r, claims, err, "")
}

func (p Portal) preferences(w http.ResponseWriter, r *http.Request, claims unsubscribe.Claims, bad error, state string) {
	w.Header().Set("X-Robots-Tag", "noindex")
	w.Header().Set("Vary", "Sec-GPC")
	d := preferencesData{Token: r.PathValue("token"), State: state, Signal: signaled(r)}
	if bad != nil {
		d.State = "dead"
		status := http.StatusOK
		if r.Method == http.MethodPost {
			status = http.StatusNotFound
		}
		p.render(w, r, status, "preferences.html", page{Title: "This link doesn't work", Data: d})
		return
	}
	choices, err := p.Store.PreferencesOf(r.Context(), claims.Person)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	told, err := p.told(r.Context(), claims.Person, choices)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	d.Topics, d.Sold, d.Told = p.topics(claims, choices), rights.MaySell(choices), told
	for _, c := range choices {
		d.Noted = append(d.Noted, p.noted(c))
	}
	p.render(w, r, http.StatusOK, "preferences.html", page{Title: "Your mail preferences", Data: d})
}

// topics are those of the settings, and what the link or a choice names beside them.
func (p Portal) topics(claims unsubscribe.Claims, choices []rights.Preference) []topicData {
	all := slices.Clone(p.Policy.Topics)
	add := func(name string) {
		known := slices.ContainsFunc(all, func(t rights.Topic) bool { return t.Name == name })
		if !known && name != rights.EveryTopic && name != rights.SaleTopic {
			all = append(all, rights.Topic{Name: name, Title: name})
		}
	}
	add(claims.Topic)
	for _, c := range choices {
		add(c.Topic)
	}
	var out []topicData
	for _, t := range all {
		out = append(out, topicData{t.Name, t.Title, rights.MayMail(choices, t.Name, p.Policy.Consent == rights.ConsentAll)})
	}
	return out
}

var (
	sources = map[rights.ChoiceSource]string{
		rights.ByOneClick: "your mail program's unsubscribe button", rights.ByPage: "this page", rights.ByConfirmation: "the link in a mail that asked you",
		rights.ByRequest: "your request to us", rights.BySignal: "your browser's privacy signal", rights.ByBounce: "mail to you came back",
		rights.ByComplaint: "a mail of ours was reported as spam", rights.ByProvider: "the mail service's own page", rights.ByImport: "our own list",
	}
	bases = map[rights.Basis]string{
		rights.Consent: "You agreed (GDPR Art. 6(1)(a))", rights.Objected: "You objected (GDPR Art. 21(3))",
		rights.SaleOptOut: "You opted out (Cal. Civ. Code § 1798.120)", rights.Undeliverable: "Mail can't be delivered",
	}
)

func (p Portal) noted(c rights.Preference) noted {
	n := noted{Title: p.Policy.TopicTitle(c.Topic), Choice: "Yes", Source: cmp.Or(sources[c.Source], string(c.Source)), Basis: cmp.Or(bases[c.Basis], string(c.Basis)), At: c.At}
	if c.Topic == rights.SaleTopic {
		n.Title = "Sale and sharing of your data"
	}
	if c.OptedOut {
		n.Choice = "No"
	}
	return n
}

// told is how far each system has come with what the person chose. What is news still,
// none has come far with.
func (p Portal) told(ctx context.Context, person string, choices []rights.Preference) ([]SystemView, error) {
	tasks, err := p.Store.TasksOf(ctx, rights.ID(person))
	if err != nil {
		return nil, err
	}
	untold := slices.ContainsFunc(choices, func(c rights.Preference) bool { return c.Untold })
	var all []SystemView
	for _, s := range p.Systems {
		if !s.Does(rights.Suppress) {
			continue
		}
		v := SystemView{Name: s.Name(), Title: s.Title(), Outcome: Waiting}
		i := slices.IndexFunc(tasks, func(t rights.Task) bool { return t.System == s.Name() })
		if !untold && i < 0 {
			continue
		}
		if !untold && tasks[i].Outcome != "" {
			v.Outcome, v.Detail = tasks[i].Outcome, Detail(tasks[i])
		}
		all = append(all, v)
	}
	return all, nil
}

// sendPreferences keeps what the person changed, and nothing that they left as it was.
func (p Portal) sendPreferences(w http.ResponseWriter, r *http.Request) {
	claims, err := p.Choices.Keys.Open(r.PathValue("token"))
	if err != nil {
		p.preferences(w, r, claims, err, "")
		return
	}
	state, err := p.choose(r, claims)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.preferences(w, r, claims, nil, state)
}

func (p Portal) choose(r *http.Request, claims unsubscribe.Claims) (string, error) {
	ctx := r.Context()
	if signaled(r) {
		if err := p.Choices.Signal(ctx, claims.Person, claims.Sealed); err != nil {
			return "", err
		}
	}
	if r.FormValue("action") != "every" {
		if err := p.limited(ctx, "choices", claims.Person, perPerson); err != nil {
			return "", err
		}
	}
	choices, err := p.Store.PreferencesOf(ctx, claims.Person)
	if err != nil {
		return "", err
	}
	out := func(topic string) error {
		_, err := p.Choices.Choose(ctx, rights.Preference{Person: claims.Person, Topic: topic, OptedOut: true, Source: rights.ByPage}, claims.Sealed)
		return err
	}
	if r.FormValue("action") == "every" {
		return "saved", out(rights.EveryTopic)
	}
	state := "saved"
	for _, t := range p.topics(claims, choices) {
		// A topic that the page didn't show can't have been unticked.
		want := slices.Contains(r.Form["topic"], t.Name)
		switch shown := slices.Contains(r.Form["shown"], t.Name); {
		case !shown || want == t.On:
		case !want:
			err = out(t.Name)
		default:
			var became string
			if became, err = p.takeBack(ctx, claims, t.Name); became == "asked" {
				state = became
			}
		}
		if err != nil {
			return "", err
		}
	}
	sell, shown := r.FormValue("sale") != "no", slices.Contains(r.Form["shown"], rights.SaleTopic)
	if shown && sell != rights.MaySell(choices) && !signaled(r) {
		_, err = p.Choices.Choose(ctx, rights.Preference{Person: claims.Person, Topic: rights.SaleTopic, OptedOut: !sell, Source: rights.ByPage}, claims.Sealed)
	}
	return state, err
}

// Escaped is the token as it stands in an address.
func (d preferencesData) Escaped() string { return url.PathEscape(d.Token) }
