package sqlite

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/rightful/rightful/shared/record"
	"github.com/rightful/rightful/shared/rights"
)

const bound = "personal"

// Create implements rights.Requests.
func (s *Store) Create(ctx context.Context, n rights.Creation) (rights.Request, error) {
	// A replay must not leave a key behind for an id that is never stored.
	if first, err := s.Replayed(ctx, n.Key, n.Fingerprint); err != nil || first.ID != "" {
		return first, err
	}
	sealed, err := s.seal(ctx, n.Request.ID, n.Personal)
	if err != nil {
		return rights.Request{}, err
	}
	r := n.Request
	r.Version = 1
	var first rights.ID
	err = s.transact(ctx, func(tx *sql.Tx) error {
		var err error
		if first, err = replayed(ctx, tx, n.Key, n.Fingerprint); err != nil || first != "" {
			return err
		}
		body, err := record.PackRequest(r)
		if err != nil {
			return err
		}
		added, err := tx.ExecContext(ctx, `INSERT INTO requests (id, version, "right", status, reason, expected_by, closed_at, retain_until, export_at, subject_key, body, personal)
			VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`,
			r.ID, r.Version, r.Right, r.Status, r.Reason, record.Seconds(r.ExpectedBy), record.Seconds(r.ClosedAt), record.Seconds(r.RetainUntil), exportAt(r), r.SubjectKey, body, sealed)
		if err := one(added, err, conflict("request's id")); err != nil {
			return err
		}
		if n.Key != "" {
			if _, err := tx.ExecContext(ctx, "INSERT INTO idempotency VALUES (?,?,?)", n.Key, r.ID, n.Fingerprint); err != nil {
				return err
			}
		}
		return addAlong(ctx, tx, n.Events, n.Signals)
	})
	if err != nil {
		return rights.Request{}, err
	}
	if first != "" {
		return s.Get(ctx, first)
	}
	return r, nil
}

// Replayed implements rights.Requests.
func (s *Store) Replayed(ctx context.Context, key, fingerprint string) (rights.Request, error) {
	id, err := replayed(ctx, s.read, key, fingerprint)
	if err != nil || id == "" {
		return rights.Request{}, err
	}
	return s.Get(ctx, id)
}

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func replayed(ctx context.Context, q queryer, key, fingerprint string) (rights.ID, error) {
	if key == "" {
		return "", nil
	}
	var id rights.ID
	var stored string
	err := q.QueryRowContext(ctx, "SELECT request, fingerprint FROM idempotency WHERE key = ?", key).Scan(&id, &stored)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", nil
	case err == nil && stored != fingerprint:
		return "", &rights.Error{Code: rights.KeyReused, Detail: "This Idempotency-Key came before with another body. Nothing was stored now. Use a new key for a new request."}
	}
	return id, err
}

// Get implements rights.Requests.
func (s *Store) Get(ctx context.Context, id rights.ID) (rights.Request, error) {
	rows, err := s.read.QueryContext(ctx, selectRequest+" WHERE id = ?", id)
	if err != nil {
		return rights.Request{}, err
	}
	found, err := scanRequests(rows)
	if err != nil {
		return rights.Request{}, err
	}
	if len(found) == 0 {
		return rights.Request{}, notFound("request")
	}
	return found[0], nil
}

// Personal implements rights.Requests.
func (s *Store) Personal(ctx context.Context, id rights.ID) (rights.Personal, error) {
	var sealed []byte
	err := s.read.QueryRowContext(ctx, "SELECT personal FROM requests WHERE id = ?", id).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return rights.Personal{}, notFound("request")
	}
	if err != nil {
		return rights.Personal{}, err
	}
	text, err := s.sealer.Open(ctx, id, sealed, bound)
	if err != nil {
		return rights.Personal{}, err
	}
	return record.UnpackPersonal(text)
}

func (s *Store) seal(ctx context.Context, id rights.ID, p rights.Personal) ([]byte, error) {
	text, err := record.PackPersonal(p)
	if err != nil {
		return nil, err
	}
	return s.sealer.Seal(ctx, id, []byte(text), bound)
}

// Move implements rights.Requests.
func (s *Store) Move(ctx context.Context, r rights.Request, c rights.Change) (rights.Request, error) {
	var sealed []byte
	if c.Personal != nil {
		var err error
		if sealed, err = s.seal(ctx, r.ID, *c.Personal); err != nil {
			return r, err
		}
	}
	if err := s.transact(ctx, func(tx *sql.Tx) error { return move(ctx, tx, r, sealed, c) }); err != nil {
		return r, err
	}
	r.Version++
	return r, nil
}

func move(ctx context.Context, tx *sql.Tx, r rights.Request, sealed []byte, c rights.Change) error {
	body, err := record.PackRequest(r)
	if err != nil {
		return err
	}
	moved, err := tx.ExecContext(ctx, `UPDATE requests SET version = version + 1, status = ?, reason = ?, expected_by = ?, closed_at = ?, retain_until = ?, export_at = ?, body = ?, personal = coalesce(?, personal)
		WHERE id = ? AND version = ?`,
		r.Status, r.Reason, record.Seconds(r.ExpectedBy), record.Seconds(r.ClosedAt), record.Seconds(r.RetainUntil), exportAt(r), body, sealed, r.ID, r.Version)
	if err := one(moved, err, conflict("request")); err != nil {
		return err
	}
	return addAlong(ctx, tx, c.Events, c.Signals)
}

