package work

import (
	"context"
	"sync"

	"github.com/rightful/rightful/shared/rights"
)

// whose reads requests with their persons, each once: the tasks of a batch are
// mostly one request's. It lives as long as a batch.
type whose struct {
	store rights.Requests
	mu    sync.Mutex
	known map[rights.ID]known
}

type known struct {
	request  rights.Request
	personal rights.Personal
}

func (w *whose) read(ctx context.Context, id rights.ID) (rights.Request, rights.Personal, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if k, ok := w.known[id]; ok {
		return k.request, k.personal, nil
	}
	var k known
	var err error
	if k.request, err = w.store.Get(ctx, id); err == nil {
		k.personal, err = w.store.Personal(ctx, id)
	}
	if err != nil {
		return k.request, k.personal, err
	}
	if w.known == nil {
		w.known = map[rights.ID]known{}
	}
	w.known[id] = k
	return k.request, k.personal, nil
}
