package demo

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// tablesOf lists what each system holds, with the column that leads to a person.
var tablesOf = map[string][]table{
	"crm":     {{"contacts", "email = ?"}, {"notes", "email = ?"}, {"tickets", "email = ?"}},
	"billing": {{"customers", "email = ?"}, {"invoices", "customer_id IN (SELECT id FROM customers WHERE email = ?)"}, {"invoice_lines", "invoice_id IN (SELECT id FROM invoices WHERE customer_id IN (SELECT id FROM customers WHERE email = ?))"}},
	"mailing": {{"subscriptions", "email = ?"}, {"opens", "email = ?"}},
}

type table struct{ name, person string }

var schemas = map[string]string{
	"crm": `CREATE TABLE contacts (id INTEGER PRIMARY KEY, email TEXT, name TEXT, phone TEXT, city TEXT);
		CREATE TABLE notes (id INTEGER PRIMARY KEY, email TEXT, written_on TEXT, text TEXT);
		CREATE TABLE tickets (id INTEGER PRIMARY KEY, email TEXT, opened_on TEXT, subject TEXT, status TEXT);`,
	"billing": `CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, name TEXT NOT NULL, street TEXT, city TEXT);
		CREATE TABLE invoices (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, issued_on TEXT NOT NULL, billed_to TEXT NOT NULL, total_cents INTEGER NOT NULL);
		CREATE TABLE invoice_lines (id INTEGER PRIMARY KEY, invoice_id INTEGER NOT NULL, issued_on TEXT NOT NULL, item TEXT NOT NULL, cents INTEGER NOT NULL);
		CREATE INDEX invoices_customer ON invoices (customer_id); CREATE INDEX lines_invoice ON invoice_lines (invoice_id);
		CREATE TABLE rightful_receipts (task VARCHAR(200) PRIMARY KEY, answer TEXT NOT NULL);`,
	"mailing": `CREATE TABLE subscriptions (id INTEGER PRIMARY KEY, email TEXT, list TEXT, since TEXT);
		CREATE TABLE opens (id INTEGER PRIMARY KEY, email TEXT, campaign TEXT, opened_at TEXT);
		CREATE TABLE jobs (task TEXT PRIMARY KEY, kind TEXT NOT NULL, email TEXT NOT NULL, callback TEXT NOT NULL, mode TEXT NOT NULL, due INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, body TEXT);`,
}

const everywhere = `CREATE TABLE effects (task TEXT NOT NULL, effect TEXT NOT NULL, at TEXT NOT NULL);
	CREATE TABLE answers (key TEXT PRIMARY KEY, body TEXT NOT NULL);`

func dsn(path string) string {
	return "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path) + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"
}

// openTables opens a system's file and fills it when it is new.
func openTables(ctx context.Context, path, system string, people int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil || version > 0 {
		return db, err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, schemas[system]+everywhere); err != nil {
		return nil, err
	}
	for i := range people {
		if err := seed[system](tx, newPerson(i)); err != nil {
			return nil, err
		}
	}
	if _, err := tx.ExecContext(ctx, "PRAGMA user_version = 1"); err != nil {
		return nil, err
	}
	return db, tx.Commit()
}

// person is somebody who doesn't exist, the same at every start.
type person struct {
	n           int
	email, name string
	city        string
	dice        *rand.Rand
}

// given and family are made up; some are awkward on purpose: quotes, commas, other
// scripts, what a spreadsheet takes for a formula.
var (
	given  = []string{"Ada", "Björn", "Chloé", "Dmitri", "Élodie", "Fatima", "Gülşen", "Hanna", "Iñaki", "Jürgen", "Katarzyna", "Łukasz", "María José", "Nguyễn", "Ólafur", "Παύλος", "Søren", "Юлия", "美咲", "Zoë"}
	family = []string{"Example", "O'Sample", "Muster-Mann", `"Quote"`, "Comma, Jr.", "=HYPERLINK(\"https://example.org\",\"x\")", "Ünal", "Å", "+49 Plus", "محمد", "-Dash", "<b>Bold</b>"}
	cities = []string{"Bergen", "Coimbra", "Deventer", "Éragny", "Győr", "Köln", "Łódź", "Malmö", "Plzeň", "Tromsø"}
)

