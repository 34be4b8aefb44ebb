package events_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/mail"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rightful/rightful/events"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/disk"
	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/mailbox"
	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/portal"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/sqlite"
	"github.com/rightful/rightful/shared/step"
)

// TestSamples validates every sample against its schema.
func TestSamples(t *testing.T) {
	files, err := fs.Glob(events.Files, "*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		folder, name := path.Split(file)
		message := strings.TrimSuffix(folder, "/")
		if message == "schema" {
			continue
		}
		if name == "input.json" || name == "output.json" {
			message += "." + strings.TrimSuffix(name, ".json")
		}
		t.Run(file, func(t *testing.T) {
			schema := compile(t, message)
			sample, err := jsonschema.UnmarshalJSON(bytes.NewReader(read(t, file)))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(sample); err != nil {
				t.Error(err)
			}
		})
		seen++
	}
	if seen < 30 {
		t.Errorf("only %d samples were found", seen)
	}
}

func compile(t *testing.T, message string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(read(t, "schema/"+message+".schema.json")))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource(message, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(message)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := fs.ReadFile(events.Files, file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestReplay runs every state's sample through its step, twice, on the SQLite twin
// and compares the answers.
func TestReplay(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	proven := []string{"Acknowledge", "prove"}
	// What has to have happened before a state can act.
	cases := []struct {
		state  string
		before []string
		late   time.Duration
	}{
		{"acknowledge", nil, 0},
		{"verify-identity", []string{"Acknowledge"}, 0},
		{"expire", []string{"Acknowledge"}, 8 * 24 * time.Hour},
		{"decide", proven, 0},
		{"locate", proven, 0},
		{"review", proven, 0},
		{"fulfil-wave", proven, 0},
		{"bundle", proven, 0},
		{"notify", proven, 0},
		{"close", append(proven[:2:2], "Notify"), 0},
		{"refuse", append(proven[:2:2], "refuse"), 0},
		{"refer", append(proven[:2:2], "refuse"), 0},
		{"withdraw", []string{"Acknowledge", "withdraw"}, 0},
	}
	for _, c := range cases {
		t.Run(c.state, func(t *testing.T) {
			r := newReplay(t, now)
			for _, name := range c.before {
				r.prepare(t, name)
			}
			r.at = now.Add(c.late)
			for try := range 2 {
				got := r.step(t, c.state, read(t, c.state+"/input.json"))
				if diff := cmp.Diff(compact(t, read(t, c.state+"/output.json")), compact(t, got)); diff != "" {
					t.Errorf("try %d (-sample +step):\n%s", try+1, diff)
				}
			}
		})
	}
}

func compact(t *testing.T, text []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	out, _ := json.Marshal(v)
	return string(out)
}

// replay is one request in a store of its own.
type replay struct {
	at     time.Time
	store  rights.Store
	post   notice.Post
	vault  disk.Vault
	policy rights.Policy
	outbox outbox.Outbox
	portal portal.Portal
	system []connector.System
}

const id = rights.ID("DR-7K4M-29QX-H3WT")

func newReplay(t *testing.T, at time.Time) *replay {
	t.Helper()
	r := &replay{at: at, policy: rights.DefaultPolicy()}
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	master, err := envelope.OpenFile(filepath.Join(dir, "key"))
	must(err)
	keys, err := sqlite.OpenKeys(t.Context(), filepath.Join(dir, "keys.db"))
	must(err)
	sealer := &envelope.Sealer{Master: master, Keys: keys}
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "store.db"), sealer)
	must(err)
	box, err := mailbox.Open(filepath.Join(dir, "mail.db"), r.now)
	must(err)
	t.Cleanup(func() { box.Close(); store.Close(); keys.Close() })
	r.store = store
	links := rights.Links{Base: "http://localhost", Tokens: rights.Tokens{Key: master.SigningKey("tokens")}, Life: time.Hour}
	r.vault = disk.Vault{Dir: filepath.Join(dir, "vault"), Sealer: sealer, Mint: links.Download}
	r.post = notice.Post{Store: store, Sender: box, From: mail.Address{Address: "privacy@example.com"}, Links: links, Policy: r.policy}
	r.outbox = outbox.Outbox{Signals: store, Flow: deaf{}, Log: slog.New(slog.DiscardHandler)}
	r.portal = portal.Portal{Store: store, Links: links, Policy: r.policy, Outbox: r.outbox, Post: r.post, Vault: r.vault, Now: r.now, Log: r.outbox.Log}
	r.system, err = connector.Load(fstest.MapFS{"shop.yaml": {Data: []byte("kind: sql\nname: shop\ntitle: Shop\ndriver: sqlite\ndsn: x\ncollections:\n  - {name: c, table: c, column: email, on_erase: delete}\n")}},
		connector.Settings{OpenSQL: sql.Open})
	must(err)

	personal := rights.Personal{Subject: rights.Subject{Email: "ada@example.com", Country: "DE"}}
	request := rights.NewRequest(id, rights.Access, personal, "key", r.policy.Regimes, at)
	line := request.Record(at, rights.ByPerson, rights.Received, nil)
	_, err = store.Create(t.Context(), rights.Creation{Request: request, Personal: personal, Events: []rights.Event{line}})
	must(err)
	return r
}

