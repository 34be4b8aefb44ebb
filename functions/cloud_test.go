package functions_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/quotedprintable"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/rightful/rightful/infra/emulator"
	"github.com/rightful/rightful/infra/runtime"
	"github.com/rightful/rightful/shared/asl"
	"github.com/rightful/rightful/shared/dynamo"
	"github.com/rightful/rightful/workflows"
)

// built builds every function once, as make build does, for this machine.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "functions-*")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w", "-o", dir, "./...")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w", out, err)
	}
	return dir, os.MkdirAll(filepath.Join(dir, "systems"), 0o755)
})

func TestMain(m *testing.M) {
	status := m.Run()
	if dir, err := built(); err == nil && os.Getenv("RIGHTFUL_DYNAMODB") != "" {
		os.RemoveAll(dir)
	}
	os.Exit(status)
}

// cloud is a stage: the functions as processes, and what they call.
type cloud struct {
	t        *testing.T
	dir      string
	env      map[string]string
	emulator *emulator.Emulator
	engine   *asl.Engine
	systems  *systems
	log      *logged
	mu       sync.Mutex
	running  map[string]*runtime.Function
}

// logged is what all processes write.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	database := os.Getenv("RIGHTFUL_DYNAMODB")
	if database == "" {
		t.Skip("no DynamoDB Local: run .ci/with-dynamodb go test ./functions")
	}
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{t: t, dir: dir, emulator: &emulator.Emulator{Now: time.Now}, log: &logged{}, running: map[string]*runtime.Function{}}
	services := httptest.NewServer(c.emulator)
	t.Cleanup(services.Close)
	c.systems = newSystems(t, dir)
	client := dynamo.Client(aws.Config{Region: "eu-central-1", BaseEndpoint: &database, Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")})
	table, keys := "t"+rand.Text(), "k"+rand.Text()
	for name, schema := range map[string]dynamo.Schema{table: dynamo.TableSchema, keys: dynamo.KeysSchema} {
		if err := dynamo.MakeTable(t.Context(), client, name, schema); err != nil {
			t.Fatal(err)
		}
	}
	c.emulator.Parameter("/rightful/test/systems/SHOP_URL", c.systems.server.URL)
	c.emulator.Parameter("/rightful/test/systems/SES_URL", services.URL)
	c.emulator.Parameter("/rightful/test/systems/MAIL_REPORTS", reportSecret)
	c.emulator.Parameter("/rightful/test/systems/SHOP_TOKEN", "a system's secret")
	c.env = map[string]string{
		"AWS_ENDPOINT_URL": services.URL, "AWS_ENDPOINT_URL_DYNAMODB": database,
		"RIGHTFUL_TABLE": table, "RIGHTFUL_KEYS": keys, "RIGHTFUL_KMS_KEY": "arn:aws:kms:eu-central-1:000000000000:key/master", "RIGHTFUL_STAGE": "test",
		"RIGHTFUL_BASE_URL": "https://privacy.example.com", "RIGHTFUL_FROM": "privacy@example.com", "RIGHTFUL_CONFIGURATION_SET": "rightful-test",
		"RIGHTFUL_COMPANY": "Example Company", "RIGHTFUL_CONTACT": "privacy@example.com", "RIGHTFUL_REFER_TO": "",
		"RIGHTFUL_PROOF_LIFE": "168h", "RIGHTFUL_EXPORT_LIFE": "336h", "RIGHTFUL_RETENTION": "17520h", "RIGHTFUL_PROCESSOR": "false", "RIGHTFUL_REVIEW": "erasures",
		"RIGHTFUL_BUCKET": "exports", "RIGHTFUL_QUEUE": services.URL + "/000000000000/shares", "RIGHTFUL_SECRETS": "/rightful/test/systems",
		"RIGHTFUL_STATE_MACHINE": "arn:aws:states:eu-central-1:000000000000:stateMachine:rightful-test",
		"RIGHTFUL_ALLOW_PRIVATE": strings.TrimPrefix(c.systems.server.URL, "http://") + "," + strings.TrimPrefix(services.URL, "http://"), "RIGHTFUL_LINK_KEY": "1", "RIGHTFUL_CONSENT": "eu", "RIGHTFUL_DOUBLE_OPT_IN": "false", "RIGHTFUL_EVENT_BUS": "default", "RIGHTFUL_PER_ADDRESS": "50", "RIGHTFUL_PER_CLIENT": "50",
	}
	c.engine, err = asl.Open(t.Context(), asl.Config{
		Path: filepath.Join(t.TempDir(), "flow.db"), Definitions: map[string][]byte{"request": workflows.Request}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Invoke: func(_ context.Context, state string, payload json.RawMessage) (json.RawMessage, error) {
			return c.invoke(folder(state), payload)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.emulator.Flow = flow{c.engine}
	working, stop := context.WithCancel(context.Background())
	var pump sync.WaitGroup
	pump.Go(func() { c.work(working) })
	t.Cleanup(func() {
		stop()
		pump.Wait()
		c.engine.Close()
		for name := range c.running {
			c.stop(name)
		}
	})
	return c
}

// flow is Step Functions as the emulator calls it.
type flow struct{ engine *asl.Engine }

func (f flow) Start(ctx context.Context, name string, input json.RawMessage) error {
	return f.engine.Start(ctx, "request", name, input)
}

func (f flow) Succeed(ctx context.Context, token string, output json.RawMessage) error {
	return known(f.engine.Succeed(ctx, token, output))
}

func (f flow) Fail(ctx context.Context, token, name, cause string) error {
	return known(f.engine.Fail(ctx, token, name, cause))
}

func known(err error) error {
	if err == asl.ErrUnknownToken {
		return emulator.ErrNoTask
	}
	return err
}

var hump = regexp.MustCompile(`([a-z])([A-Z])`)

func folder(state string) string { return strings.ToLower(hump.ReplaceAllString(state, "$1-$2")) }

// invoke hands an event to a function, whose process starts at the first one.
func (c *cloud) invoke(name string, payload json.RawMessage) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c.mu.Lock()
	f := c.running[name]
	if f == nil {
		var err error
		if f, err = runtime.Start(ctx, filepath.Join(c.dir, name), c.env, c.log); err != nil {
			c.mu.Unlock()
			return nil, err
		}
		c.running[name] = f
	}
	c.mu.Unlock()
	return f.Invoke(ctx, payload)
}

func (c *cloud) stop(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.running[name]; f != nil {
		f.Stop()
		delete(c.running, name)
	}
}

// work plays the event source mapping: it hands batches of messages to work.
func (c *cloud) work(ctx context.Context) {
	for ctx.Err() == nil {
		messages := c.emulator.Receive(c.env["RIGHTFUL_QUEUE"], 10)
		if len(messages) == 0 {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		type record struct {
			ID   string `json:"messageId"`
			Body string `json:"body"`
		}
		var batch struct{ Records []record }
		for _, m := range messages {
			if m.Group != "shop" && m.Group != "mailing" && m.Group != "ses" {
				c.t.Errorf("a message is of the group %q", m.Group)
			}
			batch.Records = append(batch.Records, record{m.ID, m.Body})
		}
		event, _ := json.Marshal(batch) // strings can be written
		out, err := c.invoke("work", event)
		if err != nil || !strings.Contains(string(out), `"batchItemFailures":[]`) {
			c.t.Errorf("work: %s, %v", out, err)
		}
	}
}

// call sends one HTTP call through the gateway: what holds no secret comes in base64.
func (c *cloud) call(method, target, body string, headers ...string) events.APIGatewayV2HTTPResponse {
	c.t.Helper()
	return c.gateway("portal", method, target, body, headers...)
}

func (c *cloud) gateway(function, method, target, body string, headers ...string) events.APIGatewayV2HTTPResponse {
	c.t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		c.t.Fatal(err)
	}
	event := events.APIGatewayV2HTTPRequest{Version: "2.0", RawPath: u.Path, RawQueryString: u.RawQuery, Headers: map[string]string{"host": "privacy.example.com"}, Body: body}
	if len(body)%2 == 0 {
		event.Body, event.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(body)), true
	}
	if body != "" {
		event.Headers["content-type"] = "application/json"
	}
	for i := 0; i+1 < len(headers); i += 2 {
		event.Headers[strings.ToLower(headers[i])] = headers[i+1]
	}
	event.RequestContext.HTTP.Method, event.RequestContext.HTTP.SourceIP, event.RequestContext.DomainName = method, "192.0.2.1", "privacy.example.com"
	payload, err := json.Marshal(event)
	if err != nil {
		c.t.Fatal(err)
	}
	out, err := c.invoke(function, payload)
	if err != nil {
		c.t.Fatalf("%s %s: %v\n%s", method, u.Path, err, c.log.String())
	}
	var answer events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(out, &answer); err != nil {
		c.t.Fatal(err)
	}
	return answer
}

func (c *cloud) operator(method, path, body string) string {
	c.t.Helper()
	answer := c.gateway("operator", method, path, body)
	if answer.StatusCode != http.StatusOK {
		c.t.Fatalf("the operator's %s answers %d: %s", path, answer.StatusCode, answer.Body)
	}
	return answer.Body
}

// filed is the receipt of a request.
type filed struct {
	ID    string `json:"id"`
	Token string `json:"access_token"`
}

func (c *cloud) file(right string) filed {
	c.t.Helper()
	answer := c.call("POST", "/v1/requests", `{"right":"`+right+`","subject":{"email":"`+address+`","country":"DE"}}`)
	var f filed
	if err := json.Unmarshal([]byte(answer.Body), &f); err != nil || answer.StatusCode != http.StatusAccepted {
		c.t.Fatalf("the request answers %d: %s", answer.StatusCode, answer.Body)
	}
	return f
}

// prove sends the code from the mail.
func (c *cloud) prove(f filed) {
	c.t.Helper()
	c.until(f, "need_user_verification")
	code := regexp.MustCompile(`\b(\d{4} \d{4})\b`).FindString(c.mail(f))
	answer := c.call("POST", "/v1/requests/"+f.ID+"/verification", `{"code":"`+code+`"}`)
	if answer.StatusCode != http.StatusOK {
		c.t.Fatalf("the proof answers %d: %s", answer.StatusCode, answer.Body)
	}
}

// mail waits for the newest letter about a request and returns its text.
func (c *cloud) mail(f filed) string {
	c.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		mails := c.emulator.Mails()
		for i := len(mails) - 1; i >= 0; i-- {
			if mails[i].Tags["request"] != f.ID {
				continue
			}
			message, err := mail.ReadMessage(strings.NewReader(string(mails[i].Raw)))
			if err != nil {
				c.t.Fatal(err)
			}
			text, err := io.ReadAll(quotedprintable.NewReader(message.Body))
			if err != nil {
				c.t.Fatal(err)
			}
			return string(text)
		}
	}
	c.t.Fatalf("no mail came\n%s", c.log.String())
	return ""
}

// token is the status token of the person, from the link in the newest mail.
func (c *cloud) token(f filed) string {
	c.t.Helper()
	link := regexp.MustCompile(`https://privacy\.example\.com/requests/(\S+)`).FindStringSubmatch(c.mail(f))
	if link == nil {
		c.t.Fatal("the mail has no link to the request")
	}
	return link[1]
}

// until waits for a status or reason.
func (c *cloud) until(f filed, word string) {
	c.t.Helper()
	var last string
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) {
		last = c.call("GET", "/v1/requests/"+f.ID, "", "Authorization", "Bearer "+f.Token).Body
		if strings.Contains(last, `"`+word+`"`) {
			return
		}
	}
	c.t.Fatalf("the request is %s\n%s", last, c.log.String())
}

