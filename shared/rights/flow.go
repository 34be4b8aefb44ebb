package rights

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
)

// Flow runs the workflow of requests. It has two implementations, asl on one
// machine and sfn in the cloud. Every method may be called twice with the effect
// of once.
type Flow interface {
	// Start starts the workflow of a request under the request's id.
	Start(ctx context.Context, id ID) error

	// Resume ends the wait that holds s.Token, with s.Answer or s.Failure. A token
	// that nobody waits on any more is done.
	Resume(ctx context.Context, s Signal) error

	// Forget erases what a finished workflow has recorded.
	Forget(ctx context.Context, id ID) error
}

// Queue hands tasks to workers. It has two implementations: goroutines on one
// machine, SQS in the cloud. A task that is lost on the way is found by the sweep.
type Queue interface {
	Hand(ctx context.Context, tasks ...TaskID) error
}

func fingerprint(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}
