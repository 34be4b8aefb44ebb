package connector_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rightful/rightful/shared/cloudevent"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/webhook"
)

// heard is a vendor that writes down what it was asked.
func heard(t *testing.T, status int) (*httptest.Server, *[]string) {
	var calls []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		calls = append(calls, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization")+" "+string(body)))
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return server, &calls
}

var baseURL = regexp.MustCompile(`(?m)^base_url: .*$`)

// vendor loads a definition as it is, but for the address.
func vendor(t *testing.T, text, url string) connector.System {
	t.Helper()
	systems, err := connector.Load(fstest.MapFS{"it.yaml": {Data: baseURL.ReplaceAll([]byte(text), []byte("base_url: "+url))}}, connector.Settings{
		AllowPrivate: []string{strings.TrimPrefix(url, "http://")},
		Variables:    map[string]string{"MAILCHIMP_LIST": "a1b2c3", "SENDGRID_PRODUCT_NEWS": "81", "HUBSPOT_PRODUCT_NEWS": "7"},
		Secrets:      map[string]string{"MAILCHIMP_LOGIN": "any:key", "SENDGRID_KEY": "sg", "HUBSPOT_TOKEN": "hs", "CUSTOMERIO_LOGIN": "site:key", "HOOK": "whsec_MDEyMzQ1Njc4OWFiY2RlZg=="},
		Sign: func(r *http.Request, _ []byte, service string, _ time.Time) error {
			r.Header.Set("Authorization", "signed for "+service)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return systems[0]
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func suppress(t *testing.T, s connector.System, topics ...string) connector.Answer {
	t.Helper()
	j := connector.Job{Task: "p.suppress.x", At: noon, Subject: rights.Subject{Email: "ada@example.com", Identifiers: map[string]string{"person": "pseudonym"}}}
	for _, topic := range topics {
		j.Choices = append(j.Choices, rights.Preference{Person: "pseudonym", Topic: topic, OptedOut: true, At: noon, Source: rights.ByOneClick, Basis: rights.Objected})
	}
	a, err := s.Suppress(context.Background(), j)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestVendors: each definition that comes along makes exactly the calls that the
// vendor's reference names, for one topic and for everything.
func TestVendors(t *testing.T) {
	t.Parallel()
	const md5 = "3e3417d7ef77d5932a6734b916515ed5"
	for name, want := range map[string]struct{ topic, every []string }{
		"mailchimp": {
			[]string{`PATCH /3.0/lists/a1b2c3/members/MD5 Basic YW55OmtleQ== {"status":"unsubscribed"}`},
			[]string{`PATCH /3.0/lists/a1b2c3/members/MD5 Basic YW55OmtleQ== {"status":"unsubscribed"}`},
		},
		"sendgrid": {
			[]string{`POST /v3/asm/groups/81/suppressions Bearer sg {"recipient_emails":["ada@example.com"]}`},
			[]string{`POST /v3/asm/suppressions/global Bearer sg {"recipient_emails":["ada@example.com"]}`},
		},
		"hubspot": {
			[]string{`POST /communication-preferences/v3/unsubscribe Bearer hs {"emailAddress":"ada@example.com","legalBasis":"CONSENT_WITH_NOTICE","legalBasisExplanation":"The person unsubscribed.","subscriptionId":"7"}`},
			[]string{`POST /communication-preferences/v4/statuses/batch/unsubscribe-all?channel=EMAIL Bearer hs {"inputs":["ada@example.com"]}`},
		},
		"customerio": {
			[]string{`PUT /api/v1/customers/ada@example.com Basic c2l0ZTprZXk= {"_update":true,"cio_subscription_preferences.topics.topic_1":false}`},
			[]string{`PUT /api/v1/customers/ada@example.com Basic c2l0ZTprZXk= {"_update":true,"unsubscribed":true}`},
		},
		"ses": {
			nil,
			[]string{`PUT /v2/email/suppression/addresses signed for ses {"EmailAddress":"ada@example.com","Reason":"COMPLAINT"}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("vendors", name+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			server, calls := heard(t, http.StatusOK)
			s := vendor(t, string(text), server.URL)
			if !s.Does(rights.Suppress) || s.Does(rights.Locate) || s.Does(rights.Erase) {
				t.Error("it does something else")
			}
			for topic, want := range map[string][]string{"product-news": want.topic, rights.EveryTopic: want.every} {
				*calls = nil
				a := suppress(t, s, topic, rights.SaleTopic)
				for i := range want {
					want[i] = strings.ReplaceAll(want[i], "MD5", md5)
				}
				if diff := cmp.Diff(want, *calls); diff != "" {
					t.Errorf("%s (-want +got):\n%s", topic, diff)
				}
				if wantOutcome := map[bool]rights.Outcome{true: rights.Done, false: rights.NoData}[len(want) > 0]; a.Outcome != wantOutcome {
					t.Errorf("%s ended %s", topic, a.Outcome)
				}
			}
			*calls = nil
			if suppress(t, s); len(*calls) > 0 {
				t.Errorf("who opted out of nothing: %v", *calls)
			}
		})
	}
	files, err := filepath.Glob("vendors/*.yaml")
	if err != nil || len(files) != 5 {
		t.Errorf("%d definitions, of which 5 are tried here: %v", len(files), err)
	}
}

// TestVendors_TakeBack: only the person's own word has mails come again, and where they
// refuse something still, that is said last.
func TestVendors_TakeBack(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("vendors/sendgrid.yaml")
	if err != nil {
		t.Fatal(err)
	}
	server, calls := heard(t, http.StatusNoContent)
	s := vendor(t, string(text), server.URL)
	j := connector.Job{Task: "p.suppress.x", At: noon, Subject: rights.Subject{Email: "ada@example.com"}}
	for _, p := range []rights.Preference{
		{Topic: "product-news", OptedOut: true, Source: rights.ByOneClick}, {Topic: rights.EveryTopic, Source: rights.ByPage}, {Topic: "tips", Source: rights.ByPage},
	} {
		p.At = noon
		j.Choices = append(j.Choices, p)
	}
	if _, err := s.Suppress(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	want := []string{"DELETE /v3/asm/suppressions/global/ada@example.com Bearer sg", `POST /v3/asm/groups/81/suppressions Bearer sg {"recipient_emails":["ada@example.com"]}`}
	if diff := cmp.Diff(want, *calls); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	*calls = nil
	j.Choices = []rights.Preference{{Topic: "product-news", Source: rights.ByImport, At: noon}}
	if a, err := s.Suppress(t.Context(), j); err != nil || len(*calls) > 0 || a.Outcome != rights.NoData {
		t.Errorf("a list of the company's: %v, %v", *calls, err)
	}
}

// TestWebhook: a listener gets what the person wants now, as a CloudEvent whose id is
// the webhook's, signed, and naming nobody.
func TestWebhook(t *testing.T) {
	t.Parallel()
	var ids []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var e cloudevent.Event
		if err := json.Unmarshal(body, &e); err != nil || e.Type != "preference.changed" || e.Subject != "pseudonym" || strings.Contains(string(body), "ada@") {
			t.Errorf("%v: %s", err, body)
		}
		want, err := webhook.Sign("whsec_MDEyMzQ1Njc4OWFiY2RlZg==", e.ID, noon, body)
		if err != nil {
			t.Error(err)
		}
		for name := range want {
			if r.Header.Get(name) != want.Get(name) {
				t.Errorf("%s: %s", name, r.Header.Get(name))
			}
		}
		ids = append(ids, e.ID)
	}))
	defer server.Close()
	s := vendor(t, "kind: webhook\nname: hook\ntitle: Our warehouse\nbase_url: x\nsecret: secret:HOOK\n", server.URL)
	suppress(t, s, "news")
	suppress(t, s, "news")
	suppress(t, s, "news", "tips")
	if len(ids) != 3 || ids[0] != ids[1] || ids[0] == ids[2] {
		t.Errorf("ids %v", ids)
	}
}

// TestDatabase_Unsubscribes: a flag in our own table is written for the person's rows
// and nobody else's, whatever their case.
func TestDatabase_Unsubscribes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shop.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE users (email TEXT, news INTEGER, offers INTEGER); INSERT INTO users VALUES ('Ada@Example.com', 1, 1), ('bob@example.com', 1, 1)`); err != nil {
		t.Fatal(err)
	}
	const text = "kind: sql\nname: shop\ntitle: Shop\ndriver: sqlite\ndsn: ${SHOP}\nunsubscribe:\n" +
		"  - {topic: product-news, table: users, column: email, set: {news: false}}\n  - {topic: offers, table: users, column: email, set: {offers: false}}\n"
	load := func(text string) (connector.System, error) {
		systems, err := connector.Load(fstest.MapFS{"shop.yaml": {Data: []byte(text)}}, connector.Settings{OpenSQL: sql.Open, Variables: map[string]string{"SHOP": path}})
		if err != nil {
			return nil, err
		}
		return systems[0], nil
	}
	s, err := load(text)
	if err != nil || !s.Does(rights.Suppress) || s.Does(rights.Locate) {
		t.Fatal(err)
	}
	flags := func() string {
		t.Helper()
		var all string
		if err := db.QueryRow("SELECT group_concat(news || offers, ' ') FROM users").Scan(&all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	suppress(t, s, "product-news")
	if got := flags(); got != "01 11" {
		t.Errorf("one topic: %s", got)
	}
	suppress(t, s, rights.EveryTopic)
	if got := flags(); got != "00 11" {
		t.Errorf("everything: %s", got)
	}
	for old, wrong := range map[string]string{"table: users": `table: "users; drop"`, "set: {news: false}": "set: {}", "column: email": "column: email, path: /x"} {
		if _, err := load(strings.Replace(text, old, wrong, 1)); err == nil || !strings.Contains(err.Error(), "unsubscribe: ") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}
