package connector

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// listed is a system of a Catalogue: it says what it is, and takes no call. Whoever
// only plans or writes letters holds no secret of any system.
type listed struct {
	base
	does func(rights.Action) bool
}

var errListed = errors.New("this process only knows of the system: let a worker call it")

// Does implements System.
func (l listed) Does(a rights.Action) bool { return l.does(a) }

// Locate implements System.
func (l listed) Locate(context.Context, Job) (Answer, error) { return Answer{}, errListed }

// Export implements System.
func (l listed) Export(context.Context, Job, Sink) (Answer, error) { return Answer{}, errListed }

// Erase implements System.
func (l listed) Erase(context.Context, Job) (Answer, error) { return Answer{}, errListed }

// Suppress implements System.
func (l listed) Suppress(context.Context, Job) (Answer, error) { return Answer{}, errListed }

// Callback implements System.
func (l listed) Callback(http.Header, []byte, time.Time, Sink) (Answer, error) {
	return Answer{}, errListed
}