// exportAt is what the export is looked up by, while there is one.
func exportAt(r rights.Request) int64 {
	if r.Export == "" {
		return 0
	}
	return record.Seconds(r.ExportAt)
}

func addAlong(ctx context.Context, tx *sql.Tx, events []rights.Event, signals []rights.Signal) error {
	for _, e := range events {
		body, err := record.PackEvent(e)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO events VALUES (?,?,?)", e.Request, e.Seq, body); err != nil {
			return fmt.Errorf("couldn't add a ledger line: %w", err)
		}
	}
	for _, signal := range signals {
		if err := addSignal(ctx, tx, signal); err != nil {
			return err
		}
	}
	return nil
}

// Ledger implements rights.Requests.
func (s *Store) Ledger(ctx context.Context, id rights.ID) ([]rights.Event, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT seq, body FROM events WHERE request = ? ORDER BY seq", id)
	if err != nil {
		return nil, err
	}
	return scan(rows, func() (rights.Event, error) {
		var seq int64
		var body string
		if err := rows.Scan(&seq, &body); err != nil {
			return rights.Event{}, err
		}
		return record.UnpackEvent(id, seq, body)
	})
}

const selectRequest = `SELECT id, version, "right", status, reason, expected_by, closed_at, retain_until, subject_key, body FROM requests`

func scanRequests(rows *sql.Rows) ([]rights.Request, error) {
	return scan(rows, func() (rights.Request, error) {
		var r rights.Request
		var expected, closed, retain int64
		var body string
		if err := rows.Scan(&r.ID, &r.Version, &r.Right, &r.Status, &r.Reason, &expected, &closed, &retain, &r.SubjectKey, &body); err != nil {
			return r, err
		}
		r.ExpectedBy, r.ClosedAt, r.RetainUntil = record.Instant(expected), record.Instant(closed), record.Instant(retain)
		return record.UnpackRequest(r, body)
	})
}

func scan[T any](rows *sql.Rows, next func() (T, error)) ([]T, error) {
	var all []T
	for rows.Next() {
		item, err := next()
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		all = append(all, item)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// one is the error of a statement that has to change one row: lost where it
// changed none.
func one(result sql.Result, err, lost error) error {
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(lost, err)
	}
	return nil
}

// List implements rights.Requests.
func (s *Store) List(ctx context.Context, f rights.Filter) ([]rights.Request, string, error) {
	where, args := []string{"true"}, []any{}
	add := func(condition string, values ...any) { where, args = append(where, condition), append(args, values...) }
	if f.Status != "" {
		add("status = ?", f.Status)
	}
	if f.Reason != "" {
		add("reason = ?", f.Reason)
	}
	if f.Right != "" {
		add(`"right" = ?`, f.Right)
	}
	if f.SubjectKey != "" {
		add("subject_key = ?", f.SubjectKey)
	}
	if !f.DueBefore.IsZero() {
		add("expected_by < ? AND closed_at = 0", record.Seconds(f.DueBefore))
	}
	if !f.EraseAfter.IsZero() {
		add("retain_until > 0 AND retain_until <= ?", record.Seconds(f.EraseAfter))
	}
	if !f.ExportBefore.IsZero() {
		add("export_at > 0 AND export_at <= ?", record.Seconds(f.ExportBefore))
	}
	if f.Cursor != "" {
		expected, id, err := openCursor(f.Cursor)
		if err != nil {
			return nil, "", err
		}
		add("(expected_by, id) > (?, ?)", expected, id)
	}
	limit := min(f.Limit, 500)
	if limit <= 0 {
		limit = 50
	}
	rows, err := s.read.QueryContext(ctx, selectRequest+" WHERE "+strings.Join(where, " AND ")+" ORDER BY expected_by, id LIMIT ?", append(args, limit+1)...)
	if err != nil {
		return nil, "", err
	}
	found, err := scanRequests(rows)
	if err != nil || len(found) <= limit {
		return found, "", err
	}
	last := found[limit-1]
	cursor := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d|%s", record.Seconds(last.ExpectedBy), last.ID))
	return found[:limit], cursor, nil
}

func openCursor(cursor string) (int64, string, error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	expected, id, found := strings.Cut(string(text), "|")
	seconds, err2 := strconv.ParseInt(expected, 10, 64)
	if err != nil || err2 != nil || !found {
		return 0, "", &rights.Error{Code: rights.Invalid, Detail: "The cursor is not one of this list. Start again without it.", Fields: []rights.Field{{Name: "cursor", Detail: "Use the cursor of the page before, unchanged."}}}
	}
	return seconds, id, nil
}

// Erase implements rights.Requests.
func (s *Store) Erase(ctx context.Context, id rights.ID) error {
	// The key goes first: after a crash here the rest can't be read by anybody.
	if err := s.sealer.Destroy(ctx, id); err != nil {
		return err
	}
	return s.transact(ctx, func(tx *sql.Tx) error {
		for _, statement := range []string{
			"DELETE FROM wave_open WHERE wave IN (SELECT key FROM waves WHERE request = ?)",
			"DELETE FROM waves WHERE request = ?", "DELETE FROM tasks WHERE request = ?",
			"DELETE FROM signals WHERE request = ?", "DELETE FROM events WHERE request = ?",
			"DELETE FROM idempotency WHERE request = ?", "DELETE FROM requests WHERE id = ?",
		} {
			if _, err := tx.ExecContext(ctx, statement, id); err != nil {
				return err
			}
		}
		return nil
	})
}
