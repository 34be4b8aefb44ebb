package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/rightful/rightful/shared/record"
	"github.com/rightful/rightful/shared/rights"
)

func addSignal(ctx context.Context, tx *sql.Tx, s rights.Signal) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO signals VALUES (?,?,?,?,?,?) ON CONFLICT DO NOTHING", s.Key, s.Request, s.Token, s.Answer, s.Failure, record.Seconds(s.At))
	return err
}

// PendingSignals implements rights.Signals.
func (s *Store) PendingSignals(ctx context.Context, limit int) ([]rights.Signal, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT key, request, token, answer, failure, at FROM signals ORDER BY at, key LIMIT ?", limit)
	if err != nil {
		return nil, err
	}
	return scan(rows, func() (rights.Signal, error) {
		var signal rights.Signal
		var at int64
		err := rows.Scan(&signal.Key, &signal.Request, &signal.Token, &signal.Answer, &signal.Failure, &at)
		signal.At = record.Instant(at)
		return signal, err
	})
}

// ClearSignal implements rights.Signals.
func (s *Store) ClearSignal(ctx context.Context, key string) error {
	_, err := s.write.ExecContext(ctx, "DELETE FROM signals WHERE key = ?", key)
	return err
}

// Count implements rights.Limits.
func (s *Store) Count(ctx context.Context, key string, most int, window time.Duration, now time.Time) (time.Duration, error) {
	var wait time.Duration
	err := s.transact(ctx, func(tx *sql.Tx) error {
		var until int64
		var count int
		err := tx.QueryRowContext(ctx, "SELECT until, count FROM limits WHERE key = ?", key).Scan(&until, &count)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if until <= now.Unix() {
			until, count = now.Add(window).Unix(), 0
		}
		if count >= most {
			wait = max(record.Instant(until).Sub(now), time.Second)
			return nil
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM limits WHERE until <= ?", now.Unix()); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO limits VALUES (?,?,?) ON CONFLICT (key) DO UPDATE SET until = excluded.until, count = excluded.count", key, until, count+1)
		return err
	})
	return wait, err
}
