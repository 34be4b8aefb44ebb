package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rightful/rightful/shared/webhook"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"rightful": main}) }

// TestLife runs the stories of requests in testdata/*.txt against the real binary
// over HTTP, with a clock that is turned.
func TestLife(t *testing.T) { stories(t, nil) }

// TestLife_OnDynamoDB runs the same stories with the requests in DynamoDB.
func TestLife_OnDynamoDB(t *testing.T) {
	address := os.Getenv("RIGHTFUL_DYNAMODB")
	if address == "" {
		t.Skip("no DynamoDB Local: run .ci/with-dynamodb go test ./infra/rightful")
	}
	stories(t, func() []string {
		return []string{"RIGHTFUL_DYNAMODB_TABLE=life-" + rand.Text(), "AWS_ENDPOINT_URL=" + address, "AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local"}
	})
}

// stories runs every story on a server of its own; env is what each server gets
// beside its data folder.
func stories(t *testing.T, env func() []string) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			l := &life{data: filepath.Join(e.WorkDir, "data")}
			if env != nil {
				l.env = env()
			}
			e.Values["life"] = l
			e.Defer(l.kill)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start":    command((*life).start),
			"crash":    command(func(l *life, _ *testscript.TestScript, _ []string) { l.kill() }),
			"request":  command((*life).request),
			"mail":     command((*life).mail),
			"nomail":   command((*life).noMail),
			"prove":    command((*life).prove),
			"refused":  command((*life).refused),
			"advance":  command((*life).advance),
			"status":   command((*life).status),
			"outcome":  command((*life).outcome),
			"switch":   command((*life).flip),
			"holds":    command((*life).holds),
			"export":   command((*life).export),
			"withdraw": command((*life).withdraw),
			"resend":   command((*life).resend),
			"operator": command((*life).operator),
			"link":     command((*life).mint),
			"click":    command((*life).click),
			"mailable": command((*life).mailable),
			"prefer":   command((*life).prefer),
			"report":   command((*life).report),
			"signup":   command((*life).signUp),
			"confirm":  command((*life).confirm),
			"nobody":   command((*life).nobody),
		},
	})
}

func command(do func(*life, *testscript.TestScript, []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("this command can't be negated")
		}
		do(ts.Value("life").(*life), ts, args)
	}
}

// life is one running server and the request that the story is about.
type life struct {
	*server
	data             string
	env              []string
	id, token, plan  string
	link, code, text string
	reports          int
}

func (l *life) start(ts *testscript.TestScript, args []string) {
	var err error
	if l.server, err = startServer(l.data, append(args, l.env...)...); err != nil {
		ts.Fatalf("%v", err)
	}
	ts.Setenv("RIGHTFUL_SERVER", l.base)
	ts.Setenv("RIGHTFUL_DATA", l.data)
}

func (l *life) kill() {
	if l.server != nil {
		l.server.kill()
	}
}

// pairs reads arguments like right=erasure.
func pairs(args []string) map[string]string {
	all := map[string]string{}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		all[name] = value
	}
	return all
}

func (l *life) request(ts *testscript.TestScript, args []string) {
	p := pairs(args)
	subject := map[string]string{}
	for _, name := range []string{"email", "name", "country", "region"} {
		if p[name] != "" {
			subject[name] = p[name]
		}
	}
	var receipt struct{ ID, Access_token string }
	l.must(ts, "POST", "/v1/requests", map[string]any{"right": p["right"], "subject": subject}, http.StatusAccepted, &receipt)
	l.id, l.token = receipt.ID, receipt.Access_token
	ts.Setenv("ID", l.id)
	ts.Logf("%s %s", p["right"], l.id)
}

// must makes a call that has to end in a status.
func (l *life) must(ts *testscript.TestScript, method, path string, body any, status int, into any) {
	got, answer, err := l.call(method, path, l.token, body)
	if err != nil {
		ts.Fatalf("%s %s: %v", method, path, err)
	}
	if got != status {
		ts.Fatalf("%s %s answered %d, want %d: %s", method, path, got, status, answer)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			ts.Fatalf("%s %s: %v", method, path, err)
		}
	}
}

// mail ADDRESS SUBJECT waits for a mail and keeps its link and code.
func (l *life) mail(ts *testscript.TestScript, args []string) {
	if !eventually(func() bool { return l.find(args[0], args[1]) }) {
		ts.Fatalf("there is no mail to %s with %q in its subject", args[0], args[1])
	}
	for _, want := range args[2:] {
		if !strings.Contains(l.text, want) {
			ts.Fatalf("the mail doesn't say %q:\n%s", want, l.text)
		}
	}
}

