package envelope_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/rights"
)

// table is envelope.Keys in memory.
type table struct {
	mu   sync.Mutex
	keys map[rights.ID][]byte
}

func (k *table) Put(_ context.Context, id rights.ID, wrapped []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys == nil {
		k.keys = map[rights.ID][]byte{}
	}
	if k.keys[id] == nil {
		k.keys[id] = wrapped
	}
	return k.keys[id], nil
}

func (k *table) Get(_ context.Context, id rights.ID) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys[id] == nil {
		return nil, &rights.Error{Code: rights.NotFound}
	}
	return k.keys[id], nil
}

func (k *table) Destroy(_ context.Context, id rights.ID) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.keys, id)
	return nil
}

func master(t *testing.T, path string) *envelope.Master {
	t.Helper()
	m, err := envelope.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const id, other = rights.ID("DR-TEST-2222-2222"), rights.ID("DR-TEST-3333-3333")

func TestSeal(t *testing.T) {
	s := &envelope.Sealer{Master: master(t, filepath.Join(t.TempDir(), "key")), Keys: &table{}}
	ctx := t.Context()
	if _, err := s.Seal(ctx, other, []byte("x"), "personal"); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOf(rapid.Byte()).Draw(t, "text")
		sealed, err := s.Seal(ctx, id, text, "personal")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Open(ctx, id, sealed, "personal"); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("got %x, %v", got, err)
		}
		if _, err := s.Open(ctx, id, sealed, "export"); err == nil {
			t.Fatal("it opened for another purpose")
		}
		if _, err := s.Open(ctx, other, sealed, "personal"); err == nil {
			t.Fatal("it opened for another request")
		}
		at := rapid.IntRange(0, len(sealed)-1).Draw(t, "at")
		sealed[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := s.Open(ctx, id, sealed, "personal"); err == nil {
			t.Fatal("it opened with a flipped bit")
		}
	})
}

func TestStream(t *testing.T) {
	s := &envelope.Sealer{Master: master(t, filepath.Join(t.TempDir(), "key")), Keys: &table{}}
	text := bytes.Repeat([]byte("some of Ada's data. "), 200_000)
	var sealed bytes.Buffer
	w, err := s.Writer(t.Context(), id, &sealed, "part")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed.Bytes(), []byte("some of Ada")) {
		t.Error("the stream holds its plaintext")
	}
	read := func(sealed []byte, bound string) ([]byte, error) {
		r, err := s.Reader(t.Context(), id, bytes.NewReader(sealed), bound)
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	}
	if got, err := read(sealed.Bytes(), "part"); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes came back: %v", len(got), err)
	}
	if _, err := read(sealed.Bytes()[:sealed.Len()-1], "part"); err == nil {
		t.Error("a cut stream was read to its end")
	}
	if _, err := read(sealed.Bytes(), "other part"); err == nil {
		t.Error("the stream opened under another name")
	}
}

func TestDestroy(t *testing.T) {
	s := &envelope.Sealer{Master: master(t, filepath.Join(t.TempDir(), "key")), Keys: &table{}}
	sealed, err := s.Seal(t.Context(), id, []byte("text"), "personal")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Destroy(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Open(t.Context(), id, sealed, "personal"); rights.CodeOf(err) != rights.NotFound {
		t.Errorf("got %v", err)
	}
	// A new key for the same request doesn't open what was sealed under the old one.
	if _, err := s.Seal(t.Context(), id, []byte("new"), "personal"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), id, sealed, "personal"); err == nil {
		t.Error("it opened after its key was destroyed")
	}
}

func TestOpenFile(t *testing.T) {
	t.Run("SameKeysAtEveryStart", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "key")
		keys := &table{}
		sealed, err := (&envelope.Sealer{Master: master(t, path), Keys: keys}).Seal(t.Context(), id, []byte("text"), "personal")
		if err != nil {
			t.Fatal(err)
		}
		again := master(t, path)
		if _, err := (&envelope.Sealer{Master: again, Keys: keys}).Open(t.Context(), id, sealed, "personal"); err != nil {
			t.Error(err)
		}
		if first := master(t, path); first.Fingerprint("email", "a") != again.Fingerprint("email", "a") || !bytes.Equal(first.SigningKey("x"), again.SigningKey("x")) {
			t.Error("a second start makes other keys")
		}
		if again.Fingerprint("email", "a") == again.Fingerprint("client", "a") || again.Fingerprint("email", "a") == again.Fingerprint("email", "b") {
			t.Error("two values have one fingerprint")
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file's mode is %v, %v", info.Mode(), err)
		}
	})
	refuse := func(name, want string, prepare func(path string) error) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			master(t, path)
			if err := prepare(path); err != nil {
				t.Fatal(err)
			}
			if _, err := envelope.OpenFile(path); err == nil || !bytes.Contains([]byte(err.Error()), []byte(want)) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
	refuse("ReadableByOthersIsRefused", "chmod 600", func(path string) error { return os.Chmod(path, 0o644) })
	refuse("BrokenIsRefused", "put it back", func(path string) error { return os.WriteFile(path, []byte("{}"), 0o600) })
	refuse("EmptyIsRefused", "put it back", func(path string) error { return os.Truncate(path, 0) })
}
