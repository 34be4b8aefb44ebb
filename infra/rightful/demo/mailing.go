package demo

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/rightful/rightful/shared/webhook"
)

// mailing serves the newsletters: it takes a job at once and does it later.
type mailing struct {
	demo *Demo
	db   *sql.DB
	wake chan struct{}
	stop chan struct{}
	done chan struct{}
}

func (m *mailing) handler() http.Handler {
	mux := http.NewServeMux()
	board := m.demo.boards["mailing"]
	for _, t := range tablesOf["mailing"] {
		mux.HandleFunc("GET /"+t.name, board.wrap(secrets["mailing"], func(w http.ResponseWriter, r *http.Request, _ string) {
			found, err := rows(r.Context(), m.db, "SELECT * FROM "+t.name+" WHERE lower(email) = lower(?)", r.URL.Query().Get("email"))
			answer(w, map[string]any{"data": found}, err)
		}))
	}
	for path, kind := range map[string]string{"/exports": "export", "/erasures": "erase"} {
		mux.HandleFunc("POST "+path, board.wrap(secrets["mailing"], func(w http.ResponseWriter, r *http.Request, mode string) {
			m.accept(w, r, kind, mode)
		}))
	}
	mux.HandleFunc("POST /unsubscriptions", board.wrap(secrets["mailing"], m.unsubscribe))
	return mux
}

// unsubscribe takes somebody off a list, or off all.
func (m *mailing) unsubscribe(w http.ResponseWriter, r *http.Request, _ string) {
	var in struct{ Email, List string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Email == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_, err := m.db.ExecContext(r.Context(), "DELETE FROM subscriptions WHERE lower(email) = lower(?) AND ? IN (list, 'every')", in.Email, in.List)
	answer(w, map[string]any{}, err)
}

// accept stores a job; the same task is the same job.
func (m *mailing) accept(w http.ResponseWriter, r *http.Request, kind, mode string) {
	var job struct{ Email, Task, Callback string }
	if err := json.NewDecoder(r.Body).Decode(&job); err != nil || job.Email == "" || job.Task != r.Header.Get("Idempotency-Key") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	due := time.Now().Add(m.demo.c.AnswerAfter).UnixMilli()
	if mode == "late" {
		due = 0 // not before somebody switches back
	}
	if _, err := m.db.ExecContext(r.Context(), "INSERT INTO jobs (task, kind, email, callback, mode, due) VALUES (?,?,?,?,?,?) ON CONFLICT (task) DO UPDATE SET callback = excluded.callback, email = excluded.email, due = CASE due WHEN -1 THEN excluded.due ELSE due END", job.Task, kind, job.Email, job.Callback, mode, due); err != nil {
		answer(w, nil, err)
		return
	}
	m.nudge()
	writeJSON(w, http.StatusAccepted, map[string]string{"job": "job-" + job.Task})
}

func (m *mailing) nudge() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// release lets the late jobs go.
func (m *mailing) release(ctx context.Context) error {
	_, err := m.db.ExecContext(ctx, "UPDATE jobs SET due = ? WHERE due = 0 AND mode = 'late'", time.Now().UnixMilli())
	m.nudge()
	return err
}

// run does jobs when they are due and calls back until the answer is taken.
func (m *mailing) run() {
	defer close(m.done)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-m.stop; cancel() }()
	for ctx.Err() == nil {
		pause := m.work(ctx)
		select {
		case <-time.After(pause):
		case <-m.wake:
		case <-ctx.Done():
		}
	}
}

func (m *mailing) close() {
	close(m.stop)
	<-m.done
}

// work does what is due and returns how long nothing will be.
func (m *mailing) work(ctx context.Context) time.Duration {
	due, err := rows(ctx, m.db, "SELECT task, kind, email, callback, mode, tries, body FROM jobs WHERE due > 0 AND due <= ?", time.Now().UnixMilli())
	if err != nil {
		return time.Second
	}
	for _, job := range due {
		m.answer(ctx, job)
	}
	var next sql.NullInt64
	if err := m.db.QueryRowContext(ctx, "SELECT min(due) FROM jobs WHERE due > 0").Scan(&next); err != nil || !next.Valid {
		return time.Minute
	}
	return max(time.Until(time.UnixMilli(next.Int64)), 10*time.Millisecond)
}

// answer does one job, once, and calls back.
func (m *mailing) answer(ctx context.Context, job map[string]any) {
	task, callback := job["task"].(string), job["callback"].(string)
	body, ok := job["body"].(string)
	if !ok {
		var err error
		if body, err = m.do(ctx, task, job["kind"].(string), job["email"].(string)); err != nil {
			if ctx.Err() == nil {
				m.demo.c.Log.Error("a demo job failed", "task", task, "error", err)
			}
			return
		}
	}
	times := 1
	if job["mode"] == "twice" {
		times = 2
	}
	for range times {
		ok = m.call(ctx, callback, task, []byte(body))
	}
	// Not taken: again after a pause that grows to half a minute.
	pause := min(time.Duration(job["tries"].(int64)+1)*time.Second, 30*time.Second)
	query, args := "UPDATE jobs SET due = ?, tries = tries + 1 WHERE task = ?", []any{time.Now().Add(pause).UnixMilli(), task}
	if ok {
		// What was answered is forgotten, but for the answer that a repeat needs.
		query, args = "UPDATE jobs SET due = -1, email = '', body = CASE kind WHEN 'export' THEN NULL ELSE body END WHERE task = ?", []any{task}
	}
	if _, err := m.db.ExecContext(ctx, query, args...); err != nil && ctx.Err() == nil {
		m.demo.c.Log.Error("a demo job's state is lost", "task", task, "error", err)
	}
}

// do has the effect and stores the answer in one transaction.
func (m *mailing) do(ctx context.Context, task, kind, email string) (string, error) {
	tx, err := m.db.BeginTx(ctx, nil)
	if err != nil {
		return "", err
	}
	defer tx.Rollback()
	records := map[string][]map[string]any{}
	type count struct {
		Collection string `json:"collection"`
		Count      int    `json:"count"`
	}
	found, total := []count{}, 0
	for _, t := range tablesOf["mailing"] {
		list, err := rows(ctx, tx, "SELECT * FROM "+t.name+" WHERE lower(email) = lower(?)", email)
		if err != nil {
			return "", err
		}
		found, total = append(found, count{t.name, len(list)}), total+len(list)
		if kind == "export" {
			records[t.name] = list
		} else if _, err := tx.ExecContext(ctx, "DELETE FROM "+t.name+" WHERE lower(email) = lower(?)", email); err != nil {
			return "", err
		}
	}
	outcome := "done"
	if total == 0 {
		outcome = "not_found"
	}
	body, err := json.Marshal(map[string]any{"outcome": outcome, "found": found, "reference": "job-" + task, "records": records})
	if err != nil {
		return "", err
	}
	if kind == "erase" {
		if _, err := tx.ExecContext(ctx, "INSERT INTO effects VALUES (?,?,?)", task, fmt.Sprintf("deleted %d", total), m.demo.c.Now().UTC().Format(time.RFC3339)); err != nil {
			return "", err
		}
	}
	if _, err := tx.ExecContext(ctx, "UPDATE jobs SET body = ? WHERE task = ?", string(body), task); err != nil {
		return "", err
	}
	return string(body), tx.Commit()
}

func (m *mailing) call(ctx context.Context, callback, task string, body []byte) bool {
	header, err := webhook.Sign(secrets["mailing-callback"], task, m.demo.c.Now(), body)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, callback, bytes.NewReader(body))
	if err != nil {
		return false
	}
	request.Header = header
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode < 300
}
