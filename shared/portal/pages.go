package portal

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rightful/rightful/shared/problem"
	"github.com/rightful/rightful/shared/rights"
)

//go:embed pages
var pageFiles embed.FS

var parsed struct {
	once  sync.Once
	pages *template.Template
}

// pages are parsed at the first page. Nothing of a template stands in a package's
// variable: a process that serves none doesn't link the parser.
func pages() *template.Template {
	parsed.once.Do(func() {
		parsed.pages = template.Must(template.New("pages").Funcs(template.FuncMap{
			"day":    func(t time.Time) string { return t.Format("2 January 2006") },
			"moment": func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 MST") },
		}).ParseFS(pageFiles, "pages/*.html"))
	})
	return parsed.pages
}

// Pages mounts what a person sees. Every page works without script; GET shows and
// POST acts. A POST from another site's page is refused, so that nobody's browser
// can be made to send requests or mails.
func (p Portal) Pages(mux *http.ServeMux) {
	post := func(pattern string, do http.HandlerFunc) {
		mux.Handle("POST "+pattern, http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(do, maxBody)))
	}
	mux.HandleFunc("GET /{$}", p.homePage)
	mux.HandleFunc("GET /style.css", stylePage)
	mux.HandleFunc("GET /requests/new", p.formPage)
	post("/requests/edit", p.formPage)
	post("/requests/check", p.checkPage)
	post("/requests", p.sendForm)
	mux.HandleFunc("GET /requests/{token}", p.statusPage)
	post("/requests/{token}/code", p.sendCode)
	post("/requests/{token}/resend", p.sendResend)
	post("/requests/{token}/withdraw", p.sendWithdraw)
	post("/requests/{token}/export", p.sendExport)
	mux.HandleFunc("GET /verify/{token}", p.verifyPage)
	post("/verify/{token}", p.sendVerify)
	post("/verify/{token}/resend", p.sendNewLink)
	mux.HandleFunc("GET /download/{token}", p.download)
	mux.HandleFunc("GET /preferences/{token}", p.preferencesPage)
	post("/preferences/{token}", p.sendPreferences)
	mux.HandleFunc("GET /preferences/confirm/{token}", p.confirmPage)
	post("/preferences/confirm/{token}", p.sendConfirm)
	mux.HandleFunc("GET /.well-known/gpc.json", gpcResource)
	mux.HandleFunc("GET /u/{token}", p.unsubscribePage)
	// The token is the right to click: a mail program's POST comes from nowhere.
	mux.Handle("POST /u/{token}", http.MaxBytesHandler(http.HandlerFunc(p.sendUnsubscribe), maxBody))
}

// page is what every template gets.
type page struct {
	Title   string
	Policy  rights.Policy
	Problem *problem.Details // shown on top; nil for none
	Data    any
}

