package connector

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// sqlSystem is a database. Rows are found through chains of parents that begin at
// the identity; names come from the definition and are checked, values are bound.
type sqlSystem struct {
	base
	db       *sql.DB
	byName   map[string]*collection
	numbered bool // placeholders are $1, $2
}

func newSQL(b base, s Settings) (System, error) {
	d := b.d
	dsn, err := fill(d.DSN, s.Variables)
	if err != nil || dsn == "" {
		return nil, fmt.Errorf("dsn: give the data source: %w", errors.Join(err))
	}
	y := &sqlSystem{base: b, byName: map[string]*collection{}, numbered: d.Driver == "pgx" || d.Driver == "postgres"}
	if d.Receipts != "" && !sqlName().MatchString(d.Receipts) {
		return nil, fmt.Errorf("receipts: %q is no name of a table", d.Receipts)
	}
	for i := range d.Collections {
		c := &d.Collections[i]
		if err := y.check(c); err != nil {
			return nil, fmt.Errorf("collections: %s: %w", c.Name, err)
		}
		y.byName[c.Name] = c
	}
	for _, c := range slices.Concat(d.Unsubscribe, d.Resubscribe) {
		if err := checkStop(c); err != nil {
			return nil, fmt.Errorf("unsubscribe: %w", err)
		}
	}
	if s.OpenSQL == nil {
		return nil, errors.New("driver: no SQL driver is built in")
	}
	if y.db, err = s.OpenSQL(d.Driver, dsn); err != nil {
		return nil, fmt.Errorf("driver: %w", err)
	}
	return y, nil
}

func (y *sqlSystem) check(c *collection) error {
	names := append([]string{c.Table, c.Column}, c.Columns...)
	names = append(names, slices.Collect(maps.Keys(c.Mask))...)
	if c.Parent != "" {
		names = append(names, c.ParentColumn)
	}
	if c.KeepFrom != "" {
		names = append(names, c.KeepFrom)
	}
	for _, name := range names {
		if !sqlName().MatchString(name) {
			return fmt.Errorf("%q is no name of a table or column: use letters, digits and underscores", name)
		}
	}
	_, err := keepUntil(time.Time{}, c.KeepFor)
	switch {
	case c.Name == "" || y.byName[c.Name] != nil:
		return errors.New("name: give every collection its own")
	case c.Parent != "" && y.byName[c.Parent] == nil:
		return fmt.Errorf("parent: %q has to be a collection above this one", c.Parent)
	case !slices.Contains([]string{"delete", "mask", "keep"}, c.OnErase):
		return fmt.Errorf("on_erase: %q must be delete, mask or keep", c.OnErase)
	case c.OnErase == "mask" && len(c.Mask) == 0:
		return errors.New("mask: say what is written over which column")
	case c.OnErase == "keep" && c.Why == "":
		return errors.New("why: a record that is kept needs a reason that the person can read, with its law")
	case c.Path != "" || c.Items != "":
		return errors.New("path and items belong to an http system")
	}
	return err
}

// Does implements System.
func (y *sqlSystem) Does(a rights.Action) bool {
	switch a {
	case rights.Locate, rights.Export, rights.Erase:
		return len(y.d.Collections) > 0
	case rights.Suppress:
		return len(y.d.Unsubscribe) > 0
	}
	return false
}

// query collects the bound values of one statement.
type query struct {
	args     []any
	numbered bool
}

func (q *query) bind(value any) string {
	q.args = append(q.args, value)
	if q.numbered {
		return "$" + strconv.Itoa(len(q.args))
	}
	return "?"
}

func quoted(name string) string { return `"` + name + `"` }

// where is the condition that a collection's rows are the person's.
func (y *sqlSystem) where(q *query, c *collection, value string) string {
	if c.Parent == "" {
		if y.d.Identity == "email" {
			return "lower(" + quoted(c.Column) + ") = lower(" + q.bind(value) + ")"
		}
		return quoted(c.Column) + " = " + q.bind(value)
	}
	parent := y.byName[c.Parent]
	return quoted(c.Column) + " IN (SELECT " + quoted(c.ParentColumn) + " FROM " + quoted(parent.Table) + " WHERE " + y.where(q, parent, value) + ")"
}

