// Package functions_test runs the built functions as Lambda would, beside DynamoDB
// Local and an emulator of the other services.
package functions_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rightful/rightful/infra/runtime"
	"github.com/rightful/rightful/shared/webhook"
)

const address = "ada.rare@example.com"

// TestWholeRequest: a request for a copy goes from the form to the download through
// the files that are deployed, an erasure with an operator's approval likewise, and
// nobody is named on the way.
func TestWholeRequest(t *testing.T) {
	c := newCloud(t)
	filed := c.file("access")
	c.prove(filed)
	c.until(filed, "fulfilled")

	redirect := c.call("GET", "/v1/requests/"+filed.ID+"/export", "", "Authorization", "Bearer "+c.token(filed))
	if redirect.StatusCode != http.StatusSeeOther {
		t.Fatalf("the export answers %d: %s", redirect.StatusCode, redirect.Body)
	}
	response, err := http.Get(redirect.Headers["location"])
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	archive, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.HasPrefix(response.Header.Get("Content-Disposition"), "attachment") {
		t.Fatalf("%d, %s, %v", response.StatusCode, response.Header, err)
	}
	files, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil || len(files.File) < 5 {
		t.Fatalf("the archive holds %d files, %v", len(files.File), err)
	}
	for _, object := range c.emulator.Objects() {
		if strings.Contains(object, "/parts/") {
			t.Errorf("%s is left after the packing", object)
		}
	}

	erased := c.file("erasure")
	c.prove(erased)
	c.until(erased, "need_review")
	show := c.operator("GET", "/v1/operator/requests/"+erased.ID, "")
	plan := regexp.MustCompile(`"plan":"(sha256:[0-9a-f]+)"`).FindStringSubmatch(show)
	if plan == nil {
		t.Fatalf("the operator sees no plan: %s", show)
	}
	c.operator("POST", "/v1/operator/requests/"+erased.ID+"/approve", `{"plan":"`+plan[1]+`"}`)
	c.until(erased, "fulfilled")
	if held := c.systems.held(); held != 0 {
		t.Errorf("the systems still hold %d records", held)
	}
	if !strings.Contains(c.operator("GET", "/v1/operator/requests/"+erased.ID, ""), `"ledger_ok":true`) {
		t.Error("the ledger's chain is broken")
	}
	if log := c.log.String(); strings.Contains(log, "ada.rare") {
		t.Error("the logs name the person")
	}
	if history := c.history(filed.ID) + c.history(erased.ID); strings.Contains(history, "ada.rare") || len(history) < 1000 {
		t.Error("the workflow's history names the person, or there is none")
	}
}

