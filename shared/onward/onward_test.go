package onward_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rightful/rightful/shared/cloudevent"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/onward"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/sqlite"
)

const definition = "kind: http\nname: mailing\ntitle: T\nbase_url: https://api.example.com\nunsubscribe:\n  - {method: POST, path: /stop, body: {email: \"{email}\"}}\n"

// listener is a bus, and a queue, that may fail.
type listener struct {
	failing error
	heard   []string
	handed  []rights.TaskID
}

func (l *listener) Publish(_ context.Context, events ...cloudevent.Event) error {
	for _, e := range events {
		l.heard = append(l.heard, e.ID)
	}
	return l.failing
}

func (l *listener) Hand(_ context.Context, tasks ...rights.TaskID) error {
	l.handed = append(l.handed, tasks...)
	return nil
}

func house(t *testing.T) (onward.Onward, *listener) {
	t.Helper()
	dir := t.TempDir()
	master, err1 := envelope.OpenFile(filepath.Join(dir, "key"))
	keys, err2 := sqlite.OpenKeys(t.Context(), filepath.Join(dir, "keys.db"))
	store, err3 := sqlite.Open(t.Context(), filepath.Join(dir, "store.db"), &envelope.Sealer{Master: master, Keys: keys})
	systems, err4 := connector.Load(fstest.MapFS{
		"mailing.yaml": {Data: []byte(definition)},
		"hook.yaml":    {Data: []byte("kind: webhook\nname: hook\ntitle: H\nbase_url: https://hook.example.com\nsecret: secret:S\n")},
		"shop.yaml":    {Data: []byte("kind: http\nname: shop\ntitle: S\nbase_url: https://shop.example.com\ncollections:\n  - {name: c, path: /c}\n")},
	}, connector.Settings{Catalogue: true})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close(); keys.Close() })
	l := &listener{}
	return onward.Onward{Store: store, Systems: systems, Queue: l, Events: l, Now: func() time.Time { return at }}, l
}

var at = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func choose(t *testing.T, o onward.Onward, person string, address []byte) {
	t.Helper()
	p := rights.Preference{Person: person, Topic: "news", OptedOut: true, At: at, Source: rights.ByOneClick, Basis: rights.Objected}
	if _, err := o.Store.Prefer(t.Context(), p, &rights.News{Address: address}); err != nil {
		t.Fatal(err)
	}
}

// TestTell: a system that needs the address is told where there is one, a listener
// always, and one that mails nobody never.
func TestTell(t *testing.T) {
	t.Parallel()
	o, l := house(t)
	choose(t, o, "known", []byte("sealed"))
	choose(t, o, "unknown", nil)
	for range 2 {
		if _, err := o.Tell(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(l.handed)
	if want := []rights.TaskID{"known.suppress.hook", "known.suppress.mailing", "unknown.suppress.hook"}; !slices.Equal(l.handed, want) || len(l.heard) != 2 {
		t.Errorf("handed %v, heard %v", l.handed, l.heard)
	}
}

// TestTell_AgainAfterACrash: nothing is cleared before everybody was told, the same
// news has the same id, and a bus that is away has no system called again.
func TestTell_AgainAfterACrash(t *testing.T) {
	t.Parallel()
	o, l := house(t)
	choose(t, o, "known", []byte("sealed"))
	l.failing = errors.New("the bus is down")
	if _, err := o.Tell(t.Context()); err == nil {
		t.Error("nobody heard, and that is fine")
	}
	l.failing = nil
	if n, err := o.Tell(t.Context()); n != 1 || err != nil {
		t.Errorf("told about %d: %v", n, err)
	}
	if len(l.heard) != 2 || l.heard[0] != l.heard[1] || len(l.handed) != 2 {
		t.Errorf("heard %v, handed %v", l.heard, l.handed)
	}
	if n, err := o.Tell(t.Context()); n != 0 || err != nil {
		t.Errorf("told about %d again: %v", n, err)
	}
}
