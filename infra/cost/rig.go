package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/rightful/rightful/infra/local"
	"github.com/rightful/rightful/shared/asl"
	"github.com/rightful/rightful/shared/bundle"
	"github.com/rightful/rightful/shared/cloudevent"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/dynamo"
	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/onward"
	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/portal"
	"github.com/rightful/rightful/shared/preference"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/unsubscribe"
	"github.com/rightful/rightful/shared/work"
	"github.com/rightful/rightful/workflows"
)

// rig is one stage in a process: the product's own code over a metered table, the
// workflow file in the local engine, and counters where the other services are.
type rig struct {
	used   usage
	meter  dynamo.Meter
	store  *dynamo.Store
	engine *asl.Engine
	portal portal.Portal
	worker work.Worker
	sweep  work.Sweep
	now    time.Time
	mu     sync.Mutex
	handed []rights.TaskID
	tokens map[rights.TaskID]bool // shares that answer later
	dir    string
}

// usage is what one request takes of each service.
type usage struct {
	Transitions  int
	Events       int // in the workflow's history
	Payload      int // bytes of the largest input, output or argument
	Invocations  int
	GBSeconds    float64
	Write, Read  float64
	Puts, Gets   int // of S3
	Bytes        int // of the export
	Mails        int
	Published    int // on EventBridge
	Messages     int // SQS requests
	Calls        int // of the HTTP API
	Resumes      int
	LargestWrite float64 // units of one call
}

// token is as long as those of Step Functions: the engine's own are shorter, and a
// token is the largest thing that a request holds.
const tokenLength = 700

