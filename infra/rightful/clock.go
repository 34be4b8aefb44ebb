package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// clock is the time of this process. In local mode it can be turned forward by
// hand; how far outlives a restart, so that time never runs backwards.
type clock struct {
	file string
	mu   sync.Mutex
	by   time.Duration
}

func openClock(folder string) (*clock, error) {
	c := &clock{file: filepath.Join(folder, "clock")}
	text, err := os.ReadFile(c.file)
	if os.IsNotExist(err) {
		return c, nil
	}
	if err == nil {
		c.by, err = time.ParseDuration(strings.TrimSpace(string(text)))
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read how far the clock was turned: %w; remove %s to start from the real time", err, c.file)
	}
	return c, nil
}

// Now is the turned time.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.by).UTC()
}

func (c *clock) turn(by time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := os.WriteFile(c.file, []byte((c.by + by).String()), 0o600); err != nil {
		return fmt.Errorf("couldn't keep how far the clock is turned: %w", err)
	}
	c.by += by
	return nil
}

// parseTurn reads a Go duration, or days like 45d.
func parseTurn(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n <= 36500 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	by, err := time.ParseDuration(text)
	if err != nil || by <= 0 || by > 100*365*24*time.Hour {
		return 0, fmt.Errorf("advance: %q must be a duration forward, like 36h or 45d", text)
	}
	return by, nil
}

// handler shows and turns the clock. advance turns it and runs what came due on the
// way before the answer.
func (c *clock) handler(advance func(r *http.Request, by time.Duration) error) http.Handler {
	mux := http.NewServeMux()
	show := func(w http.ResponseWriter) { devJSON(w, http.StatusOK, map[string]any{"now": c.Now()}) }
	mux.HandleFunc("GET /dev/clock", func(w http.ResponseWriter, _ *http.Request) { show(w) })
	mux.HandleFunc("POST /dev/clock", func(w http.ResponseWriter, r *http.Request) {
		var order struct {
			Advance string `json:"advance"`
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&order); err != nil {
			devJSON(w, http.StatusUnprocessableEntity, map[string]string{"detail": `Send {"advance": "36h"} or {"advance": "45d"}.`})
			return
		}
		by, err := parseTurn(order.Advance)
		if err != nil {
			devJSON(w, http.StatusUnprocessableEntity, map[string]string{"detail": err.Error()})
			return
		}
		if err := advance(r, by); err != nil {
			devJSON(w, http.StatusAccepted, map[string]any{"now": c.Now(), "detail": "Not everything that came due has run yet: a system takes its time."})
			return
		}
		show(w)
	})
	return mux
}

func devJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) // a client that left is no matter
}
