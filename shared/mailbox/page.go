package mailbox

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"regexp"
	"strings"

	"github.com/rightful/rightful/shared/rights"
)

//go:embed page.html
var pageText string

//go:embed page.css
var style string

var page = template.Must(template.New("page").Funcs(template.FuncMap{"pieces": pieces}).Parse(pageText))

// policy lets the browser load nothing, run nothing and use our style alone.
var policy = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; style-src 'sha256-" + digest(style) + "'"

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// shown is how many mails the page shows; the JSON has them all.
const shown = 100

// Handler serves GET /dev/mailbox: the mails, newest first, as a page without
// script or, where the client accepts application/json, as a list. ?to= keeps
// those to one address, whatever its case.
func (m *Mailbox) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /dev/mailbox", m.serve)
	return mux
}

func (m *Mailbox) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")

	to := strings.TrimSpace(r.URL.Query().Get("to"))
	asJSON := strings.Contains(r.Header.Get("Accept"), "application/json")
	limit := -1
	if !asJSON {
		limit = shown
	}
	found, err := m.mails(r.Context(), to, limit)
	if err != nil {
		http.Error(w, "The mailbox can't be read. Check its file in the data folder and load this page again.", http.StatusInternalServerError)
		return
	}
	// A failed write below means that the reader is gone: nobody is left to tell.
	if asJSON {
		h.Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(found)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, map[string]any{"To": rights.SameAddress(to), "Mails": found, "Style": template.CSS(style), "Shown": shown, "More": len(found) == shown})
}

// piece is a stretch of text, or one link in it.
type piece struct{ Text, Link string }

var link = regexp.MustCompile(`https?://[^\s<>"]+`)

func links(text string) []string {
	all := []string{}
	for _, p := range pieces(text) {
		if p.Link != "" {
			all = append(all, p.Link)
		}
	}
	return all
}

// pieces cuts text at its links. The stop after a link belongs to the sentence.
func pieces(text string) []piece {
	var all []piece
	for at := link.FindStringIndex(text); at != nil; at = link.FindStringIndex(text) {
		found := strings.TrimRight(text[at[0]:at[1]], ".,;:!?)'")
		all = append(all, piece{Text: text[:at[0]]}, piece{Link: found})
		text = text[at[0]+len(found):]
	}
	return append(all, piece{Text: text})
}