func (r *replay) now() time.Time { return r.at }

// deaf is a workflow that takes everything.
type deaf struct{}

func (deaf) Start(context.Context, rights.ID) error      { return nil }
func (deaf) Resume(context.Context, rights.Signal) error { return nil }
func (deaf) Forget(context.Context, rights.ID) error     { return nil }

// idle is a queue that nobody works.
type idle struct{}

func (idle) Hand(context.Context, ...rights.TaskID) error { return nil }

func (r *replay) prepare(t *testing.T, name string) {
	t.Helper()
	var err error
	switch name {
	case "prove":
		request, _ := r.store.Get(t.Context(), id)
		_, err = r.portal.ProveByCode(t.Context(), id, r.post.Links.Tokens.Code(id, request.Proof.Serial))
	case "withdraw":
		_, err = r.portal.Withdraw(t.Context(), id)
	case "refuse":
		request, _ := r.store.Get(t.Context(), id)
		if request, err = request.Refuse(rights.OtherGround, r.at); err == nil {
			_, err = r.store.Move(t.Context(), request, rights.Change{})
		}
	default:
		r.step(t, strings.ToLower(name), []byte(`{"request":"`+string(id)+`"}`))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// step runs one state on a payload.
func (r *replay) step(t *testing.T, state string, payload []byte) []byte {
	t.Helper()
	steps := map[string]func([]byte) ([]byte, error){
		"acknowledge":     typed(step.Acknowledge{Store: r.store, Post: r.post, Policy: r.policy, Now: r.now}.Do),
		"verify-identity": typed(step.VerifyIdentity{Store: r.store, Outbox: r.outbox, Now: r.now}.Do),
		"expire":          typed(step.Expire{Store: r.store, Post: r.post, Now: r.now}.Do),
		"decide":          typed(step.Decide{Store: r.store, Policy: r.policy, Now: r.now}.Do),
		"locate":          typed(step.Locate{Store: r.store, Systems: r.system, Queue: idle{}, Outbox: r.outbox, Now: r.now}.Do),
		"review":          typed(step.Review{Store: r.store, Outbox: r.outbox, Now: r.now}.Do),
		"fulfil-wave":     typed(step.FulfilWave{Store: r.store, Systems: r.system, Queue: idle{}, Outbox: r.outbox, Policy: r.policy, Now: r.now}.Do),
		"bundle":          typed(step.Bundle{Store: r.store, Systems: r.system, Vault: r.vault, Policy: r.policy, Now: r.now}.Do),
		"notify":          typed(step.Notify{Store: r.store, Systems: r.system, Post: r.post, Now: r.now}.Do),
		"close":           typed(step.Close{Store: r.store, Policy: r.policy, Now: r.now}.Do),
		"refuse":          typed(step.Refuse{Store: r.store, Post: r.post}.Do),
		"refer":           typed(step.Refer{Store: r.store, Post: r.post}.Do),
		"withdraw":        typed(step.Withdraw{Store: r.store, Systems: r.system, Vault: r.vault, Post: r.post, Now: r.now}.Do),
	}
	out, err := steps[state](payload)
	if err != nil {
		t.Fatalf("%s: %v", state, err)
	}
	return out
}

func typed[I, O any](do func(context.Context, I) (O, error)) func([]byte) ([]byte, error) {
	return func(payload []byte) ([]byte, error) {
		var in I
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, err
		}
		out, err := do(context.Background(), in)
		if err != nil {
			return nil, err
		}
		return json.Marshal(out)
	}
}
