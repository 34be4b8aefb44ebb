package sqlite

import (
	"context"
	"fmt"

	"github.com/rightful/rightful/shared/record"
	"github.com/rightful/rightful/shared/rights"
)

// Prefer implements rights.Preferences.
func (s *Store) Prefer(ctx context.Context, p rights.Preference) error {
	_, err := s.write.ExecContext(ctx, `INSERT INTO preferences VALUES (?,?,?,?,?) ON CONFLICT (person, topic)
		DO UPDATE SET opted_out = excluded.opted_out, at = excluded.at, source = excluded.source WHERE excluded.at >= at AND excluded.opted_out <> opted_out`,
		p.Person, p.Topic, p.OptedOut, record.Seconds(p.At), p.Source)
	if err != nil {
		return fmt.Errorf("couldn't store a choice: %w", err)
	}
	return nil
}

// PreferencesOf implements rights.Preferences.
func (s *Store) PreferencesOf(ctx context.Context, person string) ([]rights.Preference, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT topic, opted_out, at, source FROM preferences WHERE person = ? ORDER BY topic", person)
	if err != nil {
		return nil, err
	}
	return scan(rows, func() (rights.Preference, error) {
		p := rights.Preference{Person: person}
		var at int64
		err := rows.Scan(&p.Topic, &p.OptedOut, &at, &p.Source)
		p.At = record.Instant(at)
		return p, err
	})
}
