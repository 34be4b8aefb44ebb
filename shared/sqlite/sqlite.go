// Package sqlite keeps requests on one machine: rights.Store and envelope.Keys in
// two SQLite files.
//
// It promises what storetest asks, and that an answered write has reached the
// disk (WAL, synchronous=FULL). The wrapped keys lie in a file of their own, so
// that the store's backups can be kept long and the keys' shortly: without its
// key a request in an old backup can't be read.
//
// It leaves executions to asl, which has a file of its own, and exported files
// to disk.
package sqlite

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/rights"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed schema.sql
var schema string

// withNews makes version 2: who chose anew is told on.
const withNews = `
CREATE TABLE IF NOT EXISTS preferences (person TEXT NOT NULL, topic TEXT NOT NULL, opted_out INTEGER NOT NULL, at INTEGER NOT NULL, source TEXT NOT NULL, PRIMARY KEY (person, topic)) WITHOUT ROWID;
ALTER TABLE preferences ADD COLUMN basis TEXT NOT NULL DEFAULT '';
ALTER TABLE preferences ADD COLUMN latest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE preferences ADD COLUMN news INTEGER NOT NULL DEFAULT 0;
ALTER TABLE preferences ADD COLUMN address BLOB;
UPDATE preferences SET latest = at;
CREATE INDEX preferences_news ON preferences (at) WHERE news > 0`

// Store is rights.Store on a SQLite file.
type Store struct {
	write  *sql.DB // one connection: SQLite has one writer, and so nobody waits on a lock
	read   *sql.DB
	sealer *envelope.Sealer

	choices group     // of Prefer
	insert  *sql.Stmt // its statement
}

var _ rights.Store = (*Store)(nil)

// Open opens the store at path and creates it where it is absent. Personal fields
// are sealed by sealer.
func Open(ctx context.Context, path string, sealer *envelope.Sealer) (*Store, error) {
	write, err := open(ctx, path, schema, withNews)
	if err != nil {
		return nil, err
	}
	read, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't open %s for reading: %w", path, err), write.Close())
	}
	read.SetMaxOpenConns(4)
	s := &Store{write: write, read: read, sealer: sealer}
	if s.insert, err = write.PrepareContext(ctx, insert); err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't prepare %s: %w", path, err), s.Close())
	}
	s.choices.commit = s.preferAll
	return s, nil
}

// Close waits for running calls and closes the file.
func (s *Store) Close() error { return errors.Join(s.read.Close(), s.write.Close()) }

func dsn(path string) string {
	pragmas := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)"}, "_txlock": {"immediate"}}
	return "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path) + "?" + pragmas.Encode()
}

// open opens a file and brings it to the newest version: upgrades[0] makes version 2
// of version 1, and schema makes the newest of nothing.
func open(ctx context.Context, path, schema string, upgrades ...string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, fmt.Errorf("couldn't open %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	if err := migrate(ctx, db, schema, upgrades); err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't prepare %s (is it a file of Rightful, and writable?): %w", path, err), db.Close())
	}
	return db, nil
}

func migrate(ctx context.Context, db *sql.DB, schema string, upgrades []string) error {
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	newest := 1 + len(upgrades)
	switch {
	case version > newest:
		return fmt.Errorf("it was written by a newer Rightful (version %d); start that one", version)
	case version == newest:
		return nil
	case version > 0:
		schema = strings.Join(upgrades[version-1:], ";\n")
	}
	_, err := db.ExecContext(ctx, fmt.Sprintf("BEGIN IMMEDIATE; %s; PRAGMA user_version = %d; COMMIT", schema, newest))
	return err
}

// transact runs do in one write transaction.
func (s *Store) transact(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("couldn't begin: %w", err)
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("couldn't commit: %w", err)
	}
	return nil
}

func notFound(what string) error {
	return &rights.Error{Code: rights.NotFound, Detail: "There is no such " + what + "."}
}

func conflict(what string) error {
	return &rights.Error{Code: rights.Conflict, Detail: "The " + what + " was changed by somebody else meanwhile. Look at it again and decide anew."}
}
