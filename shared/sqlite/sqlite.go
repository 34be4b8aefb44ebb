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

// Store is rights.Store on a SQLite file.
type Store struct {
	write  *sql.DB // one connection: SQLite has one writer, and so nobody waits on a lock
	read   *sql.DB
	sealer *envelope.Sealer
}

var _ rights.Store = (*Store)(nil)

// Open opens the store at path and creates it where it is absent. Personal fields
// are sealed by sealer.
func Open(ctx context.Context, path string, sealer *envelope.Sealer) (*Store, error) {
	write, err := open(ctx, path, schema)
	if err != nil {
		return nil, err
	}
	read, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't open %s for reading: %w", path, err), write.Close())
	}
	read.SetMaxOpenConns(4)
	return &Store{write: write, read: read, sealer: sealer}, nil
}

// Close waits for running calls and closes the file.
func (s *Store) Close() error { return errors.Join(s.read.Close(), s.write.Close()) }

func dsn(path string) string {
	pragmas := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)"}, "_txlock": {"immediate"}}
	return "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path) + "?" + pragmas.Encode()
}

func open(ctx context.Context, path, schema string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, fmt.Errorf("couldn't open %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	if err := migrate(ctx, db, schema); err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't prepare %s (is it a file of Rightful, and writable?): %w", path, err), db.Close())
	}
	return db, nil
}

func migrate(ctx context.Context, db *sql.DB, schema string) error {
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	switch version {
	case 0:
		_, err := db.ExecContext(ctx, "BEGIN IMMEDIATE; "+schema+"; PRAGMA user_version = 1; COMMIT")
		return err
	case 1:
		return nil
	}
	return fmt.Errorf("it was written by a newer Rightful (version %d); start that one", version)
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
