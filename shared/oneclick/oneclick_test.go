package oneclick_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/oneclick"
)

// server answers as RFC 8058 wants it, unless broken changes that.
func server(t *testing.T, broken func(w http.ResponseWriter, r *http.Request, clicks int32) bool) string {
	t.Helper()
	var clicks atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := clicks.Load()
		if r.Method == http.MethodPost {
			n = clicks.Add(1)
		}
		if broken != nil && broken(w, r, n) {
			return
		}
		if r.Method == http.MethodPost && r.FormValue("List-Unsubscribe") != "One-Click" {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL + "/u/secret"
}

func failed(found []oneclick.Finding) []string {
	var names []string
	for _, f := range found {
		if !f.OK {
			names = append(names, f.Name)
		}
	}
	return names
}

// TestCheck: a server that does it right passes, and each broken one fails just what
// it does wrong.
func TestCheck(t *testing.T) {
	t.Parallel()
	var gets atomic.Int32
	answer := func(status int) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(status) }
	}
	on := func(method string, do func(w http.ResponseWriter)) func(http.ResponseWriter, *http.Request, int32) bool {
		return func(w http.ResponseWriter, r *http.Request, _ int32) bool {
			if r.Method != method {
				return false
			}
			do(w)
			return true
		}
	}
	cookie := func(w http.ResponseWriter) { http.SetCookie(w, &http.Cookie{Name: "session", Value: "x"}) }
	posts := []string{"post-urlencoded", "post-multipart", "post-again-is-the-same"}
	for name, c := range map[string]struct {
		broken func(http.ResponseWriter, *http.Request, int32) bool
		want   []string
	}{
		"Good":           {nil, nil},
		"PostRedirects":  {on("POST", func(w http.ResponseWriter) { w.Header().Set("Location", "/done"); w.WriteHeader(http.StatusSeeOther) }), posts},
		"PostSetsCookie": {on("POST", cookie), posts},
		"GetSetsCookie":  {on("GET", cookie), []string{"get-is-inert", "get-again-is-the-same"}},
		"GetRedirects": {on("GET", func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://elsewhere.example")
			w.WriteHeader(http.StatusFound)
		}), []string{"get-is-inert", "get-again-is-the-same"}},
		"HeadIsRefused": {on("HEAD", answer(http.StatusMethodNotAllowed)), []string{"head-is-inert"}},
		"PostIsRefused": {on("POST", answer(http.StatusMethodNotAllowed)), posts},
		"UrlencodedOnly": {func(w http.ResponseWriter, r *http.Request, _ int32) bool {
			if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
				return false
			}
			w.WriteHeader(http.StatusUnsupportedMediaType)
			return true
		}, []string{"post-multipart"}},
		"MultipartOnly": {func(w http.ResponseWriter, r *http.Request, _ int32) bool {
			if !strings.HasSuffix(r.Header.Get("Content-Type"), "urlencoded") {
				return false
			}
			w.WriteHeader(http.StatusUnsupportedMediaType)
			return true
		}, []string{"post-urlencoded", "post-again-is-the-same"}},
		"SecondClickFails": {func(w http.ResponseWriter, r *http.Request, clicks int32) bool {
			if r.Method != "POST" || clicks < 2 {
				return false
			}
			w.WriteHeader(http.StatusGone)
			return true
		}, []string{"post-multipart", "post-again-is-the-same"}},
		"NeedsAReferrer": {func(w http.ResponseWriter, r *http.Request, _ int32) bool {
			if r.Method != "POST" || r.Referer() != "" {
				return false
			}
			w.WriteHeader(http.StatusForbidden)
			return true
		}, posts},
		"GetTwiceDiffers": {func(w http.ResponseWriter, r *http.Request, _ int32) bool {
			if r.Method == "GET" && gets.Add(1) == 2 {
				w.WriteHeader(http.StatusNoContent)
			}
			return r.Method == "GET"
		}, []string{"get-again-is-the-same"}},
		"OddCookie": {on("POST", func(w http.ResponseWriter) { w.Header().Set("Set-Cookie", "=") }), posts},
		"TooSlow":   {on("POST", func(http.ResponseWriter) { time.Sleep(400 * time.Millisecond) }), posts},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checker := oneclick.Checker{AllowHTTP: true, Timeout: 200 * time.Millisecond}
			found := checker.Check(t.Context(), server(t, c.broken))
			if got := failed(found); !slices.Equal(got, c.want) {
				t.Errorf("failed %v, want %v", got, c.want)
			}
			for _, f := range found {
				if strings.Contains(f.Detail, "secret") || f.Rule == "" {
					t.Errorf("%+v", f)
				}
			}
		})
	}
	for _, address := range []string{"http://example.com/u/x", "https://example.com/u/x#part", "https://me:secret@example.com/u/x", "mailto:a@example.com", ""} {
		if got := failed(oneclick.Checker{}.Check(t.Context(), address)); !slices.Equal(got, []string{"address-is-https"}) {
			t.Errorf("%q: %v", address, got)
		}
	}
}

func TestCheckMail(t *testing.T) {
	t.Parallel()
	link := server(t, nil)
	const post = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\n"
	good := "List-Unsubscribe: <mailto:u@example.com>,\n <" + link + ">\n"
	for name, c := range map[string]struct {
		head string
		want []string
	}{
		"Good":             {good + post, nil},
		"Signed":           {good + post + "DKIM-Signature: v=1; h=From:Subject:\n List-Unsubscribe:List-Unsubscribe-Post; b=x\n", nil},
		"NotSigned":        {good + post + "DKIM-Signature: v=1; h=From:List-Unsubscribe; b=x\n", []string{"dkim-covers-both"}},
		"SignedWithBlanks": {good + post + "DKIM-Signature: v=1; h = List-Unsubscribe : List-Unsubscribe-Post; b=x\n", nil},
		"TwoAddresses":     {"List-Unsubscribe: <" + link + ">, <" + link + "2>\n" + post, []string{"header-list-unsubscribe"}},
		"NoPost":           {good, []string{"header-list-unsubscribe-post"}},
		"TwoHeaders":       {good + good + post, []string{"header-list-unsubscribe"}},
		"MailtoOnly":       {"List-Unsubscribe: <mailto:u@example.com>\n" + post, []string{"header-list-unsubscribe"}},
		"NoAngleBrackets":  {"List-Unsubscribe: " + link + "\n" + post, []string{"header-list-unsubscribe"}},
	} {
		found, _ := oneclick.Checker{AllowHTTP: true}.CheckMail(t.Context(), strings.NewReader("From: news@example.com\nSubject: s\n"+c.head+"\nbody\n"))
		if got := failed(found); !slices.Equal(got, c.want) {
			t.Errorf("%s: failed %v, want %v", name, got, c.want)
		}
	}
}
