// Package step holds one struct for every state of workflows/request.asl.json
// that does something. A struct's fields are what its role may touch; its Do is
// what happens in that state.
//
// Every Do may run twice with the effect of once: it reads the request, moves it
// by compare-and-swap if it stands where the state expects it, and repeats what
// came after the move (a letter, a hand-over) under the same key. A request that
// was withdrawn or denied meanwhile ends the state with that code, which the
// workflow catches.
//
// What a state says to the next are control words, never personal data. Portal
// and console move requests on the person's and the operator's side; work carries
// the shares of the systems.
package step

import (
	"context"
	"fmt"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// In is what every state is told.
type In struct {
	Request rights.ID `json:"request"`
}

// WaitIn is what a state is told that waits for somebody.
type WaitIn struct {
	Request rights.ID `json:"request"`
	Token   string    `json:"token"`
}

// Out is what a state answers that has nothing to say.
type Out struct{}

// going returns the request where it is still to be carried out: Withdrawn or
// Denied where somebody ended it, NotNow where it is over otherwise.
func going(ctx context.Context, store rights.Requests, id rights.ID) (rights.Request, error) {
	r, err := store.Get(ctx, id)
	if err != nil {
		return r, err
	}
	switch r.Status {
	case rights.Revoked:
		return r, &rights.Error{Code: rights.Withdrawn, Detail: "The person took the request back."}
	case rights.Refused:
		return r, &rights.Error{Code: rights.Denied, Detail: "The request was refused."}
	case rights.Lapsed:
		return r, &rights.Error{Code: rights.NotNow, Detail: "The request has expired."}
	}
	return r, nil
}

// wholeSeconds rounds up, so that a workflow's timer never fires before its time.
func wholeSeconds(d time.Duration) int {
	return max(1, int((d+time.Second-1)/time.Second))
}

// seeAgain is the error of a request that stands where a state can't act on it.
func seeAgain(r rights.Request, state string) error {
	return fmt.Errorf("request %s is %s/%s, which %s can't act on", r.ID, r.Status, r.Reason, state)
}