func (l *life) find(to, subject string) bool {
	for _, m := range l.mails(to) {
		if strings.Contains(m.Subject, subject) && strings.Contains(m.Subject, l.id) {
			l.text = m.Text
			for _, link := range m.Links {
				if _, token, ok := strings.Cut(link, "/verify/"); ok {
					l.link = token
				}
			}
			for line := range strings.Lines(m.Text) {
				if digits := strings.ReplaceAll(strings.TrimSpace(line), " ", ""); len(digits) == 8 && strings.Trim(digits, "0123456789") == "" {
					l.code = digits
				}
			}
			return true
		}
	}
	return false
}

// nomail ADDRESS SUBJECT: no such mail has come.
func (l *life) noMail(ts *testscript.TestScript, args []string) {
	if l.find(args[0], args[1]) {
		ts.Fatalf("there is a mail to %s with %q in its subject", args[0], args[1])
	}
}

// prove link | code [CODE]: the proof is taken.
func (l *life) prove(ts *testscript.TestScript, args []string) {
	l.must(ts, "POST", "/v1/requests/"+l.id+"/verification", l.proof(args), http.StatusOK, nil)
}

func (l *life) proof(args []string) map[string]string {
	if args[0] == "link" {
		return map[string]string{"token": l.link}
	}
	if len(args) > 1 {
		return map[string]string{"code": args[1]}
	}
	return map[string]string{"code": l.code}
}

// refused STATUS link | code [CODE]: the proof is not taken.
func (l *life) refused(ts *testscript.TestScript, args []string) {
	status, err := strconv.Atoi(args[0])
	ts.Check(err)
	l.must(ts, "POST", "/v1/requests/"+l.id+"/verification", l.proof(args[1:]), status, nil)
}

func (l *life) advance(ts *testscript.TestScript, args []string) {
	l.must(ts, "POST", "/dev/clock", map[string]string{"advance": args[0]}, http.StatusOK, nil)
}

// view is what GET /v1/requests/{id} shows.
type view struct {
	Status, Reason, Plan string
	Expected_by          time.Time
	Systems              []struct{ Name, Outcome, Detail string }
}

func (l *life) show(ts *testscript.TestScript) view {
	var v view
	l.must(ts, "GET", "/v1/requests/"+l.id, nil, http.StatusOK, &v)
	return v
}

// status STATUS [REASON] waits until the request stands there.
func (l *life) status(ts *testscript.TestScript, args []string) {
	want := strings.Join(args, " ")
	var v view
	if !eventually(func() bool {
		v = l.show(ts)
		return strings.TrimSpace(v.Status+" "+v.Reason) == want
	}) {
		ts.Fatalf("the request is %s %s, want %s: %+v", v.Status, v.Reason, want, v.Systems)
	}
	l.plan = v.Plan
	ts.Setenv("PLAN", v.Plan)
}

// outcome SYSTEM OUTCOME [TEXT] waits until a system has it.
func (l *life) outcome(ts *testscript.TestScript, args []string) {
	var v view
	if !eventually(func() bool {
		v = l.show(ts)
		for _, s := range v.Systems {
			if s.Name == args[0] && s.Outcome == args[1] && (len(args) < 3 || strings.Contains(s.Detail, args[2])) {
				return true
			}
		}
		return false
	}) {
		ts.Fatalf("want %v: %+v", args, v.Systems)
	}
}

