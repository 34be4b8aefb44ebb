package asl

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// record is the SQLite file: definitions, events, and the tasks, tokens and timers
// that are open.
type record struct {
	write, read *sql.DB
	prepared    map[string]*sql.Stmt
}

const schema = `
CREATE TABLE machines (hash TEXT PRIMARY KEY, name TEXT NOT NULL, text BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE executions (name TEXT PRIMARY KEY, machine TEXT NOT NULL, status TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX executions_machine ON executions (machine);
CREATE TABLE events (execution TEXT NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (execution, seq)) WITHOUT ROWID;
CREATE TABLE tasks (execution TEXT NOT NULL, ref INTEGER NOT NULL, PRIMARY KEY (execution, ref)) WITHOUT ROWID;
CREATE TABLE tokens (hash BLOB PRIMARY KEY, execution TEXT NOT NULL, ref INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX tokens_task ON tokens (execution, ref);
CREATE TABLE timers (execution TEXT NOT NULL, ref INTEGER NOT NULL, due INTEGER NOT NULL, PRIMARY KEY (execution, ref)) WITHOUT ROWID;
CREATE INDEX timers_due ON timers (due);
PRAGMA user_version = 1;`

func openRecord(ctx context.Context, path string) (*record, error) {
	pragmas := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)"}, "_txlock": {"immediate"}}
	dsn := "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path) + "?" + pragmas.Encode()
	write, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("couldn't open %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	r := &record{write: write, prepared: map[string]*sql.Stmt{}}
	err = r.migrate(ctx)
	for _, query := range []string{addExecution, setStatus, addEvents, addTimer, dropTimer, addTask, dropTask, addToken, dropToken} {
		if err == nil {
			r.prepared[query], err = write.PrepareContext(ctx, query)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't prepare %s (is it a file of Rightful, and writable?): %w", path, err), write.Close())
	}
	if r.read, err = sql.Open("sqlite", dsn); err != nil {
		return nil, errors.Join(err, write.Close())
	}
	r.read.SetMaxOpenConns(4)
	return r, nil
}

func (r *record) migrate(ctx context.Context) error {
	var version int
	if err := r.write.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	switch version {
	case 0:
		tx, err := r.write.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, schema); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	case 1:
		return nil
	}
	return fmt.Errorf("it was written by a newer Rightful (version %d); start that one", version)
}

func (r *record) close() error { return errors.Join(r.read.Close(), r.write.Close()) }

// saveMachine keeps a definition's text for the executions that run on it.
func (r *record) saveMachine(ctx context.Context, m *machine) error {
	_, err := r.write.ExecContext(ctx, "INSERT INTO machines VALUES (?,?,?) ON CONFLICT DO NOTHING", m.hash, m.name, m.text)
	return err
}

// machineOf returns the text an execution started with; sql.ErrNoRows where there
// is no such execution.
func (r *record) machineOf(ctx context.Context, execution string) (hash, name string, text []byte, err error) {
	err = r.read.QueryRowContext(ctx, "SELECT m.hash, m.name, m.text FROM executions e JOIN machines m ON m.hash = e.machine WHERE e.name = ?", execution).Scan(&hash, &name, &text)
	return hash, name, text, err
}

func (r *record) events(ctx context.Context, execution string) ([]event, error) {
	rows, err := r.read.QueryContext(ctx, "SELECT body FROM events WHERE execution = ? ORDER BY seq", execution)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []event
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		var batch []event
		if err := json.Unmarshal(body, &batch); err != nil {
			return nil, fmt.Errorf("execution %s has an event that can't be read: %w", execution, err)
		}
		all = append(all, batch...)
	}
	return all, rows.Err()
}

// commit is what one input changed. Its events go into one row.
type commit struct {
	execution string
	machine   string // set where the execution is new
	seq       int64  // of the first event
	events    []event
	status    Status
	rows      *rows
	done      chan struct{}
	after     func()
}

