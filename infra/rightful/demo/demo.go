// Package demo is three small systems that hold data of made-up people, so that a
// newcomer sees a request move: customer records over HTTP, invoices in a
// database, and newsletters that answer only later.
//
// It promises what a real system should: a repeated call has the effect of one,
// also across kill -9, and every effect is on record. A switchboard makes a system
// fail, hang, or answer late. It is defined by the same YAML files as any other
// system and knows nothing of requests.
package demo

import (
	"context"
	"database/sql"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/rightful/rightful/shared/connector"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed systems
var definitions embed.FS

// Config says where the demo lies and how large it is.
type Config struct {
	Dir         string           // where its state lies
	Now         func() time.Time // stamps and signatures; may jump forward
	Log         *slog.Logger
	People      int           // 60 where it is 0
	AnswerAfter time.Duration // how long newsletters take, in real time; 2s where it is 0
}

// Demo is the three systems, running.
type Demo struct {
	c       Config
	tables  map[string]*sql.DB
	boards  map[string]*board
	systems []connector.System
	servers []*http.Server
	mail    *mailing
}

// names are the systems in the order in which they are shown.
var names = []string{"billing", "crm", "mailing"}

// The demo's secrets protect made-up people on one machine.
var secrets = map[string]string{
	"crm": "demo-crm-token", "mailing": "demo-mailing-token",
	"mailing-callback": "whsec_" + base64.StdEncoding.EncodeToString([]byte("a secret of the demo, 32 bytes.")),
}

// Start opens the three systems on loopback ports and fills them on the first
// start.
func Start(ctx context.Context, c Config) (*Demo, error) {
	if c.People == 0 {
		c.People = 60
	}
	if c.AnswerAfter == 0 {
		c.AnswerAfter = 2 * time.Second
	}
	d := &Demo{c: c, tables: map[string]*sql.DB{}, boards: map[string]*board{}}
	for _, name := range names {
		db, err := openTables(ctx, filepath.Join(c.Dir, name+".db"), name, c.People)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("couldn't open the demo's %s: %w", name, err), d.Close())
		}
		d.tables[name], d.boards[name] = db, &board{}
	}
	d.mail = &mailing{demo: d, db: d.tables["mailing"], wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	variables := map[string]string{"BILLING_DB": dsn(filepath.Join(c.Dir, "billing.db"))}
	var private []string
	for name, handler := range map[string]http.Handler{"CRM_URL": d.crm(), "MAILING_URL": d.mail.handler()} {
		host, err := d.serve(ctx, handler)
		if err != nil {
			return nil, errors.Join(err, d.Close())
		}
		variables[name], private = "http://"+host, append(private, host)
	}
	go d.mail.run()
	if err := d.load(variables, private); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Demo) load(variables map[string]string, private []string) error {
	files, err := fs.Sub(definitions, "systems")
	if err != nil {
		return err
	}
	d.systems, err = connector.Load(files, connector.Settings{
		Variables: variables, Secrets: secrets, AllowPrivate: private,
		OpenSQL: func(driver, dsn string) (*sql.DB, error) { return sql.Open(driver, dsn) },
	})
	for i, s := range d.systems {
		if s.Name() == "billing" {
			d.systems[i] = switched{s, d.boards["billing"]}
		}
	}
	return err
}

// Systems are the three, ready to be asked.
func (d *Demo) Systems() []connector.System { return d.systems }

func (d *Demo) serve(ctx context.Context, h http.Handler) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("couldn't listen for a demo system: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	d.servers = append(d.servers, server)
	go server.Serve(listener)
	return listener.Addr().String(), nil
}

// Close stops the systems. Their state stays.
func (d *Demo) Close() error {
	var errs []error
	for _, server := range d.servers {
		errs = append(errs, server.Close())
	}
	if d.mail != nil {
		d.mail.close()
	}
	for _, db := range d.tables {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}

// Handler shows what the systems hold, and switches them.
func (d *Demo) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /dev/systems", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, names) })
	mux.HandleFunc("GET /dev/systems/{name}", d.of(func(w http.ResponseWriter, r *http.Request, name string) {
		content, err := contents(r.Context(), d.tables[name], tablesOf[name], r.URL.Query().Get("email"))
		answer(w, content, err)
	}))
	mux.HandleFunc("GET /dev/systems/{name}/effects", d.of(func(w http.ResponseWriter, r *http.Request, name string) {
		query := "SELECT task, effect, at FROM effects ORDER BY at, task"
		if name == "billing" {
			query = "SELECT task, answer AS effect, '' AS at FROM rightful_receipts ORDER BY task"
		}
		effects, err := rows(r.Context(), d.tables[name], query)
		answer(w, effects, err)
	}))
	mux.HandleFunc("POST /dev/systems/{name}", d.of(func(w http.ResponseWriter, r *http.Request, name string) {
		var order struct {
			Next  string `json:"next"`
			Count int    `json:"count"`
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&order); err != nil || !d.boards[name].set(order.Next, order.Count) {
			writeJSON(w, http.StatusUnprocessableEntity, map[string]string{"detail": `Send {"next": "ok", "fail", "throttle", "hang", "late" or "twice", "count": how many calls}.`})
			return
		}
		if name == "mailing" && order.Next == "ok" {
			if err := d.mail.release(r.Context()); err != nil {
				answer(w, nil, err)
				return
			}
		}
		writeJSON(w, http.StatusOK, order)
	}))
	return mux
}

func (d *Demo) of(do func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		if d.tables[name] == nil {
			writeJSON(w, http.StatusNotFound, map[string]string{"detail": "There is no such demo system. Use one of " + strings.Join(names, ", ") + "."})
			return
		}
		do(w, r, name)
	}
}

func answer(w http.ResponseWriter, body any, err error) {
	if err != nil {
		writeJSON(w, http.StatusInternalServerError, map[string]string{"detail": "The demo system's data can't be read."})
		return
	}
	writeJSON(w, http.StatusOK, body)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) // a client that left is no matter
}