// switch SYSTEM MODE [COUNT]
func (l *life) flip(ts *testscript.TestScript, args []string) {
	count := 1
	if len(args) > 2 {
		var err error
		count, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	l.must(ts, "POST", "/dev/systems/"+args[0], map[string]any{"next": args[1], "count": count}, http.StatusOK, nil)
}

// holds SYSTEM COLLECTION ADDRESS COUNT
func (l *life) holds(ts *testscript.TestScript, args []string) {
	var held map[string][]map[string]any
	l.must(ts, "GET", "/dev/systems/"+args[0]+"?email="+url.QueryEscape(args[2]), nil, http.StatusOK, &held)
	if got := fmt.Sprint(len(held[args[1]])); got != args[3] {
		ts.Fatalf("%s holds %s %s of this person, want %s", args[0], got, args[1], args[3])
	}
}

// export TEXT…: the archive can be fetched and holds each text; -TEXT must not be
// in it.
func (l *life) export(ts *testscript.TestScript, args []string) {
	content, err := l.archive(l.id, l.token)
	ts.Check(err)
	for _, want := range args {
		unwanted, not := strings.CutPrefix(want, "-")
		if not && strings.Contains(content, unwanted) || !not && !strings.Contains(content, want) {
			ts.Fatalf("the export: %q is in it: %v", want, not)
		}
	}
}

func (l *life) withdraw(ts *testscript.TestScript, _ []string) {
	l.must(ts, "DELETE", "/v1/requests/"+l.id, nil, http.StatusOK, nil)
}

// resend asks for a new mail.
func (l *life) resend(ts *testscript.TestScript, _ []string) {
	l.must(ts, "POST", "/v1/requests/"+l.id+"/verification/resend", nil, http.StatusAccepted, nil)
}

// operator SYSTEM OUTCOME [PROBLEM] waits until the operator sees it.
func (l *life) operator(ts *testscript.TestScript, args []string) {
	var show struct {
		Tasks []struct {
			System, Outcome, Action string
			Attempts                []struct{ Problem string }
		}
	}
	key, err := os.ReadFile(filepath.Join(l.data, "operator-token"))
	ts.Check(err)
	if !eventually(func() bool {
		_, answer, err := l.call("GET", "/v1/operator/requests/"+l.id, string(key), nil)
		if err != nil || json.Unmarshal(answer, &show) != nil {
			return false
		}
		for _, t := range show.Tasks {
			if t.System == args[0] && t.Outcome == args[1] && t.Action != "locate" {
				if len(args) < 3 {
					return true
				}
				for _, a := range t.Attempts {
					if strings.Contains(a.Problem, args[2]) {
						return true
					}
				}
			}
		}
		return false
	}) {
		ts.Fatalf("the operator doesn't see %v: %+v", args, show.Tasks)
	}
}

// nobody TEXT…: no text is in a log line, a workflow payload or a ledger event.
func (l *life) nobody(ts *testscript.TestScript, args []string) {
	ledger, err := l.ledgers()
	ts.Check(err)
	l.kill()
	places := map[string][]byte{"the ledger": ledger, "the log": l.log.Bytes()}
	for _, pattern := range []string{"flow.db*", "store.db*", "keys.db*"} {
		files, err := filepath.Glob(filepath.Join(l.data, pattern))
		ts.Check(err)
		for _, file := range files {
			places[filepath.Base(file)], err = os.ReadFile(file)
			ts.Check(err)
		}
	}
	if len(places["flow.db"])+len(places["flow.db-wal"]) == 0 || len(places["the log"]) == 0 || len(ledger) < 100 {
		ts.Fatalf("one of the places to look at is empty")
	}
	for place, content := range places {
		for _, text := range args {
			if bytes.Contains(bytes.ToLower(content), bytes.ToLower([]byte(text))) {
				ts.Fatalf("%s names a person: it holds %q", place, text)
			}
		}
	}
}

// ledgers are all ledger events of all requests, as the operator reads them.
func (l *life) ledgers() ([]byte, error) {
	key, err := os.ReadFile(filepath.Join(l.data, "operator-token"))
	if err != nil {
		return nil, err
	}
	var list struct{ Requests []struct{ ID string } }
	_, answer, err := l.call("GET", "/v1/operator/requests?limit=500", string(key), nil)
	if err == nil {
		err = json.Unmarshal(answer, &list)
	}
	var all []byte
	for _, r := range list.Requests {
		_, show, err := l.call("GET", "/v1/operator/requests/"+r.ID, string(key), nil)
		if err != nil {
			return nil, err
		}
		if !bytes.Contains(show, []byte(`"ledger_ok":true`)) {
			return nil, fmt.Errorf("the ledger of %s is broken", r.ID)
		}
		all = append(all, show...)
	}
	return all, err
}

// eventually waits up to 20 seconds of real time for a condition.
func eventually(holds func() bool) bool {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return true
		}
	}
	return false
}

// mint ADDRESS TOPIC has the operator mint an unsubscribe link.
func (l *life) mint(ts *testscript.TestScript, args []string) {
	var link struct{ URL string }
	l.operate(ts, "/v1/operator/links", map[string]string{"address": args[0], "topic": args[1]}, &link)
	l.link = link.URL
}

