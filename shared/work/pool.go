package work

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// Pool is rights.Queue on one machine: goroutines that carry out tasks, a few at
// once for each system, so that a slow one holds up nobody else.
type Pool struct {
	Do        func(context.Context, rights.TaskID) (rights.Task, error)
	Now       func() time.Time
	PerSystem int // tasks at once for one system; 0 means 8
	Log       *slog.Logger

	mu      sync.Mutex
	lines   map[string][]rights.TaskID // by system, what waits for a place
	busy    map[string]int
	queued  map[rights.TaskID]bool // waits or runs
	running int
	idle    chan struct{} // closed while nothing runs
	stopped bool
}

var _ rights.Queue = (*Pool)(nil)

// Hand lines tasks up and returns at once. A task that is lined up already isn't
// lined up twice.
func (p *Pool) Hand(_ context.Context, tasks ...rights.TaskID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lines == nil {
		p.lines, p.busy, p.queued = map[string][]rights.TaskID{}, map[string]int{}, map[rights.TaskID]bool{}
	}
	for _, id := range tasks {
		if p.stopped || p.queued[id] {
			continue
		}
		system := id.System()
		p.queued[id] = true
		p.lines[system] = append(p.lines[system], id)
		p.next(system)
	}
	return nil
}

// next starts what there is room for; the lock is held.
func (p *Pool) next(system string) {
	limit := p.PerSystem
	if limit == 0 {
		limit = 8
	}
	for !p.stopped && p.busy[system] < limit && len(p.lines[system]) > 0 {
		id := p.lines[system][0]
		p.lines[system] = p.lines[system][1:]
		p.busy[system]++
		if p.running++; p.running == 1 {
			p.idle = make(chan struct{})
		}
		go p.run(system, id)
	}
}

func (p *Pool) run(system string, id rights.TaskID) {
	// Nobody waits for this call, so nobody's leaving ends it: a task has its own
	// time limit.
	t, err := p.Do(context.Background(), id)
	if err != nil {
		p.Log.Error("a task waits for the sweep", "task", id, "error", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.queued, id)
	if p.busy[system]--; p.busy[system] == 0 && len(p.lines[system]) == 0 {
		delete(p.busy, system)
		delete(p.lines, system)
	}
	if err == nil && t.Open() && !t.Due.IsZero() && !p.stopped {
		time.AfterFunc(max(t.Due.Sub(p.Now()), time.Millisecond), func() { p.Hand(context.Background(), id) })
	}
	p.next(system)
	if p.running--; p.running == 0 {
		close(p.idle)
	}
}

// Wait returns when nothing runs, and whether anything did; or with ctx's error.
func (p *Pool) Wait(ctx context.Context) (bool, error) {
	for waited := false; ; waited = true {
		p.mu.Lock()
		running, idle := p.running, p.idle
		p.mu.Unlock()
		if running == 0 {
			return waited, nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return waited, ctx.Err()
		}
	}
}

// Stop takes nothing more and waits for what runs, or for ctx.
func (p *Pool) Stop(ctx context.Context) error {
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	_, err := p.Wait(ctx)
	return err
}