func (p Portal) render(w http.ResponseWriter, r *http.Request, status int, name string, pg page) {
	pg.Policy = p.Policy
	if pg.Problem != nil {
		pg.Title = "Error: " + pg.Title
		if status == http.StatusOK {
			status = pg.Problem.Status
		}
		for key, values := range pg.Problem.GetHeaders() {
			w.Header()[key] = values
		}
	}
	var out bytes.Buffer
	if err := pages().ExecuteTemplate(&out, name, pg); err != nil {
		p.Log.ErrorContext(r.Context(), "a page can't be made", "page", name, "error", err)
		http.Error(w, "There is a problem on our side. Try again in a few minutes.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	out.WriteTo(w) // a browser that left is no matter
}

// fail shows an error that leaves nothing else to show.
func (p Portal) fail(w http.ResponseWriter, r *http.Request, err error) {
	d := problem.From(err)
	if d.Status >= http.StatusInternalServerError {
		p.Log.ErrorContext(r.Context(), "a page failed", "error", err)
	}
	p.render(w, r, d.Status, "problem.html", page{Title: "This didn't work", Problem: d})
}

func stylePage(w http.ResponseWriter, _ *http.Request) {
	text, _ := pageFiles.ReadFile("pages/style.css") // embedded: it can't be missing
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=3600")
	w.Write(text)
}

func (p Portal) homePage(w http.ResponseWriter, r *http.Request) {
	p.render(w, r, http.StatusOK, "home.html", page{Title: "Your data, your rights", Data: rights.Rights()})
}

// formData is the form as it was typed: what was wrong is shown beside it.
type formData struct {
	Right                                 rights.Right
	Email, Name, Country, Region, Details string
	Key                                   string // makes pressing the button twice one request
	Wrong                                 map[string]string
}

func readForm(r *http.Request) formData {
	return formData{
		Right: rights.Right(r.FormValue("right")), Email: r.FormValue("email"), Name: r.FormValue("name"),
		Country: r.FormValue("country"), Region: r.FormValue("region"), Details: r.FormValue("details"), Key: r.FormValue("key"), Wrong: map[string]string{},
	}
}

func (f formData) personal() rights.Personal {
	return rights.Personal{Details: f.Details, Subject: rights.Subject{Email: f.Email, Name: f.Name, Country: f.Country, Region: f.Region}}
}

func (p Portal) formPage(w http.ResponseWriter, r *http.Request) {
	f := readForm(r)
	if !f.Right.Known() {
		p.render(w, r, http.StatusOK, "home.html", page{Title: "Your data, your rights", Data: rights.Rights(), Problem: problem.From(&rights.Error{Code: rights.Invalid, Detail: "Select what you want us to do."})})
		return
	}
	p.render(w, r, http.StatusOK, "form.html", page{Title: f.Right.Name(), Data: f})
}

// checkPage lets the person read what they typed before it is sent.
func (p Portal) checkPage(w http.ResponseWriter, r *http.Request) {
	f := readForm(r)
	if _, err := f.personal().Clean(); err != nil || !f.Right.Known() {
		p.formAgain(w, r, f, err)
		return
	}
	key, err := rights.NewID(p.Rand)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	f.Key = string(key)
	p.render(w, r, http.StatusOK, "check.html", page{Title: "Check your answers", Data: f})
}

func (p Portal) formAgain(w http.ResponseWriter, r *http.Request, f formData, err error) {
	if !f.Right.Known() {
		p.formPage(w, r)
		return
	}
	if ours, ok := errors.AsType[*rights.Error](err); ok {
		for _, field := range ours.Fields {
			f.Wrong[strings.TrimPrefix(field.Name, "subject.")] = field.Detail
		}
	}
	p.render(w, r, http.StatusOK, "form.html", page{Title: f.Right.Name(), Data: f, Problem: problem.From(err)})
}

func (p Portal) sendForm(w http.ResponseWriter, r *http.Request) {
	f := readForm(r)
	stored, err := p.Submit(r.Context(), Form{Right: f.Right, Personal: f.personal(), Client: clientOf(r.Context()), Signal: signaled(r), Key: f.Key, Fingerprint: p.Fingerprint("form", r.PostForm.Encode())})
	switch rights.CodeOf(err) {
	case rights.Invalid:
		p.formAgain(w, r, f, err)
		return
	case rights.Internal:
		if err != nil {
			p.fail(w, r, err)
			return
		}
	default:
		p.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/requests/"+p.Links.StatusToken(stored, rights.HeldByFiler), http.StatusSeeOther)
}

// statusData is what the status page shows.
type statusData struct {
	View
	Token    string
	CanProve bool
	CanTake  bool // back
	CanFetch bool
	Needs    bool // proof, before Acknowledge has run too
	Mine     bool // reached by mail
	Steps    []progress
}

// progress is one of the plain steps of a request.
type progress struct {
	Name string
	Done bool
	Now  bool
}

func (p Portal) statusPage(w http.ResponseWriter, r *http.Request) { p.status(w, r, nil) }

// status shows a request; wrong is what a form on the page was refused for.
func (p Portal) status(w http.ResponseWriter, r *http.Request, wrong error) {
	token := r.PathValue("token")
	request, held, err := p.Own(r.Context(), token)
	var v View
	if err == nil {
		v, err = p.view(r.Context(), request, held)
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	_, exportErr := p.Export(r.Context(), request, held)
	d := statusData{
		View: v, Token: token, CanProve: request.Reason == rights.NeedsProof,
		CanTake: !request.Status.Closed(), CanFetch: exportErr == nil, Mine: held == rights.HeldByMail || request.FilerProven,
		Needs: request.Right.NeedsProof() && request.ProvenAt.IsZero(), Steps: steps(request),
	}
	pg := page{Title: "Your request " + string(request.ID), Data: d}
	if wrong != nil {
		pg.Problem = problem.From(wrong)
	}
	p.render(w, r, http.StatusOK, "status.html", pg)
}

// steps are what a person needs to know of the workflow.
func steps(r rights.Request) []progress {
	list := []progress{{Name: "Received", Done: true}}
	if r.Right.NeedsProof() {
		list = append(list, progress{Name: "Confirmed by you", Done: !r.ProvenAt.IsZero(), Now: r.ProvenAt.IsZero() && !r.Status.Closed()})
	}
	going := r.ProvenAt != time.Time{} || !r.Right.NeedsProof() && r.Status != rights.Open
	list = append(list, progress{Name: "Finding your data", Done: r.Plan.Hash != "", Now: going && r.Plan.Hash == "" && !r.Status.Closed()})
	list = append(list, progress{Name: "Carrying it out", Done: r.Status == rights.Fulfilled, Now: r.Plan.Hash != "" && !r.Status.Closed()})
	return append(list, progress{Name: "Finished", Done: r.Status.Closed()})
}

// act does something with the request whose token is in the path, and shows the
// page again.
func (p Portal) act(w http.ResponseWriter, r *http.Request, do func(rights.Request) error) {
	request, _, err := p.Own(r.Context(), r.PathValue("token"))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if err := do(request); err != nil {
		if rights.CodeOf(err) == rights.Internal {
			p.fail(w, r, err)
			return
		}
		p.status(w, r, err)
		return
	}
	http.Redirect(w, r, "/requests/"+r.PathValue("token"), http.StatusSeeOther)
}

func (p Portal) sendCode(w http.ResponseWriter, r *http.Request) {
	p.act(w, r, func(request rights.Request) error {
		_, err := p.ProveByCode(r.Context(), request.ID, r.FormValue("code"))
		return err
	})
}

func (p Portal) sendResend(w http.ResponseWriter, r *http.Request) {
	p.act(w, r, func(request rights.Request) error {
		_, err := p.Resend(r.Context(), request.ID, clientOf(r.Context()))
		return err
	})
}

func (p Portal) sendWithdraw(w http.ResponseWriter, r *http.Request) {
	p.act(w, r, func(request rights.Request) error {
		_, err := p.Withdraw(r.Context(), request.ID)
		return err
	})
}

func (p Portal) sendExport(w http.ResponseWriter, r *http.Request) {
	request, held, err := p.Own(r.Context(), r.PathValue("token"))
	var to string
	if err == nil {
		to, err = p.Export(r.Context(), request, held)
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// verifyData is what the page behind a mail's link shows.
type verifyData struct {
	Token   string
	Request rights.Request
	State   string // ready, done, dead, over
}

// verifyPage shows what a click will confirm. It changes nothing: scanners follow
// links, too.
func (p Portal) verifyPage(w http.ResponseWriter, r *http.Request) { p.verify(w, r, nil) }

func (p Portal) verify(w http.ResponseWriter, r *http.Request, wrong error) {
	token := r.PathValue("token")
	claims, err := p.Links.Tokens.Redeem(token, rights.ForVerify, p.Now())
	expired := rights.CodeOf(err) == rights.Expired
	if err != nil && !expired {
		p.fail(w, r, err)
		return
	}
	request, err := p.Store.Get(r.Context(), claims.Request)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	d := verifyData{Token: token, Request: request, State: "ready"}
	status := http.StatusOK
	switch {
	case !request.ProvenAt.IsZero():
		d.State = "done"
	case request.Status.Closed():
		d.State, status = "over", http.StatusGone
	case expired || request.Proof.Check(claims.Serial, p.Now()) != nil:
		d.State, status = "dead", http.StatusGone
	}
	pg := page{Title: "Confirm your request", Data: d}
	if wrong != nil {
		pg.Problem = problem.From(wrong)
	}
	p.render(w, r, status, "verify.html", pg)
}

func (p Portal) sendVerify(w http.ResponseWriter, r *http.Request) {
	request, err := p.Prove(r.Context(), r.PathValue("token"), false)
	if err != nil {
		p.verify(w, r, err)
		return
	}
	// Who holds the mail gets the token of one who does: it may fetch the export.
	http.Redirect(w, r, "/requests/"+p.Links.StatusToken(request, rights.HeldByMail), http.StatusSeeOther)
}

// sendNewLink mails a new link to the address of a dead one. The old link is no
// proof any more, but it shows which request is meant.
func (p Portal) sendNewLink(w http.ResponseWriter, r *http.Request) {
	claims, err := p.Links.Tokens.Redeem(r.PathValue("token"), rights.ForVerify, p.Now())
	if err != nil && rights.CodeOf(err) != rights.Expired {
		p.fail(w, r, err)
		return
	}
	if _, err := p.Resend(r.Context(), claims.Request, clientOf(r.Context())); err != nil {
		p.fail(w, r, err)
		return
	}
	p.render(w, r, http.StatusOK, "sent.html", page{Title: "Check your mail"})
}

// download hands out one stored file to whoever holds the address that was made
// for this click.
func (p Portal) download(w http.ResponseWriter, r *http.Request) {
	claims, err := p.Links.Tokens.Redeem(r.PathValue("token"), rights.ForDownload, p.Now())
	var file io.ReadCloser
	if err == nil {
		file, err = p.Vault.Open(r.Context(), claims.Request, claims.Object)
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	defer file.Close()
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Disposition", "attachment; filename="+strconv.Quote("export-"+string(claims.Request)+".zip"))
	if _, err := io.Copy(w, file); err != nil && r.Context().Err() == nil {
		p.Log.ErrorContext(r.Context(), "a download broke off", "request", claims.Request, "error", err)
	}
}
