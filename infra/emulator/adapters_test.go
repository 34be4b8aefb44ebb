package emulator_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsevents "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	awsses "github.com/aws/aws-sdk-go-v2/service/sesv2"
	awssfn "github.com/aws/aws-sdk-go-v2/service/sfn"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	awsssm "github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/rightful/rightful/infra/emulator"
	"github.com/rightful/rightful/shared/bundle"
	"github.com/rightful/rightful/shared/cloudevent"
	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/eventbridge"
	"github.com/rightful/rightful/shared/kms"
	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/s3"
	"github.com/rightful/rightful/shared/ses"
	"github.com/rightful/rightful/shared/sfn"
	"github.com/rightful/rightful/shared/sigv4"
	"github.com/rightful/rightful/shared/sqlite"
	"github.com/rightful/rightful/shared/sqs"
	"github.com/rightful/rightful/shared/ssm"
)

const id = rights.ID("DR-TEST-2222-2222")

func start(t *testing.T) (*emulator.Emulator, aws.Config) {
	t.Helper()
	e := &emulator.Emulator{Now: time.Now}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return e, aws.Config{Region: "eu-central-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), RetryMaxAttempts: 1}
}

func sealer(t *testing.T) *envelope.Sealer {
	t.Helper()
	dir := t.TempDir()
	master, err := envelope.OpenFile(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := sqlite.OpenKeys(t.Context(), filepath.Join(dir, "keys.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keys.Close() })
	return &envelope.Sealer{Master: master, Keys: keys}
}

// TestVault: a file appears whole or not at all, a part is sealed, an address works
// for its minutes alone.
func TestVault(t *testing.T) {
	e, cfg := start(t)
	v := &s3.Vault{Client: s3.Client(cfg), Bucket: "exports", Sealer: sealer(t), Now: time.Now}
	large := make([]byte, 19<<20)
	if _, err := rand.Read(large); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{bundle.PartName("crm"): []byte("somebody's data"), bundle.PartName("shop"): large, "export.zip": []byte("an archive")} {
		w, err := v.Create(t.Context(), id, name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(w, bytes.NewReader(content)); err != nil {
			t.Fatal(err)
		}
		if len(e.Objects()) > 3 {
			t.Errorf("%s can be seen before its end", name)
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			r, err := v.Open(t.Context(), id, name)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%s reads %d bytes, %v", name, len(got), err)
			}
		}
	}
	if calls := e.Calls(); calls["S3.UploadPart"] != 3 || calls["S3.GetObject"] != 4 {
		t.Errorf("%v", calls) // the large one in three parts; small ones are read once
	}
	w, err := v.Create(t.Context(), id, bundle.PartName("late"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(large); err != nil {
		t.Fatal(err)
	}
	if err := w.Abort(); err != nil || len(e.Objects()) != 3 {
		t.Errorf("%v, %v", e.Objects(), err)
	}
	for minutes, want := range map[int]int{5: http.StatusOK, -5: http.StatusForbidden} {
		v.Now = func() time.Time { return time.Now().Add(-10 * time.Minute) }
		link, err := v.Link(t.Context(), id, "export.zip", "your data.zip", time.Now().Add(time.Duration(minutes)*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		e.Now = func() time.Time { return time.Now().Add(10 * time.Minute) }
		response, err := http.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("an address of %d minutes answers %d", minutes, response.StatusCode)
		}
	}
	if err := v.Remove(t.Context(), id); err != nil || len(e.Objects()) != 0 {
		t.Errorf("%v is left, %v", e.Objects(), err)
	}
	if _, err := v.Open(t.Context(), id, "export.zip"); rights.CodeOf(err) != rights.NotFound {
		t.Errorf("got %v", err)
	}
	if _, err := v.Create(t.Context(), id, "../other"); err == nil {
		t.Error("a name led out of the request's folder")
	}
}

// executions are what Step Functions has: one wait.
type executions struct{ waits string }

func (x *executions) Start(_ context.Context, name string, _ json.RawMessage) error {
	if name == string(id) {
		return emulator.ErrExists
	}
	return nil
}

func (x *executions) Succeed(_ context.Context, token string, _ json.RawMessage) error {
	if token != x.waits {
		return emulator.ErrNoTask
	}
	x.waits = ""
	return nil
}

func (x *executions) Fail(ctx context.Context, token, _, _ string) error {
	return x.Succeed(ctx, token, nil)
}

// record is our own record of one request.
type record struct {
	rights.Requests
	r rights.Request
}

func (r record) Get(context.Context, rights.ID) (rights.Request, error) { return r.r, nil }

// TestFlow: twice is once; a token that nobody waits on is fine where our record says
// so, too, and an error that stays where it doesn't.
func TestFlow(t *testing.T) {
	e, cfg := start(t)
	e.Flow = &executions{waits: "token"}
	waiting := rights.Request{ID: id, Status: rights.InProgress, Wait: rights.Wait{For: rights.ForProof, Token: "token"}}
	flow := sfn.Flow{Client: awssfn.NewFromConfig(cfg), Machine: "arn", Requests: record{r: waiting}}
	if err := flow.Start(t.Context(), id); err != nil {
		t.Errorf("an execution that exists: %v", err)
	}
	s := rights.Signal{Request: id, Token: "token", Answer: "{}"}
	if err := flow.Resume(t.Context(), s); err != nil {
		t.Errorf("the first time: %v", err)
	}
	if err := flow.Resume(t.Context(), s); err == nil {
		t.Error("the workflow doesn't know a wait that the request still has, and nobody says so")
	}
	flow.Requests = record{r: rights.Request{ID: id, Status: rights.InProgress, Wait: rights.Wait{Token: "the next"}}}
	if err := flow.Resume(t.Context(), s); err != nil {
		t.Errorf("the second time, after the request went on: %v", err)
	}
	s = rights.Signal{Request: id, Token: "token", Failure: rights.NextWave}
	if err := flow.Resume(t.Context(), s); err != nil {
		t.Errorf("a failure, the second time: %v", err)
	}
}

// TestQueue: a message is a task's id in its system's group, ten to a call.
func TestQueue(t *testing.T) {
	e, cfg := start(t)
	q := sqs.Queue{Client: awssqs.NewFromConfig(cfg), URL: *cfg.BaseEndpoint + "/0/shares"}
	var tasks []rights.TaskID
	for range 23 {
		tasks = append(tasks, rights.NewTaskID(id, rights.Erase, "crm"))
	}
	if err := q.Hand(t.Context(), tasks...); err != nil {
		t.Fatal(err)
	}
	sent := e.Receive(q.URL, 100)
	if len(sent) != 23 || sent[0].Body != string(tasks[0]) || sent[0].Group != "crm" || e.Calls()["AmazonSQS.SendMessageBatch"] != 3 {
		t.Errorf("%d messages, %+v, %v", len(sent), sent[0], e.Calls())
	}
	e.Old = true
	if err := q.Hand(t.Context(), tasks[0]); err != nil {
		t.Errorf("a queue without groups: %v", err)
	}
	if sent := e.Receive(q.URL, 100); len(sent) != 1 || sent[0].Group != "" {
		t.Errorf("%+v", sent)
	}
}

// TestSender: a mail is what notice built, tagged with its request, and an error names
// no address.
func TestSender(t *testing.T) {
	e, cfg := start(t)
	sender := ses.Sender{Client: awsses.NewFromConfig(cfg), ConfigurationSet: "rightful-test", Now: func() time.Time { return time.Unix(1_700_000_000, 0) }}
	m := notice.Message{Key: "k", Request: id, From: mail.Address{Address: "privacy@example.com"}, To: mail.Address{Address: "ada.rare@example.com"}, Subject: "s", Text: "t", HTML: "<p>t</p>",
		Headers: map[string]string{"List-Unsubscribe": "<https://privacy.example.com/u/x>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}}
	if err := sender.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	sent := e.Mails()
	built, err := notice.Build(m, sender.Now())
	if err != nil || len(sent) != 1 || !bytes.Equal(sent[0].Raw, built) || sent[0].Tags["request"] != string(id) || sent[0].ConfigurationSet != "rightful-test" {
		t.Errorf("%+v, %v", sent, err)
	}
	if !bytes.Contains(sent[0].Raw, []byte("List-Unsubscribe-Post: List-Unsubscribe=One-Click")) {
		t.Error("the headers didn't survive")
	}
	nowhere := "http://127.0.0.1:1"
	cfg.BaseEndpoint = &nowhere
	sender.Client = awsses.NewFromConfig(cfg)
	if err := sender.Send(t.Context(), m); err == nil || strings.Contains(err.Error(), "ada.rare") {
		t.Errorf("got %v", err)
	}
}

// shelf is where the wrapped master key lies.
type shelf struct{ wrapped []byte }

func (s *shelf) Master(context.Context) ([]byte, error) {
	if s.wrapped == nil {
		return nil, &rights.Error{Code: rights.NotFound}
	}
	return s.wrapped, nil
}

func (s *shelf) PutMaster(_ context.Context, wrapped []byte) error {
	s.wrapped = wrapped
	return nil
}

// TestBus: ten events a call, and one that the bus refuses is an error.
func TestBus(t *testing.T) {
	e, cfg := start(t)
	bus := eventbridge.Bus{Client: awsevents.NewFromConfig(cfg), Name: "default"}
	events := make([]cloudevent.Event, 23)
	for i := range events {
		events[i] = cloudevent.PreferenceChanged(fmt.Sprint("person", i), nil)
	}
	if err := bus.Publish(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	var first cloudevent.Event
	got := e.Published()
	if len(got) != 23 || e.Calls()["AWSEvents.PutEvents"] != 3 || json.Unmarshal([]byte(got[0].Detail), &first) != nil || first.ID != events[0].ID || got[0].Source != "rightful" || got[0].EventBusName != "default" {
		t.Errorf("%d events in %d calls, the first %+v", len(got), e.Calls()["AWSEvents.PutEvents"], got[0])
	}
	e.BusFails = 1
	if err := bus.Publish(t.Context(), events[:3]...); err == nil || !strings.Contains(err.Error(), "2 of 3") {
		t.Errorf("a refused event is %v", err)
	}
}

// TestSuppressionList: every page of what came since, by bounce or complaint.
func TestSuppressionList(t *testing.T) {
	e, cfg := start(t)
	now := time.Now()
	for n := range 5 {
		e.Suppress(fmt.Sprintf("dead%d@example.com", n), "BOUNCE", now.Add(-time.Duration(n)*24*time.Hour))
	}
	e.Suppress("upset@example.com", "COMPLAINT", now)
	var got []string
	err := ses.Suppression{Client: awsses.NewFromConfig(cfg)}.Since(t.Context(), now.Add(-60*time.Hour), func(address string, complained bool, at time.Time) error {
		got = append(got, fmt.Sprintf("%s %t", address, complained))
		if at.IsZero() {
			t.Errorf("%s has no time", address)
		}
		return nil
	})
	if want := []string{"dead0@example.com false", "dead1@example.com false", "dead2@example.com false", "upset@example.com true"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}

// TestSigner: a definition's call to AWS is signed with the process's credentials, body
// and all.
func TestSigner(t *testing.T) {
	_, cfg := start(t)
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	sign := func(body string) string {
		t.Helper()
		r := httptest.NewRequest(http.MethodPut, "https://email.eu-central-1.amazonaws.com/v2/email/suppression/addresses", strings.NewReader(body))
		if err := sigv4.Signer(cfg)(r, []byte(body), "ses", at); err != nil {
			t.Fatal(err)
		}
		return r.Header.Get("Authorization")
	}
	one := sign("{}")
	if !strings.HasPrefix(one, "AWS4-HMAC-SHA256 Credential=a/20260302/eu-central-1/ses/aws4_request") || one == sign("{ }") || one != sign("{}") {
		t.Errorf("signed by %q", one)
	}
}

// TestMaster: a stage has one master key, which opens for no other stage.
func TestMaster(t *testing.T) {
	_, cfg := start(t)
	lies := &shelf{}
	v := kms.Vault{Client: awskms.NewFromConfig(cfg), Key: "arn", Stage: "test", Table: lies}
	first, err := v.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := v.Open(t.Context())
	if err != nil || !bytes.Equal(first.SigningKey("tokens"), again.SigningKey("tokens")) {
		t.Errorf("another key came, %v", err)
	}
	if bytes.Contains(lies.wrapped, []byte("primaryKeyId")) {
		t.Error("the key lies there unwrapped")
	}
	v.Stage = "other"
	if _, err := v.Open(t.Context()); err == nil {
		t.Error("another stage opened it")
	}
}

// TestParameters: what lies below the path, by the rest of its name.
func TestParameters(t *testing.T) {
	e, cfg := start(t)
	e.Parameter("/rightful/test/systems/CRM_TOKEN", "secret")
	e.Parameter("/rightful/other/systems/CRM_TOKEN", "another")
	got, err := ssm.Parameters(t.Context(), awsssm.NewFromConfig(cfg), "/rightful/test/systems")
	if err != nil || len(got) != 1 || got["CRM_TOKEN"] != "secret" {
		t.Errorf("%v, %v", got, errors.Join(err))
	}
}
