package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rightful/rightful/infra/local"
	"github.com/rightful/rightful/infra/rightful/demo"
	"github.com/rightful/rightful/shared/asl"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/console"
	"github.com/rightful/rightful/shared/disk"
	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/feedback"
	"github.com/rightful/rightful/shared/mailbox"
	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/onward"
	"github.com/rightful/rightful/shared/outbox"
	"github.com/rightful/rightful/shared/portal"
	"github.com/rightful/rightful/shared/preference"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/sigv4"
	"github.com/rightful/rightful/shared/smtp"
	"github.com/rightful/rightful/shared/unsubscribe"
	"github.com/rightful/rightful/shared/work"
	"github.com/rightful/rightful/workflows"
)

// app is the whole system, wired from the local twins.
type app struct {
	clock   *clock
	store   rights.Store
	engine  *asl.Engine
	mailbox *mailbox.Mailbox // nil where SMTP sends
	demo    *demo.Demo       // nil where the systems are real
	pool    *work.Pool
	worker  work.Worker
	sweep   work.Sweep
	portal  portal.Portal
	console console.Console

	feedback feedback.Hook
	soon     chan struct{} // somebody chose anew

	token   string // the operator's
	closers []io.Closer
	log     *slog.Logger
}

// open wires the app over the data folder. base is the address that links begin
// with. Whatever it opened is closed again where it fails.
func open(ctx context.Context, s settings, base string, log *slog.Logger) (*app, error) {
	a := &app{log: log}
	if err := a.wire(ctx, s, base); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *app) wire(ctx context.Context, s settings, base string) error {
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return fmt.Errorf("couldn't make the data folder: %w; name another one in RIGHTFUL_DATA", err)
	}
	in := func(name string) string { return filepath.Join(s.Data, name) }
	lock, err := lockFolder(ctx, in("lock"))
	if err != nil {
		return err
	}
	a.closers = append(a.closers, lock)
	if a.clock, err = openClock(s.Data); err != nil {
		return err
	}
	if a.token, err = operatorToken(in("operator-token")); err != nil {
		return err
	}
	master, err := envelope.OpenFile(in("master-key"))
	if err != nil {
		return err
	}
	sealer, err := a.openStore(ctx, s, master)
	if err != nil {
		return err
	}

	policy, err := s.policy()
	if err != nil {
		return err
	}
	links := rights.Links{Base: base, Tokens: rights.Tokens{Key: master.SigningKey("tokens")}, Life: policy.StatusLife}
	vault := disk.Vault{Dir: in("vault"), Sealer: sealer, Mint: links.Download}
	systems, err := a.systems(ctx, s)
	if err != nil {
		return err
	}
	sender, err := a.sender(s, in("mailbox.db"))
	if err != nil {
		return err
	}
	from, err := mail.ParseAddress(s.From)
	if err != nil {
		return fmt.Errorf("RIGHTFUL_FROM must be an address like privacy@example.com")
	}
	a.soon = make(chan struct{}, 1)
	choices := preference.Center{
		Store: a.store, Keys: unsubscribe.Derive(master.SigningKey, s.LinkKey, s.Revoked...), Policy: policy,
		Base: base, Sender: sender, From: *from, Now: a.clock.Now, Soon: a.choseAnew,
	}
	post := notice.Post{Store: a.store, Sender: sender, From: *from, Links: links, Policy: policy, Suppressed: choices.Suppressed}
	reports, err := connector.Settings{}.Secret("RIGHTFUL_MAIL_REPORTS", s.MailReports)
	if err != nil {
		return err
	}

	// The engine calls the steps and the steps signal the engine: calls wait until
	// both are there.
	ready := make(chan struct{})
	var steps map[string]local.Function
	a.engine, err = asl.Open(ctx, asl.Config{
		Path: in("flow.db"), Definitions: map[string][]byte{"request": workflows.Request}, Now: a.clock.Now, Log: a.log,
		Invoke: func(ctx context.Context, name string, payload json.RawMessage) (json.RawMessage, error) {
			<-ready
			return steps[name](ctx, payload)
		},
	})
	if err != nil {
		return err
	}
	a.closers = append(a.closers, a.engine)
	flow := asl.Flow{Engine: a.engine, Machine: "request"}
	out := outbox.Outbox{Signals: a.store, Flow: flow, Log: a.log}
	a.worker = work.Worker{Store: a.store, Systems: systems, Vault: vault, Outbox: out, Links: links, UnsubscribeKeys: choices.Keys, Now: a.clock.Now, Jitter: mathrand.Float64, Log: a.log}
	a.pool = &work.Pool{Do: a.worker.Do, Now: a.clock.Now, Log: a.log}
	a.sweep = work.Sweep{Store: a.store, Outbox: out, Queue: a.pool, Flow: flow, Vault: vault, Onward: onward.Onward{Store: a.store, Systems: systems, Queue: a.pool, Now: a.clock.Now}, ExportLife: policy.ExportLife, Now: a.clock.Now, Log: a.log}
	if a.mailbox != nil {
		a.sweep.Forget = a.mailbox.Forget
	}
	steps = local.Functions(local.Parts{Store: a.store, Systems: systems, Queue: a.pool, Outbox: out, Vault: vault, Post: post, Policy: policy, Now: a.clock.Now})
	close(ready)

	a.feedback = feedback.Hook{Feedback: feedback.Feedback{Store: a.store, Choices: choices, Now: a.clock.Now}, Secret: reports}
	a.portal = portal.Portal{Choices: choices, Store: a.store, Systems: systems, Vault: vault, Post: post, Outbox: out, Links: links, Policy: policy, Fingerprint: master.Fingerprint, Now: a.clock.Now, Rand: rand.Reader, Log: a.log}
	a.console = console.Console{Choices: choices, Store: a.store, Systems: systems, Queue: a.pool, Outbox: out, Now: a.clock.Now, Log: a.log}
	return a.sweep.Recover(ctx)
}