func newRig(ctx context.Context, systems []connector.System) (*rig, error) {
	address := os.Getenv("RIGHTFUL_DYNAMODB")
	if address == "" {
		return nil, errors.New("no DynamoDB Local: run make cost")
	}
	dir, err := os.MkdirTemp("", "cost-*")
	if err != nil {
		return nil, err
	}
	r := &rig{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), tokens: map[rights.TaskID]bool{}, dir: dir}
	client := dynamo.Client(aws.Config{Region: "us-east-1", BaseEndpoint: &address, Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")}, r.meter.Watch)
	table := "cost-" + rand.Text()
	if err := errors.Join(dynamo.MakeTable(ctx, client, table, dynamo.TableSchema), dynamo.MakeTable(ctx, client, table+"-keys", dynamo.KeysSchema)); err != nil {
		return nil, err
	}
	master, err := envelope.OpenFile(filepath.Join(dir, "key"))
	if err != nil {
		return nil, err
	}
	sealer := &envelope.Sealer{Master: master, Keys: dynamo.Keys{Client: client, Table: table + "-keys"}}
	r.store = &dynamo.Store{Client: client, Table: table, Sealer: sealer, Rand: rand.Reader}
	log := slog.New(slog.DiscardHandler)
	policy := rights.DefaultPolicy()
	links := rights.Links{Base: "https://privacy.example.com", Tokens: rights.Tokens{Key: master.SigningKey("tokens")}, Life: policy.StatusLife}
	post := notice.Post{Store: r.store, Sender: r, From: mail.Address{Address: "privacy@example.com"}, Links: links, Policy: policy}
	vault := &shelf{rig: r, files: map[string][]byte{}}
	out := outbox.Outbox{Signals: r.store, Flow: r, Log: log}
	steps := local.Functions(local.Parts{Store: r.store, Systems: systems, Queue: r, Outbox: out, Vault: vault, Post: post, Policy: policy, Now: r.at})
	r.engine, err = asl.Open(ctx, asl.Config{
		Path: filepath.Join(dir, "flow.db"), Definitions: map[string][]byte{"request": workflows.Request}, Now: r.at, Log: log, Concurrency: 1,
		Invoke: func(ctx context.Context, state string, payload json.RawMessage) (json.RawMessage, error) {
			r.lambda(stepMemory, stepSeconds)
			answer, err := steps[state](ctx, longer(payload))
			r.used.Payload = max(r.used.Payload, len(longer(payload)), len(answer))
			return answer, err
		},
	})
	if err != nil {
		return nil, err
	}
	choices := preference.Center{Store: r.store, Keys: unsubscribe.Derive(master.SigningKey, 1), Policy: policy, Now: r.at}
	r.worker = work.Worker{UnsubscribeKeys: choices.Keys, Store: r.store, Systems: systems, Vault: vault, Outbox: out, Links: links, Now: r.at, Log: log}
	r.sweep = work.Sweep{Store: r.store, Outbox: out, Queue: r, Flow: r, Vault: vault, Onward: onward.Onward{Store: r.store, Systems: systems, Queue: r, Events: r, Now: r.at}, ExportLife: policy.ExportLife, Now: r.at, Log: log}
	r.portal = portal.Portal{Choices: choices, Store: r.store, Systems: systems, Vault: vault, Post: post, Outbox: out, Links: links, Policy: policy, Fingerprint: master.Fingerprint, Now: r.at, Rand: rand.Reader, Log: log}
	return r, nil
}

func (r *rig) close() error { return errors.Join(r.engine.Close(), os.RemoveAll(r.dir)) }

func (r *rig) at() time.Time { return r.now }

func (r *rig) lambda(memory, seconds float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used.Invocations++
	r.used.GBSeconds += memory / 1024 * seconds
}

// longer pads a payload's token, shorter takes the padding off again.
func longer(payload json.RawMessage) json.RawMessage {
	var fields map[string]any
	token := ""
	if json.Unmarshal(payload, &fields) == nil {
		token, _ = fields["token"].(string)
	}
	if token == "" {
		return payload
	}
	fields["token"] = token + strings.Repeat("=", max(0, tokenLength-len(token)))
	padded, _ := json.Marshal(fields) // it was JSON before
	return padded
}

func shorter(token string) string { return strings.TrimRight(token, "=") }

// Start, Resume and Forget make the rig rights.Flow.
func (r *rig) Start(ctx context.Context, id rights.ID) error {
	return asl.Flow{Engine: r.engine, Machine: "request"}.Start(ctx, id)
}

func (r *rig) Resume(ctx context.Context, s rights.Signal) error {
	r.used.Resumes++
	s.Token = shorter(s.Token)
	return asl.Flow{Engine: r.engine, Machine: "request"}.Resume(ctx, s)
}

func (r *rig) Forget(context.Context, rights.ID) error { return nil }

// Hand makes it rights.Queue: ten messages go in one request.
func (r *rig) Hand(_ context.Context, tasks ...rights.TaskID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handed = append(r.handed, tasks...)
	r.used.Messages += (len(tasks) + 9) / 10
	return nil
}

// Publish makes it onward.Events.
func (r *rig) Publish(_ context.Context, events ...cloudevent.Event) error {
	r.used.Published += len(events)
	return nil
}

// Send makes it notice.Sender.
func (r *rig) Send(context.Context, notice.Message) error {
	r.used.Mails++
	return nil
}

// shelf is a bundle.Vault in memory that counts S3's calls: a part that was just
// read isn't read again, and removing is free.
type shelf struct {
	rig   *rig
	files map[string][]byte
	last  string
}

type sheet struct {
	bytes.Buffer
	shelf *shelf
	name  string
}

func (w *sheet) Commit() error {
	w.shelf.rig.mu.Lock()
	defer w.shelf.rig.mu.Unlock()
	w.shelf.rig.used.Puts++
	w.shelf.files[w.name] = w.Bytes()
	return nil
}

func (w *sheet) Abort() error { return nil }

func (v *shelf) Create(_ context.Context, id rights.ID, name string) (bundle.Writer, error) {
	return &sheet{shelf: v, name: string(id) + name}, nil
}

func (v *shelf) Open(_ context.Context, id rights.ID, name string) (io.ReadCloser, error) {
	v.rig.mu.Lock()
	defer v.rig.mu.Unlock()
	if name = string(id) + name; v.last != name {
		v.rig.used.Gets++
		v.last = name
	}
	return io.NopCloser(bytes.NewReader(v.files[name])), nil
}

func (v *shelf) Remove(context.Context, rights.ID, ...string) error { return nil }

func (v *shelf) Link(_ context.Context, id rights.ID, name, _ string, _ time.Time) (string, error) {
	v.rig.used.Gets++
	v.rig.used.Bytes = len(v.files[string(id)+name])
	return "https://exports.example.com", nil
}

// made is a system that holds records of everybody.
type made struct {
	name  string
	size  int  // bytes of its export
	later bool // it takes an erasure and answers by callback
}

func (m made) Name() string            { return m.name }
func (m made) Title() string           { return m.name }
func (m made) Wave() int               { return 1 }
func (m made) Does(rights.Action) bool { return true }
func (m made) KnowsBy() string         { return "email" }
func (m made) Holds() bool             { return true }
func (m made) found() []rights.Found   { return []rights.Found{{Collection: "records", Count: 12}} }
func (m made) answer() connector.Answer {
	return connector.Answer{Outcome: rights.Done, Found: m.found()}
}

func (m made) Suppress(context.Context, connector.Job) (connector.Answer, error) {
	return m.answer(), nil
}

func (m made) Locate(context.Context, connector.Job) (connector.Answer, error) {
	return m.answer(), nil
}

func (m made) Export(_ context.Context, _ connector.Job, sink connector.Sink) (connector.Answer, error) {
	text := make([]byte, m.size/24)
	for n := range 12 {
		if _, err := rand.Read(text); err != nil { // what doesn't compress
			return connector.Answer{}, err
		}
		if err := sink("records", connector.Record{{Name: "n", Value: n}, {Name: "text", Value: fmt.Sprintf("%x", text)}}); err != nil {
			return connector.Answer{}, err
		}
	}
	return m.answer(), nil
}

func (m made) Erase(context.Context, connector.Job) (connector.Answer, error) {
	if m.later {
		return connector.Answer{Outcome: rights.Accepted, Reference: "job-1"}, nil
	}
	return m.answer(), nil
}

func (m made) Callback(http.Header, []byte, time.Time, connector.Sink) (connector.Answer, error) {
	return m.answer(), nil
}
