package storetest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

func signals(t *testing.T, s rights.Store) {
	for n := range 3 {
		c := creation(n)
		c.Signals[0].At = at.Add(time.Duration(3-n) * time.Hour)
		must[rights.Request](t)(s.Create(t.Context(), c))
	}
	pending := must[[]rights.Signal](t)(s.PendingSignals(t.Context(), 2))
	if len(pending) != 2 || pending[0].Request != newID(2) || pending[1].Request != newID(1) {
		t.Fatalf("pending: %+v", pending)
	}
	for range 2 {
		if err := s.ClearSignal(t.Context(), pending[0].Key); err != nil {
			t.Error(err)
		}
	}
	if left := must[[]rights.Signal](t)(s.PendingSignals(t.Context(), 10)); len(left) != 2 {
		t.Errorf("%d are left", len(left))
	}
}

func limits(t *testing.T, s rights.Store) {
	count := func(key string, now time.Time) time.Duration {
		t.Helper()
		return must[time.Duration](t)(s.Count(t.Context(), key, 2, time.Hour, now))
	}
	for range 2 {
		if wait := count("a", at); wait != 0 {
			t.Errorf("refused for %s within the limit", wait)
		}
	}
	for range 3 {
		if wait := count("a", at.Add(20*time.Minute)); wait != 40*time.Minute {
			t.Errorf("wait %s, want 40m", wait)
		}
	}
	if wait := count("b", at); wait != 0 {
		t.Errorf("another key was refused for %s", wait)
	}
	if wait := count("a", at.Add(time.Hour)); wait != 0 {
		t.Errorf("refused for %s in the next window", wait)
	}
}

func crowd(t *testing.T, s rights.Store) {
	var passed atomic.Int32
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			switch refused, err := s.Count(context.Background(), "key", 5, time.Hour, at); {
			case err != nil:
				t.Error(err)
			case refused == 0:
				passed.Add(1)
			}
		})
	}
	wait.Wait()
	if passed.Load() != 5 {
		t.Errorf("%d passed a limit of 5", passed.Load())
	}
}