type executor interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func (y *sqlSystem) count(ctx context.Context, db executor, value string) ([]rights.Found, error) {
	var found []rights.Found
	for i := range y.d.Collections {
		c := y.byName[y.d.Collections[i].Name]
		q := &query{numbered: y.numbered}
		text := "SELECT count(*) FROM " + quoted(c.Table) + " WHERE " + y.where(q, c, value)
		var n int
		if err := db.QueryRowContext(ctx, text, q.args...).Scan(&n); err != nil {
			return nil, fault(ctx, "count "+c.Name, err)
		}
		if c.Parent == "" && n > y.d.MaxMatches {
			return nil, &Error{Problem: fmt.Sprintf("%d people match in %s, more than max_matches allows: look whether it is a shared address", n, c.Name), Final: true}
		}
		found = append(found, rights.Found{Collection: c.Name, Count: n})
	}
	return found, nil
}

// fault hides the driver's words, which may hold a value.
func fault(ctx context.Context, doing string, err error) error {
	if ours, ok := errors.AsType[*Error](err); ok {
		return ours
	}
	if ctx.Err() != nil {
		return &Error{Problem: "gave no answer in time (" + doing + ")"}
	}
	return &Error{Problem: "the database refused to " + doing}
}

// Locate implements System.
func (y *sqlSystem) Locate(ctx context.Context, j Job) (Answer, error) {
	value, err := identity(j.Subject, y.d.Identity)
	if err != nil {
		return Answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, y.timeout)
	defer cancel()
	found, err := y.count(ctx, y.db, value)
	return Answer{Outcome: outcome(found, nil), Found: found}, err
}

// Export implements System. It reads inside one transaction, so that the records
// belong together.
func (y *sqlSystem) Export(ctx context.Context, j Job, sink Sink) (Answer, error) {
	value, err := identity(j.Subject, y.d.Identity)
	if err != nil {
		return Answer{}, err
	}
	tx, err := y.db.BeginTx(ctx, nil)
	if err != nil {
		return Answer{}, fault(ctx, "begin", err)
	}
	defer tx.Rollback()
	found, err := y.count(ctx, tx, value)
	if err != nil {
		return Answer{}, err
	}
	for i := range y.d.Collections {
		if found[i].Count > 0 {
			if err := y.read(ctx, tx, y.byName[found[i].Collection], value, sink); err != nil {
				return Answer{}, fault(ctx, "export "+found[i].Collection, err)
			}
		}
	}
	return Answer{Outcome: outcome(found, nil), Found: found}, nil
}

