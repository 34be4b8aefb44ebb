package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// crm serves the customer records.
func (d *Demo) crm() http.Handler {
	mux := http.NewServeMux()
	for _, t := range tablesOf["crm"] {
		mux.HandleFunc("GET /"+t.name, d.boards["crm"].wrap(secrets["crm"], func(w http.ResponseWriter, r *http.Request, _ string) {
			found, err := rows(r.Context(), d.tables["crm"], "SELECT * FROM "+t.name+" WHERE lower(email) = lower(?)", r.URL.Query().Get("email"))
			answer(w, map[string]any{"data": found, "next": ""}, err)
		}))
		mux.HandleFunc("DELETE /"+t.name, d.boards["crm"].wrap(secrets["crm"], func(w http.ResponseWriter, r *http.Request, mode string) {
			body, err := d.deleteOnce(r.Context(), t.name, r.Header.Get("Idempotency-Key"), r.URL.Query().Get("email"))
			if mode == "twice" && err == nil {
				body, err = d.deleteOnce(r.Context(), t.name, r.Header.Get("Idempotency-Key"), r.URL.Query().Get("email"))
			}
			if err != nil {
				answer(w, nil, err)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, body)
		}))
	}
	return mux
}

// deleteOnce deletes a person's rows and remembers the answer under the key in the
// same transaction.
func (d *Demo) deleteOnce(ctx context.Context, table, task, email string) (string, error) {
	if task == "" || email == "" {
		return "", errors.New("a deletion needs a key and an address")
	}
	tx, err := d.tables["crm"].BeginTx(ctx, nil)
	if err != nil {
		return "", err
	}
	defer tx.Rollback()
	key, before := task+"/"+table, ""
	err = tx.QueryRowContext(ctx, "SELECT body FROM answers WHERE key = ?", key).Scan(&before)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return before, err
	}
	gone, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE lower(email) = lower(?)", email)
	if err != nil {
		return "", err
	}
	n, err := gone.RowsAffected()
	if err != nil {
		return "", err
	}
	body := fmt.Sprintf(`{"deleted": %d}`, n)
	if _, err := tx.ExecContext(ctx, "INSERT INTO answers VALUES (?,?)", key, body); err != nil {
		return "", err
	}
	effect := fmt.Sprintf("deleted %d from %s", n, table)
	if _, err := tx.ExecContext(ctx, "INSERT INTO effects VALUES (?,?,?)", key, effect, d.c.Now().UTC().Format(time.RFC3339)); err != nil {
		return "", err
	}
	return body, tx.Commit()
}