// click FORM [TEXT...] sends a form to the link, whose answer says the texts.
func (l *life) click(ts *testscript.TestScript, args []string) {
	form, err := url.ParseQuery(args[0])
	ts.Check(err)
	answer, err := client.PostForm(l.link, form)
	ts.Check(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	ts.Check(err)
	if answer.StatusCode != http.StatusOK {
		ts.Fatalf("the link answers %d: %s", answer.StatusCode, text)
	}
	for _, want := range args[1:] {
		if !strings.Contains(string(text), want) {
			ts.Fatalf("the page doesn't say %q:\n%s", want, text)
		}
	}
}

// prefer FORM [TEXT...] sends a form to the preference page of the link, or with "" and
// "gpc" opens it, the latter in a browser that sends Sec-GPC. The answer says the texts.
func (l *life) prefer(ts *testscript.TestScript, args []string) {
	method, form := "POST", args[0]
	if form == "" || form == "gpc" {
		method, form = "GET", ""
	}
	r, err := http.NewRequest(method, strings.Replace(l.link, "/u/", "/preferences/", 1), strings.NewReader(form))
	ts.Check(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if args[0] == "gpc" {
		r.Header.Set("Sec-GPC", "1")
	}
	l.says(ts, r, args[1:])
}

// says sends a request and looks for texts in the page that it gets.
func (l *life) says(ts *testscript.TestScript, r *http.Request, texts []string) {
	answer, err := client.Do(r)
	ts.Check(err)
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	ts.Check(err)
	if answer.StatusCode != http.StatusOK {
		ts.Fatalf("%s %s answers %d: %s", r.Method, r.URL.Path, answer.StatusCode, page)
	}
	plain := html.UnescapeString(strings.Join(strings.Fields(tag.ReplaceAllString(string(page), " ")), " "))
	for _, want := range texts {
		if !strings.Contains(plain, want) {
			ts.Fatalf("the page doesn't say %q:\n%s", want, plain)
		}
	}
}

var tag = regexp.MustCompile(`<[^>]*>`)

// reportSecret is what the story's senders sign with.
const reportSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZg=="

// report TYPE ADDRESS [soft] reports as a sender's webhook does.
func (l *life) report(ts *testscript.TestScript, args []string) {
	l.reports++
	data := map[string]any{"address": args[1]}
	if len(args) > 2 {
		data["soft"] = true
	}
	now := time.Now()
	body, err := json.Marshal(map[string]any{"type": args[0], "timestamp": now.UTC().Format(time.RFC3339), "data": data})
	ts.Check(err)
	for range 2 { // senders repeat themselves
		r, err := http.NewRequest("POST", l.base+"/v1/mail/reports", bytes.NewReader(body))
		ts.Check(err)
		r.Header, err = webhook.Sign(reportSecret, fmt.Sprint("report", l.reports), now, body)
		ts.Check(err)
		r.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(r)
		ts.Check(err)
		answer.Body.Close()
		if answer.StatusCode != http.StatusNoContent {
			ts.Fatalf("the report answers %d", answer.StatusCode)
		}
	}
}

// signUp ADDRESS TOPIC COUNTRY STATE signs somebody up and expects a state.
func (l *life) signUp(ts *testscript.TestScript, args []string) {
	var signed struct{ State string }
	l.operate(ts, "/v1/operator/consents", map[string]string{"address": args[0], "topic": args[1], "country": args[2]}, &signed)
	if signed.State != args[3] {
		ts.Fatalf("signing %s up: %s", args[0], signed.State)
	}
}

// confirm [TEXT...] opens the link of the mail that asks, as a scanner does, and then
// presses its button.
func (l *life) confirm(ts *testscript.TestScript, args []string) {
	for _, line := range strings.Split(l.text, "\n") {
		if strings.Contains(line, "/preferences/confirm/") {
			open, err := http.NewRequest("GET", line, nil)
			ts.Check(err)
			l.says(ts, open, []string{"Do you want these mails?"})
			press, err := http.NewRequest("POST", line, nil)
			ts.Check(err)
			l.says(ts, press, args)
			return
		}
	}
	ts.Fatalf("the mail has no link to confirm:\n%s", l.text)
}

// mailable ADDRESS TOPIC yes|no [COUNTRY] asks as a sender does before a mail.
func (l *life) mailable(ts *testscript.TestScript, args []string) {
	var checked struct{ Suppressed []bool }
	body := map[string]any{"addresses": args[:1], "topic": args[1]}
	if len(args) > 3 {
		body["country"] = args[3]
	}
	l.operate(ts, "/v1/operator/suppression/check", body, &checked)
	if len(checked.Suppressed) != 1 || checked.Suppressed[0] == (args[2] == "yes") {
		ts.Fatalf("mailing %s about %s: suppressed is %v", args[0], args[1], checked.Suppressed)
	}
}

func (l *life) operate(ts *testscript.TestScript, path string, body, into any) {
	key, err := os.ReadFile(filepath.Join(l.data, "operator-token"))
	ts.Check(err)
	status, answer, err := l.call("POST", path, string(key), body)
	ts.Check(err)
	if status != http.StatusOK {
		ts.Fatalf("%s answers %d: %s", path, status, answer)
	}
	ts.Check(json.Unmarshal(answer, into))
}