func newPerson(i int) person {
	p := person{n: i, dice: rand.New(rand.NewPCG(2026, uint64(i))), name: given[i%len(given)] + " " + family[(i/3)%len(family)], city: cities[i%len(cities)]}
	p.email = fmt.Sprintf("person%02d@example.org", i)
	if i == 0 {
		p.email, p.name = "ada@example.com", "Ada Example"
	}
	return p
}

func (p person) day() string {
	return time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, p.dice.IntN(1200)).Format(time.DateOnly)
}

func (p person) pick(from ...string) string { return from[p.dice.IntN(len(from))] }

var seed = map[string]func(*sql.Tx, person) error{"crm": seedCRM, "billing": seedBilling, "mailing": seedMailing}

func seedCRM(tx *sql.Tx, p person) error {
	_, err := tx.Exec("INSERT INTO contacts (email, name, phone, city) VALUES (?,?,?,?)", p.email, p.name, fmt.Sprintf("+49 30 555%04d", p.n), p.city)
	for range 1 + p.dice.IntN(3) {
		if err == nil {
			_, err = tx.Exec("INSERT INTO notes (email, written_on, text) VALUES (?,?,?)", p.email, p.day(), p.pick("Asked for a call back.", "Prefers mail, not phone.", "=SUM(1+1) was in the subject", "Moved house; new address follows."))
		}
	}
	for range p.dice.IntN(3) {
		if err == nil {
			_, err = tx.Exec("INSERT INTO tickets (email, opened_on, subject, status) VALUES (?,?,?,?)", p.email, p.day(), p.pick("Parcel is late", "Can't log in", "Wrong size"), p.pick("open", "closed"))
		}
	}
	return err
}

func seedBilling(tx *sql.Tx, p person) error {
	if _, err := tx.Exec("INSERT INTO customers VALUES (?,?,?,?,?)", p.n+1, p.email, p.name, fmt.Sprintf("%d Sample Street", p.n+1), p.city); err != nil {
		return err
	}
	for range 1 + p.dice.IntN(3) {
		day, total := p.day(), 0
		made, err := tx.Exec("INSERT INTO invoices (customer_id, issued_on, billed_to, total_cents) VALUES (?,?,?,0)", p.n+1, day, p.name)
		if err != nil {
			return err
		}
		id, err := made.LastInsertId()
		if err != nil {
			return err
		}
		for range 1 + p.dice.IntN(3) {
			cents := 500 + p.dice.IntN(9000)
			total += cents
			if _, err := tx.Exec("INSERT INTO invoice_lines (invoice_id, issued_on, item, cents) VALUES (?,?,?,?)", id, day, p.pick("Teapot", "Notebook", "Umbrella"), cents); err != nil {
				return err
			}
		}
		if _, err := tx.Exec("UPDATE invoices SET total_cents = ? WHERE id = ?", total, id); err != nil {
			return err
		}
	}
	return nil
}

func seedMailing(tx *sql.Tx, p person) error {
	_, err := tx.Exec("INSERT INTO subscriptions (email, list, since) VALUES (?,?,?)", p.email, p.pick("offers", "product-news"), p.day())
	for range 1 + p.dice.IntN(4) {
		if err == nil {
			_, err = tx.Exec("INSERT INTO opens (email, campaign, opened_at) VALUES (?,?,?)", p.email, p.pick("spring", "summer", "autumn", "winter"), p.day()+"T08:30:00Z")
		}
	}
	return err
}

// contents is all that a system holds, or what leads to one person.
func contents(ctx context.Context, db *sql.DB, tables []table, email string) (map[string][]map[string]any, error) {
	all := map[string][]map[string]any{}
	for _, t := range tables {
		query, args := "SELECT * FROM "+t.name, []any{}
		if email != "" {
			query, args = query+" WHERE "+t.person, append(args, email)
		}
		found, err := rows(ctx, db, query, args...)
		if err != nil {
			return nil, err
		}
		all[t.name] = found
	}
	return all, nil
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func rows(ctx context.Context, db querier, query string, args ...any) ([]map[string]any, error) {
	found, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	names, err := found.Columns()
	if err != nil {
		return nil, err
	}
	all := []map[string]any{}
	for found.Next() {
		cells, into, row := make([]any, len(names)), make([]any, len(names)), map[string]any{}
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		for i, name := range names {
			row[name] = cells[i]
		}
		all = append(all, row)
	}
	return all, found.Err()
}
