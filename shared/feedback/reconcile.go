package feedback

import (
	"context"
	"time"
)

// List is a mail system's own list of whom it doesn't mail: it hands on what came to
// it since a time, by complaints and else by bounces.
type List func(ctx context.Context, since time.Time, take func(address string, complained bool, at time.Time) error) error

// Reconcile keeps what the list says and an event didn't bring: SES sends events as
// best it can. It returns how many entries it saw.
func (f Feedback) Reconcile(ctx context.Context, list List, since time.Time) (int, error) {
	seen := 0
	err := list(ctx, since, func(address string, complaint bool, at time.Time) error {
		seen++
		n := news{kind: bounced, addresses: []string{address}, at: at}
		if complaint {
			n.kind = complained
		}
		return f.suppress(ctx, n)
	})
	return seen, err
}
