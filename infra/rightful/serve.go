package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"time"

	"github.com/rightful/rightful/shared/feedback"
	"github.com/rightful/rightful/shared/portal"
	"github.com/rightful/rightful/shared/problem"
	"github.com/rightful/rightful/shared/web"
)

// serveCommand is `rightful serve`.
type serveCommand struct {
	settings
}

// sweepEvery is how often is looked for what a crash or a lost message left.
const sweepEvery = 30 * time.Second

// Run serves until it is told to stop.
func (c serveCommand) Run(out io.Writer) error {
	if err := c.check(); err != nil {
		return exitError{exitUsage, err}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("couldn't listen on %s: %w; is it running already? Set RIGHTFUL_ADDR to another address", c.Addr, err)
	}
	base := strings.TrimSuffix(c.BaseURL, "/")
	if base == "" {
		base = "http://" + listener.Addr().String()
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	// Systems answer later to this address, so it takes calls before the rest runs.
	front := &late{ready: make(chan struct{})}
	server := &http.Server{Handler: front, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	a, err := open(ctx, c.settings, base, log)
	if err != nil {
		return errors.Join(err, server.Close())
	}
	front.open(a.handler(c.Dev, log))
	fmt.Fprintf(out, "Rightful runs. Open %s", base)
	if c.Dev && a.mailbox != nil {
		fmt.Fprintf(out, " and read the mails at %s/dev/mailbox", base)
	}
	fmt.Fprintln(out)
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if _, err := a.sweep.Run(ctx); err != nil && ctx.Err() == nil {
				log.Error("a sweep failed; the next one tries again", "error", err)
			}
		case <-a.soon:
			if _, err := a.sweep.Onward.Tell(ctx); err != nil && ctx.Err() == nil {
				log.Error("nobody was told what somebody chose; the next sweep tries again", "error", err)
			}
		case err := <-failed:
			return errors.Join(err, a.Close())
		case <-ctx.Done():
			ending, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			return errors.Join(server.Shutdown(ending), a.Close())
		}
	}
}

// late holds callers until the handler is there.
type late struct {
	ready   chan struct{}
	handler http.Handler
}

func (l *late) open(h http.Handler) {
	l.handler = h
	close(l.ready)
}

func (l *late) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case <-l.ready:
		l.handler.ServeHTTP(w, r)
	case <-r.Context().Done():
	}
}

// handler is everything that can be called.
func (a *app) handler(dev bool, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	a.api(mux)
	a.portal.Pages(mux)
	web.Healthz(mux)
	if dev {
		a.dev(mux)
	}
	h := a.door(mux)
	h = portal.WithClient(h, func(r *http.Request) string {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		return host
	})
	return web.Logged(web.Guarded(h), log, time.Now)
}

// api registers the JSON API; /openapi.json is made from the handlers.
func (a *app) api(mux *http.ServeMux) {
	api := web.API(mux, version)
	a.portal.API(api)
	a.portal.Callbacks(api, a.worker.Answer)
	a.portal.Reports(api, reflect.TypeFor[feedback.Report](), a.feedback.Receive)
	a.console.API(api)
}

// dev mounts what is for the person at this machine alone.
func (a *app) dev(mux *http.ServeMux) {
	clock := a.clock.handler(func(r *http.Request, by time.Duration) error {
		ctx, cancel := context.WithTimeout(r.Context(), 25*time.Second)
		defer cancel()
		return a.advance(ctx, by)
	})
	mux.Handle("/dev/clock", loopback(clock))
	if a.mailbox != nil {
		mux.Handle("/dev/mailbox", loopback(a.mailbox.Handler()))
	}
	if a.demo != nil {
		mux.Handle("/dev/systems", loopback(a.demo.Handler()))
		mux.Handle("/dev/systems/", loopback(a.demo.Handler()))
	}
}

// loopback lets in who is at this machine. The Host is checked too, so that a page
// from elsewhere can't reach it under a name of its own.
func loopback(h http.Handler) http.Handler {
	local := func(hostport string) bool {
		host, _, err := net.SplitHostPort(hostport)
		if err != nil {
			host = hostport
		}
		at, err := netip.ParseAddr(strings.Trim(host, "[]"))
		return host == "localhost" || err == nil && at.IsLoopback()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !local(r.RemoteAddr) || !local(r.Host) || r.Header.Get("Sec-Fetch-Site") == "cross-site" {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// door lets operators in by their token.
func (a *app) door(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/operator/") {
			token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			if subtle.ConstantTimeCompare([]byte(token), []byte(a.token)) != 1 {
				web.Refuse(w, problem.Unauthorized("Send the operator's token, which lies in operator-token in the data folder: Authorization: Bearer <token>."))
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}
