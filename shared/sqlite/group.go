package sqlite

import "sync"

// group gathers choices that come while one is being stored and stores them together:
// the disk's wait is the cost of a write, and they share it. Who is alone waits for
// nobody.
type group struct {
	commit func([]*joined)

	mu      sync.Mutex
	waiting []*joined
	busy    bool
}

// joined is one member of a group. It is done once commit has answered.
type joined struct {
	do   chosen
	done chan struct{}

	changed bool
	err     error
}

// most bounds a transaction, and so how long its first member waits.
const most = 256

// join stores c with whoever comes at the same time and returns when it has reached
// the disk.
func (g *group) join(c chosen) (bool, error) {
	j := &joined{do: c, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, j)
	if g.busy {
		g.mu.Unlock()
		<-j.done
		return j.changed, j.err
	}
	// The first one stores for all that come meanwhile, in turns, until none is left.
	g.busy = true
	for len(g.waiting) > 0 {
		turn := g.waiting[:min(most, len(g.waiting))]
		g.waiting = g.waiting[len(turn):]
		g.mu.Unlock()
		g.commit(turn)
		for _, member := range turn {
			close(member.done)
		}
		g.mu.Lock()
	}
	g.busy = false
	g.mu.Unlock()
	return j.changed, j.err
}
