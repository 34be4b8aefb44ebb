package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/rightful/rightful/shared/record"
	"github.com/rightful/rightful/shared/rights"
)

// chosen is a choice on its way into the file.
type chosen struct {
	rights.Preference
	news *rights.News
}

// Prefer implements rights.Preferences.
func (s *Store) Prefer(ctx context.Context, p rights.Preference, news *rights.News) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	return s.choices.join(chosen{p, news})
}

// preferAll stores what a group brings in one transaction. Nobody's leaving ends it:
// it holds the others' choices, too.
func (s *Store) preferAll(all []*joined) {
	ctx := context.Background()
	err := s.transact(ctx, func(tx *sql.Tx) error {
		for _, j := range all {
			if err := s.prefer(ctx, tx, j); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		return
	}
	for _, j := range all {
		j.changed, j.err = false, fmt.Errorf("couldn't store a choice: %w", err)
	}
}

// insert is Prefer's statement. It is compiled once: that takes longer than to run it.
const insert = `INSERT INTO preferences (person, topic, opted_out, at, latest, source, basis, news, address) VALUES (?1,?2,?3,?4,?4,?5,?6,?7,?8)
	ON CONFLICT (person, topic) DO UPDATE SET opted_out = excluded.opted_out, at = excluded.at, latest = excluded.at,
	source = excluded.source, basis = excluded.basis, news = excluded.news, address = excluded.address
	WHERE excluded.at >= latest AND (excluded.opted_out <> opted_out OR ?9 AND excluded.at >= at + ?10)`

func (s *Store) prefer(ctx context.Context, tx *sql.Tx, j *joined) error {
	p, address := j.do.Preference, []byte(nil)
	if j.do.news != nil {
		address = j.do.news.Address
	}
	if p.Source == rights.ByImport && !p.OptedOut {
		var refused bool
		err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM preferences WHERE person = ? AND topic IN (?, ?) AND opted_out)", p.Person, p.Topic, rights.EveryTopic).Scan(&refused)
		if err != nil || refused {
			return err
		}
	}
	done, err := tx.StmtContext(ctx, s.insert).ExecContext(ctx,
		p.Person, p.Topic, p.OptedOut, record.Seconds(p.At), p.Source, p.Basis, j.do.news != nil, address,
		p.Repeats(), int64(rights.RepeatAfter.Seconds()))
	if err != nil {
		return err
	}
	n, err := done.RowsAffected()
	if j.changed = n > 0; err != nil || j.changed {
		return err
	}
	// The same again: it keeps its first time, and what comes late from before it is
	// still before it.
	_, err = tx.ExecContext(ctx, "UPDATE preferences SET latest = max(latest, ?) WHERE person = ? AND topic = ? AND opted_out = ?", record.Seconds(p.At), p.Person, p.Topic, p.OptedOut)
	return err
}

const preference = "SELECT person, topic, opted_out, at, source, basis, news > 0 FROM preferences WHERE "

func (s *Store) preferences(ctx context.Context, where string, args ...any) ([]rights.Preference, error) {
	rows, err := s.read.QueryContext(ctx, preference+where, args...)
	if err != nil {
		return nil, err
	}
	return scan(rows, func() (rights.Preference, error) {
		var p rights.Preference
		var at int64
		err := rows.Scan(&p.Person, &p.Topic, &p.OptedOut, &at, &p.Source, &p.Basis, &p.Untold)
		p.At = record.Instant(at)
		return p, err
	})
}

// PreferencesOf implements rights.Preferences.
func (s *Store) PreferencesOf(ctx context.Context, person string) ([]rights.Preference, error) {
	return s.preferences(ctx, "person = ? ORDER BY topic", person)
}

// PendingNews implements rights.Preferences.
func (s *Store) PendingNews(ctx context.Context, limit int) ([]rights.News, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT person, max(address), min(news) = 2 FROM preferences WHERE news > 0 GROUP BY person ORDER BY min(at) LIMIT ?", limit)
	if err != nil {
		return nil, err
	}
	all, err := scan(rows, func() (rights.News, error) {
		var n rights.News
		return n, rows.Scan(&n.Person, &n.Address, &n.Shared)
	})
	for i := range all {
		if err == nil {
			all[i].Choices, err = s.preferences(ctx, "person = ? AND news > 0 ORDER BY topic", all[i].Person)
		}
	}
	return all, err
}

// ShareNews implements rights.Preferences.
func (s *Store) ShareNews(ctx context.Context, n rights.News) error {
	return s.told(ctx, n, "news = 2")
}

// ClearNews implements rights.Preferences.
func (s *Store) ClearNews(ctx context.Context, n rights.News) error {
	return s.told(ctx, n, "news = 0, address = NULL")
}

// told sets what is told of choices that are as they were.
func (s *Store) told(ctx context.Context, n rights.News, set string) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		for _, p := range n.Choices {
			if _, err := tx.ExecContext(ctx, "UPDATE preferences SET "+set+" WHERE person = ? AND topic = ? AND at = ? AND opted_out = ?", n.Person, p.Topic, record.Seconds(p.At), p.OptedOut); err != nil {
				return err
			}
		}
		return nil
	})
}

// OptedOut implements rights.Preferences.
func (s *Store) OptedOut(ctx context.Context, cursor string, limit int) ([]rights.Preference, string, error) {
	person, topic, _ := strings.Cut(cursor, " ")
	all, err := s.preferences(ctx, "opted_out AND (person, topic) > (?, ?) ORDER BY person, topic LIMIT ?", person, topic, limit)
	if err != nil || len(all) < limit {
		return all, "", err
	}
	last := all[len(all)-1]
	return all, last.Person + " " + last.Topic, nil
}

// Reopen implements rights.Preferences.
func (s *Store) Reopen(ctx context.Context, t rights.Task) error {
	body, err := record.PackTask(t)
	if err != nil {
		return err
	}
	_, err = s.write.ExecContext(ctx, `INSERT INTO tasks VALUES (?,?,1,'',?,?,?) ON CONFLICT (id) DO UPDATE SET
		version = version + 1, due = excluded.due, ended = excluded.ended, body = excluded.body`, t.ID, t.Request, record.Seconds(t.Due), record.Seconds(t.Ended), body)
	if err != nil {
		return fmt.Errorf("couldn't open a system's share: %w", err)
	}
	return nil
}