func (a *app) systems(ctx context.Context, s settings) ([]connector.System, error) {
	if s.Systems != "" {
		systems, err := connector.Load(os.DirFS(s.Systems), connector.Settings{Variables: environment(), Secrets: environment(), OpenSQL: sql.Open, AllowPrivate: s.Private, Sign: signAWS})
		if err == nil && len(systems) == 0 {
			err = fmt.Errorf("RIGHTFUL_SYSTEMS: there is no *.yaml in %s", s.Systems)
		}
		return systems, err
	}
	folder := filepath.Join(s.Data, "demo")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	var err error
	if a.demo, err = demo.Start(ctx, demo.Config{Dir: folder, Now: a.clock.Now, Log: a.log, AnswerAfter: s.DemoAnswer}); err != nil {
		return nil, err
	}
	a.closers = append(a.closers, a.demo)
	return a.demo.Systems(), nil
}

func (a *app) sender(s settings, path string) (notice.Sender, error) {
	if s.SMTP != "" {
		return openSMTP(s.SMTP, s.From, s.DKIMKey, s.Selector, a.clock.Now)
	}
	var err error
	if a.mailbox, err = mailbox.Open(path, a.clock.Now); err != nil {
		return nil, err
	}
	a.closers = append(a.closers, a.mailbox)
	return a.mailbox, nil
}

// choseAnew wakes whoever tells others. One call is as good as many: it tells all.
func (a *app) choseAnew() {
	select {
	case a.soon <- struct{}{}:
	default:
	}
}

// openSMTP opens the mail server, and the key that signs for the sender's domain where
// there is one.
func openSMTP(server, from, key, selector string, now func() time.Time) (notice.Sender, error) {
	sender, err := smtp.Open(server, now)
	if err != nil || key == "" {
		return sender, err
	}
	_, domain, _ := strings.Cut(from, "@")
	sender.DKIM, err = smtp.ReadDKIM(key, strings.TrimSuffix(domain, ">"), selector)
	return sender, err
}

// signAWS signs the calls of definitions for AWS, with what AWS's own settings say.
func signAWS(r *http.Request, body []byte, service string, at time.Time) error {
	cfg, err := awsConfig(r.Context())
	if err != nil {
		return err
	}
	return sigv4.Signer(cfg)(r, body, service, at)
}

// environment offers the process's environment to definitions as ${NAME}.
func environment() map[string]string {
	all := map[string]string{}
	for _, pair := range os.Environ() {
		for i := range pair {
			if pair[i] == '=' {
				all[pair[:i]] = pair[i+1:]
				break
			}
		}
	}
	return all
}

// advance turns the clock forward and stops at everything that comes due on the
// way, so that what was to happen in between happens in its order and as often. Where
// ctx ends first, the clock is turned all the same.
func (a *app) advance(ctx context.Context, by time.Duration) error {
	target := a.clock.Now().Add(by)
	if err := a.settle(ctx); err != nil { // what is under way belongs to the time before
		return errors.Join(err, a.clock.turn(by))
	}
	for {
		next, err := a.nextDue(ctx, target)
		if err != nil {
			return errors.Join(err, a.clock.turn(target.Sub(a.clock.Now())))
		}
		if err := a.clock.turn(max(next.Sub(a.clock.Now()), 0)); err != nil {
			return err
		}
		if err := a.settle(ctx); err != nil || !next.Before(target) {
			return errors.Join(err, a.clock.turn(max(target.Sub(a.clock.Now()), 0)))
		}
	}
}

// nextDue is when the next task or timer comes due, at the latest the target.
func (a *app) nextDue(ctx context.Context, target time.Time) (time.Time, error) {
	tasks, err := a.store.DueTasks(ctx, target, 1)
	if err != nil {
		return target, err
	}
	for _, id := range tasks {
		t, err := a.store.Task(ctx, id)
		if err != nil {
			return target, err
		}
		if t.Due.Before(target) {
			target = t.Due
		}
	}
	due, err := a.engine.NextDue(ctx)
	if err == nil && !due.IsZero() && due.Before(target) {
		target = due
	}
	return target, err
}

// settle runs what is due until nothing more is, or ctx ends.
func (a *app) settle(ctx context.Context) error {
	for {
		started, err := a.sweep.Run(ctx)
		if err != nil {
			return err
		}
		// The workflow hands tasks to the pool and the pool resumes the workflow: it is
		// over when neither had anything left.
		if err := a.engine.Settle(ctx); err != nil {
			return err
		}
		worked, err := a.pool.Wait(ctx)
		if err != nil || started == 0 && !worked {
			return err
		}
	}
}

// Close stops what runs and closes what was opened, the newest first.
func (a *app) Close() error {
	var errs []error
	if a.pool != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		// What doesn't end in time is done again after the next start.
		_ = a.pool.Stop(ctx)
	}
	for i := len(a.closers) - 1; i >= 0; i-- {
		errs = append(errs, a.closers[i].Close())
	}
	return errors.Join(errs...)
}

// operatorToken reads the operator's token and makes one on the first start.
func operatorToken(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err == nil && len(text) >= 32 {
		return string(text), nil
	}
	if err == nil || !os.IsNotExist(err) {
		return "", fmt.Errorf("the operator's token in %s can't be used: remove the file to get a new one", path)
	}
	token := rand.Text() + rand.Text()
	if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
		return "", fmt.Errorf("couldn't keep the operator's token: %w", err)
	}
	return token, nil
}