// TestBorder: an error of ours crosses the border under its own name, which the
// workflow catches; what isn't ours is Internal and says nothing.
func TestBorder(t *testing.T) {
	c := newCloud(t)
	filed := c.file("access")
	c.until(filed, "need_user_verification")
	if got := c.call("DELETE", "/v1/requests/"+filed.ID, "", "Authorization", "Bearer "+filed.Token); got.StatusCode != http.StatusOK {
		t.Fatalf("the withdrawal answers %d", got.StatusCode)
	}
	for name, call := range map[string]struct{ function, payload, want string }{
		"Withdrawn": {"decide", `{"request":"` + filed.ID + `"}`, "Withdrawn"},
		"NotFound":  {"decide", `{"request":"DR-2222-2222-2222"}`, "NotFound"},
		"Malformed": {"decide", `{"request":"DR-2222-2222-2222","email":"` + address + `"}`, "Malformed"},
	} {
		_, err := c.invoke(call.function, json.RawMessage(call.payload))
		failed, ok := err.(*runtime.Error)
		if !ok || failed.Type != call.want || strings.Contains(failed.Message, address) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c.env["RIGHTFUL_TABLE"] = "none" // the next process finds no table
	c.stop("close")
	_, err := c.invoke("close", json.RawMessage(`{"request":"`+filed.ID+`"}`))
	if failed, ok := err.(*runtime.Error); !ok || failed.Type != "Internal" || failed.Message != "see the log" {
		t.Errorf("a missing table is %v", err)
	}
}

// TestSamples: every sample event of a function that isn't a state is taken.
func TestSamples(t *testing.T) {
	c := newCloud(t)
	samples, err := filepath.Glob("../events/mail-feedback/*.json")
	if err != nil || len(samples) == 0 {
		t.Fatalf("%d samples: %v", len(samples), err)
	}
	filed := c.file("access")
	c.until(filed, "need_user_verification")
	for _, sample := range samples {
		text, err := os.ReadFile(sample)
		if err != nil {
			t.Fatal(err)
		}
		event := json.RawMessage(strings.ReplaceAll(string(text), "DR-7K4M-29QX-H3WT", filed.ID))
		for range 2 {
			if _, err := c.invoke("mail-feedback", event); err != nil {
				t.Errorf("%s: %v", sample, err)
			}
		}
	}
	show := c.operator("GET", "/v1/operator/requests/"+filed.ID, "")
	if n := strings.Count(show, `"mail_returned"`); n != 4 {
		t.Errorf("the ledger has %d lines of mails that came back or never left: %s", n, show)
	}
	if view := c.call("GET", "/v1/requests/"+filed.ID, "", "Authorization", "Bearer "+filed.Token).Body; !strings.Contains(view, `"mail_returned":true`) {
		t.Errorf("the person isn't told that the mail came back: %s", view)
	}
	if _, err := c.invoke("sweep", json.RawMessage(`{}`)); err != nil {
		t.Errorf("the sweep: %v", err)
	}
}

const reportSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZg=="

// TestChoice: a click in a mail program is kept, published, and carried to every system
// that mails, SES's own list by a signed call, and the person can see it. What a sender
// reports and what SES's list says stop mails, too. Nobody is named on the way.
func TestChoice(t *testing.T) {
	c := newCloud(t)
	mint := func(topic string) string {
		var link struct{ URL string }
		if err := json.Unmarshal([]byte(c.operator("POST", "/v1/operator/links", `{"address":"`+address+`","topic":"`+topic+`"}`)), &link); err != nil {
			t.Fatal(err)
		}
		return strings.TrimPrefix(link.URL, "https://privacy.example.com")
	}
	suppressed := func(who string) bool {
		return strings.Contains(c.operator("POST", "/v1/operator/suppression/check", `{"addresses":["`+who+`"],"topic":"news"}`), "true")
	}
	sweep := func() {
		t.Helper()
		if _, err := c.invoke("sweep", json.RawMessage(`{}`)); err != nil {
			t.Fatal(err)
		}
	}
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	link := mint("news")
	for range 2 {
		if got := c.call("POST", link, "List-Unsubscribe=One-Click", form...); got.StatusCode != http.StatusOK || got.Body != "" {
			t.Errorf("the click answers %d: %s", got.StatusCode, got.Body)
		}
	}
	if !suppressed(address) {
		t.Error("the click isn't kept")
	}
	sweep()
	seen := func(page string, texts ...string) {
		t.Helper()
		var body string
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) {
			body = c.call("GET", page, "").Body
			if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(body, text) }) {
				return
			}
		}
		t.Fatalf("the page doesn't say %q: %s\n%s", texts, body, c.log.String())
	}
	preferences := strings.Replace(link, "/u/", "/preferences/", 1)
	seen(preferences, "Mailing list</td><td>Done", "Mailings (Amazon SES)</td><td>Nothing to stop here")
	if got := c.systems.stops(); len(got) != 1 || got[0] != `{"email":"`+address+`","topic":"news"}` {
		t.Errorf("the mailing list was told %v", got)
	}
	if got := c.emulator.Published(); len(got) != 1 || got[0].DetailType != "preference.changed" || !strings.Contains(got[0].Detail, `"topic":"news","opted_out":true`) || strings.Contains(got[0].Detail, "ada") {
		t.Errorf("published: %+v", got)
	}

	// No mail at all: SES's own list, which comes back by the daily look and changes nothing.
	c.call("POST", link, "action=every", form...)
	sweep()
	seen(preferences, "Mailings (Amazon SES)</td><td>Done")
	if n := c.emulator.Calls()["SES.PutSuppressedDestination"]; n != 1 {
		t.Errorf("SES was told %d times", n)
	}
	c.emulator.Suppress("dead@example.com", "BOUNCE", time.Now().Add(-time.Hour))
	for range 2 {
		if _, err := c.invoke("mail-reconcile", json.RawMessage(`{}`)); err != nil {
			t.Fatal(err)
		}
	}
	if !suppressed("dead@example.com") || suppressed("alive@example.com") {
		t.Error("SES's list isn't kept")
	}
	report := []byte(`{"type":"mail.complained","timestamp":"` + time.Now().UTC().Format(time.RFC3339) + `","data":{"address":"upset@example.com"}}`)
	header, err := webhook.Sign(reportSecret, "report1", time.Now(), report)
	if err != nil {
		t.Fatal(err)
	}
	var headers []string
	for name := range header {
		headers = append(headers, name, header.Get(name))
	}
	if got := c.gateway("callback", "POST", "/v1/mail/reports", string(report), headers...); got.StatusCode != http.StatusNoContent || !suppressed("upset@example.com") {
		t.Errorf("the report answers %d: %s", got.StatusCode, got.Body)
	}
	if export := c.operator("GET", "/v1/operator/suppression", ""); strings.Count(export, `"person"`) != 4 || strings.Contains(export, "@") {
		t.Errorf("the export: %s", export)
	}
	if log := c.log.String(); strings.Contains(log, "ada.rare") || strings.Contains(log, "upset@") || strings.Contains(log, "dead@") {
		t.Error("the logs name people")
	}
}

// TestGateway: bodies come as they are or in base64, and both are one request.
func TestGateway(t *testing.T) {
	c := newCloud(t)
	for path, want := range map[string]string{"/": "Your data, your rights", "/healthz": "ok", "/openapi.json": "openapi", "/style.css": "{"} {
		got := c.call("GET", path, "")
		if got.StatusCode != http.StatusOK || !strings.Contains(got.Body, want) || got.Headers["content-security-policy"] == "" {
			t.Errorf("%s answers %d: %.200s", path, got.StatusCode, got.Body)
		}
	}
	if got := c.call("GET", "/v1/operator/requests", ""); got.StatusCode != http.StatusNotFound {
		t.Errorf("the portal answers an operator's call with %d", got.StatusCode)
	}
}