func (c *cloud) history(id string) string {
	c.t.Helper()
	lines, err := c.engine.History(c.t.Context(), id)
	if err != nil {
		c.t.Fatal(err)
	}
	text, err := json.Marshal(lines)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

// systems are two that hold something of everybody.
type systems struct {
	server *httptest.Server
	mu     sync.Mutex
	rows   map[string]int

	stopped []string // bodies of unsubscribe
}

func newSystems(t *testing.T, dir string) *systems {
	t.Helper()
	s := &systems{rows: map[string]int{"shop": 2, "mailing": 1}}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		system := strings.Split(strings.Trim(r.URL.Path, "/"), "/")[0]
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer a system's secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/unsubscribe") {
			text, _ := io.ReadAll(r.Body)
			s.stopped = append(s.stopped, string(text))
			return
		}
		if r.Method == http.MethodPost {
			fmt.Fprintf(w, `{"removed": %d}`, s.rows[system])
			s.rows[system] = 0
			return
		}
		items := []string{}
		for n := range s.rows[system] {
			items = append(items, fmt.Sprintf(`{"id": %d, "email": %q}`, n, r.URL.Query().Get("email")))
		}
		fmt.Fprintf(w, `{"items": [%s]}`, strings.Join(items, ","))
	}))
	t.Cleanup(s.server.Close)
	for name, title := range map[string]string{"shop": "Shop", "mailing": "Mailing list"} {
		text := "kind: http\nname: " + name + "\ntitle: " + title + "\nbase_url: ${SHOP_URL}/" + name + "\nbearer: secret:SHOP_TOKEN\ncollections:\n" +
			"  - {name: records, path: /records, query: {email: \"{email}\"}, items: items}\nerase:\n" +
			"  - {method: POST, path: /erase, body: {email: \"{email}\"}, collection: records, count: removed}\n"
		if name == "mailing" {
			text += "unsubscribe:\n  - {method: POST, path: /unsubscribe, body: {email: \"{email}\", topic: \"{topic}\"}}\n"
		}
		if err := os.WriteFile(filepath.Join(dir, "systems", name+".yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// SES's own list comes as it is delivered, but for the address.
	text, err := os.ReadFile("../shared/connector/vendors/ses.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`(?m)^base_url: .*$`).ReplaceAllLiteral(text, []byte("base_url: ${SES_URL}"))
	if err := os.WriteFile(filepath.Join(dir, "systems", "ses.yaml"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *systems) held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows["shop"] + s.rows["mailing"]
}

func (s *systems) stops() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.stopped)
}
