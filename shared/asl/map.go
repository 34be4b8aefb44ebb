package asl

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

func (r *run) startMap(f *frame) {
	b := r.bindings(f, nil)
	value, failed := f.input, (*failure)(nil)
	if t := f.state.items; t != nil {
		if value, failed = t.value(b, "Items"); failed == nil && kindOf(value) != "array" {
			failed = t.unexpected("Items", "array", value)
		}
	} else if kindOf(value) != "array" {
		failed = &failure{name: queryFailed, cause: fmt.Sprintf("Map state input must be an array but was: %s", value)}
	}
	var items []json.RawMessage
	if failed == nil && json.Unmarshal(value, &items) != nil {
		failed = &failure{name: queryFailed, cause: "Map state input must be an array"}
	}
	e := event{Type: "MapStateStarted", Frame: f.id, Items: items}
	if failed == nil {
		failed = r.mapLimits(f, b, &e)
	}
	if failed != nil {
		r.evaluationFailed(f, failed)
		return
	}
	if e.Items == nil {
		e.Items = []json.RawMessage{}
	}
	r.emit(e)
	r.proceed(f)
}

// maxIterations is how many iterations of an inline Map the service runs at once.
const maxIterations = 40

func (r *run) mapLimits(f *frame, b *bindings, e *event) *failure {
	var failed *failure
	if t := f.state.concurrency; t != nil {
		if e.Limit, failed = t.seconds(b, "MaxConcurrency", 0); failed != nil {
			return failed
		}
	}
	if e.Limit == 0 || e.Limit > maxIterations {
		e.Limit = maxIterations
	}
	if t := f.state.tolerated; t != nil {
		if e.Tolerated, failed = t.seconds(b, "ToleratedFailureCount", 0); failed != nil {
			return failed
		}
	}
	if t := f.state.toleratedPercent; t != nil {
		value, failed := t.value(b, "ToleratedFailurePercentage")
		if failed != nil {
			return failed
		}
		percent, err := strconv.ParseFloat(string(value), 64)
		if err != nil || percent < 0 || percent > 100 {
			return t.unexpected("ToleratedFailurePercentage", "number", value)
		}
		// Where both are given, the state fails when it exceeds either.
		share := int(math.Floor(percent * float64(len(e.Items)) / 100))
		if f.state.tolerated == nil || share < e.Tolerated {
			e.Tolerated = share
		}
	}
	return nil
}

// fill starts iterations up to the limit.
func (r *run) fill(f *frame) {
	for c := f.children; c != nil && c.next < len(c.items) && (c.limit == 0 || len(c.live) < c.limit); {
		index, input := c.next, c.items[c.next]
		if t := f.state.selector; t != nil {
			b := r.bindings(f, map[string]json.RawMessage{"item": input, "index": json.RawMessage(strconv.Itoa(index))})
			var failed *failure
			if input, failed = t.value(b, "ItemSelector"); failed != nil {
				r.evaluationFailed(f, failed)
				return
			}
			if r.tooLarge(f, input) {
				return
			}
		}
		id := r.x.lastFrame + 1
		// The service points an iteration at the one that made room for it.
		r.emit(event{Type: "MapIterationStarted", Frame: id, Parent: f.id, State: f.state.name, Index: index, Input: input, Prev: f.prev})
		r.enter(r.x.frames[id], f.state.processor.start, input)
	}
}

func (r *run) startParallel(f *frame) {
	input := f.input
	if t := f.state.arguments; t != nil {
		var failed *failure
		if input, failed = t.value(r.bindings(f, nil), "Arguments"); failed != nil {
			r.evaluationFailed(f, failed)
			return
		}
		if r.tooLarge(f, input) {
			return
		}
	}
	r.emit(event{Type: "ParallelStateStarted", Frame: f.id})
	for i, branch := range f.state.branches {
		id := r.x.lastFrame + 1
		r.emit(event{Type: evBranch, Frame: id, Parent: f.id, Index: i, Input: input})
		r.enter(r.x.frames[id], branch.start, input)
	}
}