// append writes a group of commits in one transaction.
func (r *record) append(group []*commit) error {
	tx, err := r.write.Begin()
	if err != nil {
		return err
	}
	for _, c := range group {
		if err := c.write(tx, r.prepared); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

// What a commit consists of; each is prepared once.
const (
	addExecution = "INSERT INTO executions VALUES (?,?,?)"
	setStatus    = "UPDATE executions SET status = ? WHERE name = ?"
	addEvents    = "INSERT INTO events VALUES (?,?,?)"
	addTimer     = "INSERT INTO timers VALUES (?,?,?)"
	dropTimer    = "DELETE FROM timers WHERE execution = ? AND ref = ?"
	addTask      = "INSERT INTO tasks VALUES (?,?)"
	dropTask     = "DELETE FROM tasks WHERE execution = ? AND ref = ?"
	addToken     = "INSERT INTO tokens VALUES (?,?,?)"
	dropToken    = "DELETE FROM tokens WHERE execution = ? AND ref = ?"
)

func (c *commit) write(tx *sql.Tx, prepared map[string]*sql.Stmt) error {
	var errs []error
	exec := func(query string, args ...any) {
		if _, err := tx.Stmt(prepared[query]).Exec(args...); err != nil {
			errs = append(errs, err)
		}
	}
	if c.machine != "" {
		exec(addExecution, c.execution, c.machine, c.status)
	} else if c.status != Running {
		exec(setStatus, c.status, c.execution)
	}
	if len(c.events) > 0 {
		// What is stored has to come back byte for byte: no HTML escapes.
		var body bytes.Buffer
		encoder := json.NewEncoder(&body)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(c.events); err != nil {
			return err
		}
		exec(addEvents, c.execution, c.seq, body.Bytes())
	}
	for ref, due := range c.rows.addTimers {
		exec(addTimer, c.execution, ref, due)
	}
	for ref := range c.rows.delTimers {
		exec(dropTimer, c.execution, ref)
	}
	for ref := range c.rows.addTasks {
		exec(addTask, c.execution, ref)
	}
	for ref := range c.rows.delTasks {
		exec(dropTask, c.execution, ref)
	}
	for hash, ref := range c.rows.addTokens {
		exec(addToken, []byte(hash), c.execution, ref)
	}
	for ref := range c.rows.delTokens {
		exec(dropToken, c.execution, ref)
	}
	return errors.Join(errs...)
}

// row names an open task or timer.
type row struct {
	execution string
	ref       int64
}

func (r *record) rows(ctx context.Context, query string, args ...any) ([]row, error) {
	rows, err := r.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []row
	for rows.Next() {
		var one row
		if err := rows.Scan(&one.execution, &one.ref); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// tokenOf finds the wait that a token belongs to; sql.ErrNoRows where there is none.
func (r *record) tokenOf(ctx context.Context, hash []byte) (execution string, ref int64, err error) {
	err = r.read.QueryRowContext(ctx, "SELECT execution, ref FROM tokens WHERE hash = ?", hash).Scan(&execution, &ref)
	return execution, ref, err
}

func (r *record) tasks(ctx context.Context) ([]row, error) {
	return r.rows(ctx, "SELECT execution, ref FROM tasks")
}

func (r *record) due(ctx context.Context, now int64) ([]row, error) {
	return r.rows(ctx, "SELECT execution, ref FROM timers WHERE due <= ? ORDER BY due LIMIT 500", now)
}

// nextDue is the time of the earliest timer; false where there is none.
func (r *record) nextDue(ctx context.Context) (int64, bool, error) {
	var due sql.NullInt64
	err := r.read.QueryRowContext(ctx, "SELECT min(due) FROM timers").Scan(&due)
	return due.Int64, due.Valid, err
}

// erase removes a finished execution.
func (r *record) erase(ctx context.Context, execution string) error {
	tx, err := r.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, query := range []string{"DELETE FROM events WHERE execution = ?", "DELETE FROM executions WHERE name = ?"} {
		if _, err := tx.ExecContext(ctx, query, execution); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	// The log still holds the pages as they were: fold it into the file, where
	// secure_delete has overwritten them. A reader may hold it back; then the next
	// one does it.
	_, err = r.write.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}