func (y *sqlSystem) read(ctx context.Context, tx executor, c *collection, value string, sink Sink) error {
	columns := "*"
	if len(c.Columns) > 0 {
		names := make([]string, len(c.Columns))
		for i, name := range c.Columns {
			names[i] = quoted(name)
		}
		columns = strings.Join(names, ", ")
	}
	q := &query{numbered: y.numbered}
	rows, err := tx.QueryContext(ctx, "SELECT "+columns+" FROM "+quoted(c.Table)+" WHERE "+y.where(q, c, value), q.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	cells, into := make([]any, len(names)), make([]any, len(names))
	for i := range cells {
		into[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		record := make(Record, len(names))
		for i, name := range names {
			record[i] = Value{name, cells[i]}
			if text, ok := cells[i].([]byte); ok {
				record[i].Value = string(text)
			}
		}
		if err := sink(c.Name, record); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Erase implements System. Everything happens in one transaction: with receipts,
// a repeat finds the first answer there; without, it finds nothing left to erase.
func (y *sqlSystem) Erase(ctx context.Context, j Job) (Answer, error) {
	value, err := identity(j.Subject, y.d.Identity)
	if err != nil {
		return Answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, y.timeout)
	defer cancel()
	tx, err := y.db.BeginTx(ctx, nil)
	if err != nil {
		return Answer{}, fault(ctx, "begin", err)
	}
	defer tx.Rollback()
	if before, found, err := y.receipt(ctx, tx, j.Task); err != nil || found {
		return before, err
	}
	found, err := y.count(ctx, tx, value)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Found: found}
	// Children go before their parents: by a masked parent nobody finds a child.
	for i := len(found) - 1; i >= 0; i-- {
		c := y.byName[found[i].Collection]
		if found[i].Count == 0 {
			continue
		}
		if c.OnErase == "keep" {
			keep, err := y.keep(ctx, tx, c, found[i].Count, value)
			if err != nil {
				return Answer{}, err
			}
			a.Keeps = append(a.Keeps, keep)
		}
		if err := y.remove(ctx, tx, c, value); err != nil {
			return Answer{}, fault(ctx, "erase "+c.Name, err)
		}
	}
	slices.Reverse(a.Keeps)
	a.Outcome = outcome(found, a.Keeps)
	if err := y.writeReceipt(ctx, tx, j.Task, a); err != nil {
		return Answer{}, fault(ctx, "write the receipt", err)
	}
	if err := tx.Commit(); err != nil {
		return Answer{}, fault(ctx, "commit", err)
	}
	return a, nil
}

func (y *sqlSystem) remove(ctx context.Context, tx executor, c *collection, value string) error {
	q := &query{numbered: y.numbered}
	var text string
	switch {
	case c.OnErase == "delete":
		text = "DELETE FROM " + quoted(c.Table)
	case len(c.Mask) == 0:
		return nil
	default:
		var set []string
		for _, column := range slices.Sorted(maps.Keys(c.Mask)) {
			set = append(set, quoted(column)+" = "+q.bind(c.Mask[column]))
		}
		text = "UPDATE " + quoted(c.Table) + " SET " + strings.Join(set, ", ")
	}
	_, err := tx.ExecContext(ctx, text+" WHERE "+y.where(q, c, value), q.args...)
	return err
}

func (y *sqlSystem) keep(ctx context.Context, tx executor, c *collection, count int, value string) (rights.Keep, error) {
	k := rights.Keep{What: strings.ReplaceAll(c.Name, "_", " "), Count: count, Why: c.Why}
	if c.KeepFrom == "" {
		return k, nil
	}
	q := &query{numbered: y.numbered}
	var newest any
	text := "SELECT max(" + quoted(c.KeepFrom) + ") FROM " + quoted(c.Table) + " WHERE " + y.where(q, c, value)
	if err := tx.QueryRowContext(ctx, text, q.args...).Scan(&newest); err != nil {
		return k, fault(ctx, "date "+c.Name, err)
	}
	at, ok := asDate(newest)
	if !ok {
		return k, &Error{Problem: "the column keep_from of " + c.Name + " holds no date", Final: true}
	}
	var err error
	k.Until, err = keepUntil(at, c.KeepFor)
	return k, err
}

func asDate(v any) (time.Time, bool) {
	switch v := v.(type) {
	case time.Time:
		return v.UTC(), true
	case []byte:
		return asDate(string(v))
	case string:
		for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
			if at, err := time.Parse(layout, v); err == nil {
				return at.UTC(), true
			}
		}
	}
	return time.Time{}, false
}

// receipt looks up the answer that this task had before.
func (y *sqlSystem) receipt(ctx context.Context, tx executor, id rights.TaskID) (Answer, bool, error) {
	if y.d.Receipts == "" {
		return Answer{}, false, nil
	}
	if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+quoted(y.d.Receipts)+" (task VARCHAR(200) PRIMARY KEY, answer TEXT NOT NULL)"); err != nil {
		return Answer{}, false, fault(ctx, "make the table of receipts", err)
	}
	q := &query{numbered: y.numbered}
	var text string
	err := tx.QueryRowContext(ctx, "SELECT answer FROM "+quoted(y.d.Receipts)+" WHERE task = "+q.bind(string(id)), q.args...).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return Answer{}, false, nil
	}
	if err != nil {
		return Answer{}, false, fault(ctx, "read the receipt", err)
	}
	var a Answer
	return a, true, json.Unmarshal([]byte(text), &a)
}

func (y *sqlSystem) writeReceipt(ctx context.Context, tx executor, id rights.TaskID, a Answer) error {
	if y.d.Receipts == "" {
		return nil
	}
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	q := &query{numbered: y.numbered}
	_, err = tx.ExecContext(ctx, "INSERT INTO "+quoted(y.d.Receipts)+" VALUES ("+q.bind(string(id))+", "+q.bind(string(text))+")", q.args...)
	return err
}

// Callback implements System: a database never calls back.
func (y *sqlSystem) Callback(http.Header, []byte, time.Time, Sink) (Answer, error) {
	return Answer{}, notSigned()
}
