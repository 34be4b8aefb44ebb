package demo

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/rightful/rightful/shared/connector"
)

// board is a system's switch: how the next calls go.
type board struct {
	mu    sync.Mutex
	next  string
	count int
}

func (b *board) set(next string, count int) bool {
	switch next {
	case "ok", "fail", "throttle", "hang", "late", "twice":
	default:
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next, b.count = next, max(count, 1)
	return true
}

// take uses up one call.
func (b *board) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.count == 0 {
		return "ok"
	}
	b.count--
	return b.next
}

// wrap lets h go as the switch says; twice and late are left to h.
func (b *board) wrap(token string, h func(w http.ResponseWriter, r *http.Request, mode string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch mode := b.take(); mode {
		case "fail":
			w.WriteHeader(http.StatusInternalServerError)
		case "throttle":
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusTooManyRequests)
		case "hang":
			<-r.Context().Done() // the caller gives up first
		default:
			h(w, r, mode)
		}
	}
}

// switched is the database system behind a switch, which no server of ours stands
// in front of.
type switched struct {
	connector.System
	board *board
}

func (s switched) through(ctx context.Context, call func() (connector.Answer, error)) (connector.Answer, error) {
	switch s.board.take() {
	case "fail":
		return connector.Answer{}, &connector.Error{Problem: "the database refused the connection"}
	case "throttle":
		return connector.Answer{}, &connector.Error{Problem: "the database has no connection to spare", RetryAfter: 30 * time.Second}
	case "hang":
		select {
		case <-ctx.Done():
		case <-time.After(3 * time.Second):
		}
		return connector.Answer{}, &connector.Error{Problem: "gave no answer in time"}
	case "twice":
		if a, err := call(); err != nil {
			return a, err
		}
	}
	return call()
}

func (s switched) Locate(ctx context.Context, j connector.Job) (connector.Answer, error) {
	return s.through(ctx, func() (connector.Answer, error) { return s.System.Locate(ctx, j) })
}

func (s switched) Export(ctx context.Context, j connector.Job, sink connector.Sink) (connector.Answer, error) {
	return s.through(ctx, func() (connector.Answer, error) { return s.System.Export(ctx, j, sink) })
}

func (s switched) Erase(ctx context.Context, j connector.Job) (connector.Answer, error) {
	return s.through(ctx, func() (connector.Answer, error) { return s.System.Erase(ctx, j) })
}
