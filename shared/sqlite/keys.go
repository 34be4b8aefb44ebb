package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/rights"
)

// Keys is envelope.Keys on a SQLite file of its own.
type Keys struct{ db *sql.DB }

var _ envelope.Keys = (*Keys)(nil)

// OpenKeys opens the table of wrapped keys at path and creates it where absent.
func OpenKeys(ctx context.Context, path string) (*Keys, error) {
	db, err := open(ctx, path, "CREATE TABLE keys (request TEXT PRIMARY KEY, wrapped BLOB NOT NULL) WITHOUT ROWID")
	if err != nil {
		return nil, err
	}
	return &Keys{db: db}, nil
}

// Close closes the file.
func (k *Keys) Close() error { return k.db.Close() }

// Put stores a wrapped key unless the request has one, and returns the stored.
func (k *Keys) Put(ctx context.Context, id rights.ID, wrapped []byte) ([]byte, error) {
	if _, err := k.db.ExecContext(ctx, "INSERT INTO keys VALUES (?, ?) ON CONFLICT DO NOTHING", id, wrapped); err != nil {
		return nil, fmt.Errorf("couldn't store a key: %w", err)
	}
	return k.Get(ctx, id)
}

// Get returns the wrapped key, or NotFound.
func (k *Keys) Get(ctx context.Context, id rights.ID) ([]byte, error) {
	var wrapped []byte
	err := k.db.QueryRowContext(ctx, "SELECT wrapped FROM keys WHERE request = ?", id).Scan(&wrapped)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, notFound("key: the request was erased")
	}
	return wrapped, err
}

// Destroy forgets the key.
func (k *Keys) Destroy(ctx context.Context, id rights.ID) error {
	if _, err := k.db.ExecContext(ctx, "DELETE FROM keys WHERE request = ?", id); err != nil {
		return fmt.Errorf("couldn't destroy a key: %w", err)
	}
	// The log still holds the page as it was: fold it into the file, where
	// secure_delete overwrites it.
	_, err := k.db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}
