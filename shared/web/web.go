// Package web is what every answer over HTTP goes through, on one machine and in
// the cloud.
//
// It promises a strict policy on every answer, and a log that names the area of a
// call, never its path, which may hold a token. It leaves who may call what to the
// doors in front of it.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/rightful/rightful/shared/problem"
)

// Version is set when a release is built.
var Version = "0.1.0-dev"

// API is the JSON API on mux; /openapi.json is made from the handlers that are
// registered with it.
func API(mux *http.ServeMux, version string) huma.API {
	problem.Install()
	c := huma.DefaultConfig("Rightful", version)
	c.Info.Description = "Carries out data-rights requests. Errors are problem details (RFC 9457) that name the field and the fix."
	c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", nil
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer":   {Type: "http", Scheme: "bearer", Description: "The access token that came with the request."},
		"operator": {Type: "http", Scheme: "bearer", Description: "The operator's token; AWS IAM in the cloud."},
	}
	return humago.New(mux, c)
}

// Healthz answers that the process is there.
func Healthz(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"status":"ok"}` + "\n"))
	})
}

// Guarded sets what every answer carries.
func Guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.ServeHTTP(w, r)
	})
}

// Logged writes one line a call.
func Logged(h http.Handler, log *slog.Logger, now func() time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := now()
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(seen, r)
		log.InfoContext(context.WithoutCancel(r.Context()), "call", "method", r.Method, "area", area(r.URL.Path), "status", seen.status, "ms", now().Sub(start).Milliseconds())
	})
}

// Refuse answers with a problem.
func Refuse(w http.ResponseWriter, d *problem.Details) {
	for name, values := range d.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", d.ContentType(""))
	w.WriteHeader(d.Status)
	d.Write(w) // a client that left is no matter
}

// area is the first part of a path, and the second of an API's.
func area(path string) string {
	parts := strings.SplitN(strings.Trim(path, "/"), "/", 3)
	if len(parts) > 1 && (parts[0] == "v1" || parts[0] == "dev") {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
