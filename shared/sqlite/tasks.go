package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/rightful/rightful/shared/record"
	"github.com/rightful/rightful/shared/rights"
)

// OpenWave implements rights.Tasks.
func (s *Store) OpenWave(ctx context.Context, w rights.Wave, tasks []rights.Task) ([]rights.Signal, error) {
	var signals []rights.Signal
	err := s.transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO waves VALUES (?,?,?,?) ON CONFLICT (key) DO UPDATE SET token = excluded.token, next = excluded.next", w.Key, w.Request, w.Token, w.Then); err != nil {
			return err
		}
		for _, t := range tasks {
			body, err := record.PackTask(t)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO tasks VALUES (?,?,1,?,?,?,?) ON CONFLICT DO NOTHING", t.ID, t.Request, w.Key, record.Seconds(t.Due), record.Seconds(t.Ended), body); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO wave_open SELECT ?, id FROM tasks WHERE id = ? AND ended = 0 ON CONFLICT DO NOTHING", w.Key, t.ID); err != nil {
				return err
			}
		}
		var err error
		signals, err = signalIfEmpty(ctx, tx, w.Key, w.At)
		return err
	})
	return signals, err
}

// signalIfEmpty leaves the wave's signal where its set is empty.
func signalIfEmpty(ctx context.Context, tx *sql.Tx, key string, at time.Time) ([]rights.Signal, error) {
	w := rights.Wave{Key: key}
	var open int
	err := tx.QueryRowContext(ctx, "SELECT request, token, next, (SELECT count(*) FROM wave_open WHERE wave = key) FROM waves WHERE key = ?", key).Scan(&w.Request, &w.Token, &w.Then, &open)
	if err != nil || open > 0 {
		return nil, err
	}
	signal := w.Signal(at)
	return []rights.Signal{signal}, addSignal(ctx, tx, signal)
}

// Task implements rights.Tasks.
func (s *Store) Task(ctx context.Context, id rights.TaskID) (rights.Task, error) {
	found, err := s.tasks(ctx, "id = ?", id)
	if err == nil && len(found) == 0 {
		return rights.Task{}, notFound("task")
	}
	if err != nil {
		return rights.Task{}, err
	}
	return found[0], nil
}

// TasksOf implements rights.Tasks.
func (s *Store) TasksOf(ctx context.Context, id rights.ID) ([]rights.Task, error) {
	return s.tasks(ctx, "request = ?", id)
}

func (s *Store) tasks(ctx context.Context, where string, arg any) ([]rights.Task, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT id, request, version, due, ended, body FROM tasks WHERE "+where+" ORDER BY id", arg)
	if err != nil {
		return nil, err
	}
	return scan(rows, func() (rights.Task, error) {
		var t rights.Task
		var due, ended int64
		var body string
		if err := rows.Scan(&t.ID, &t.Request, &t.Version, &due, &ended, &body); err != nil {
			return t, err
		}
		t.Due, t.Ended = record.Instant(due), record.Instant(ended)
		return record.UnpackTask(t, body)
	})
}

// MoveTask implements rights.Tasks.
func (s *Store) MoveTask(ctx context.Context, t rights.Task, d *rights.Decision) (rights.Task, []rights.Signal, error) {
	var signals []rights.Signal
	err := s.transact(ctx, func(tx *sql.Tx) error {
		if d != nil {
			if err := move(ctx, tx, d.Request, nil, rights.Change{Events: d.Events}); err != nil {
				return err
			}
		}
		body, err := record.PackTask(t)
		if err != nil {
			return err
		}
		moved, err := tx.ExecContext(ctx, "UPDATE tasks SET version = version + 1, due = ?, ended = ?, body = ? WHERE id = ? AND version = ? AND ended = 0",
			record.Seconds(t.Due), record.Seconds(t.Ended), body, t.ID, t.Version)
		if err := one(moved, err, conflict("system's share")); err != nil || t.Open() {
			return err
		}
		signals, err = leaveWave(ctx, tx, t)
		return err
	})
	if err != nil {
		return t, nil, err
	}
	t.Version++
	return t, signals, nil
}

func leaveWave(ctx context.Context, tx *sql.Tx, t rights.Task) ([]rights.Signal, error) {
	var wave string
	if err := tx.QueryRowContext(ctx, "SELECT wave FROM tasks WHERE id = ?", t.ID).Scan(&wave); err != nil {
		return nil, err
	}
	if wave == "" {
		return nil, nil
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM wave_open WHERE wave = ? AND task = ?", wave, t.ID); err != nil {
		return nil, err
	}
	return signalIfEmpty(ctx, tx, wave, t.Ended)
}

// CheckWaves implements rights.Tasks. Here a task ends and leaves its wave in one
// transaction: there is nothing to finish.
func (s *Store) CheckWaves(context.Context, time.Time) ([]rights.Signal, error) { return nil, nil }

// DueTasks implements rights.Tasks.
func (s *Store) DueTasks(ctx context.Context, until time.Time, limit int) ([]rights.TaskID, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT id FROM tasks WHERE due > 0 AND due <= ? ORDER BY due, id LIMIT ?", record.Seconds(until), limit)
	if err != nil {
		return nil, err
	}
	return scan(rows, func() (rights.TaskID, error) {
		var id rights.TaskID
		return id, rows.Scan(&id)
	})
}
