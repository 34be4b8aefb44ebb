package sqlite_test

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/sqlite"
	"github.com/rightful/rightful/shared/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) rights.Store { return open(t, t.TempDir()) })
}

func open(t *testing.T, dir string) *sqlite.Store {
	t.Helper()
	master, err := envelope.OpenFile(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := sqlite.OpenKeys(t.Context(), filepath.Join(dir, "keys.db"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(t.Context(), filepath.Join(dir, "store.db"), &envelope.Sealer{Master: master, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		keys.Close()
	})
	return s
}

func TestOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	personal := rights.Personal{Subject: rights.Subject{Email: "someone.rare@example.com"}}
	r := rights.NewRequest("DR-TEST-2222-2222", rights.Access, personal, "key", rights.DefaultRegimes(), time.Unix(1_700_000_000, 0))
	if _, err := s.Create(t.Context(), rights.Creation{Request: r, Personal: personal}); err != nil {
		t.Fatal(err)
	}

	t.Run("AddressIsSealed", func(t *testing.T) {
		files, _ := filepath.Glob(filepath.Join(dir, "*.db*"))
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(text, []byte("someone.rare")) {
				t.Errorf("%s holds the address in clear", filepath.Base(file))
			}
		}
		if len(files) < 4 {
			t.Errorf("only %d files were looked at", len(files))
		}
	})
	t.Run("ReopenedKeepsAll", func(t *testing.T) {
		got, err := open(t, dir).Personal(t.Context(), r.ID)
		if err != nil || got.Subject.Email != personal.Subject.Email {
			t.Errorf("%v", err)
		}
	})
	t.Run("NewerFileIsRefused", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "store.db")
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec("PRAGMA user_version = 9"); err != nil {
			t.Fatal(err)
		}
		db.Close()
		if _, err := sqlite.Open(t.Context(), path, nil); err == nil || !strings.Contains(err.Error(), "newer") {
			t.Errorf("got %v", err)
		}
	})
}
