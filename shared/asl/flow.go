package asl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rightful/rightful/shared/rights"
)

// Flow is rights.Flow on an engine: one machine, one execution a request.
type Flow struct {
	Engine  *Engine
	Machine string
}

var _ rights.Flow = Flow{}

// Start implements rights.Flow.
func (f Flow) Start(ctx context.Context, id rights.ID) error {
	input, err := json.Marshal(map[string]rights.ID{"request": id})
	if err != nil {
		return err
	}
	return f.Engine.Start(ctx, f.Machine, string(id), input)
}

// Resume implements rights.Flow.
func (f Flow) Resume(ctx context.Context, s rights.Signal) error {
	var err error
	if s.Failure != "" {
		err = f.Engine.Fail(ctx, s.Token, string(s.Failure), "")
	} else {
		err = f.Engine.Succeed(ctx, s.Token, json.RawMessage(s.Answer))
	}
	if errors.Is(err, ErrUnknownToken) {
		return nil // it came before, or the wait is over
	}
	return err
}

// Forget implements rights.Flow.
func (f Flow) Forget(ctx context.Context, id rights.ID) error {
	if err := f.Engine.Delete(ctx, string(id)); err != nil {
		return fmt.Errorf("couldn't erase the workflow's record: %w", err)
	}
	return nil
}
