package rights

import (
	"context"
	"time"
)

// Store keeps requests, their sealed personal fields, ledgers and tasks. It has
// two implementations, sqlite and dynamo, and storetest is this text as tests.
//
// Every method is atomic: it took effect as a whole or not at all. A method that
// returned an error may still have taken effect (the answer was lost); calling it
// again is safe and ends in the same state. Times are kept to the second, in UTC.
// Errors are of type *Error: NotFound, Conflict and the codes named below;
// everything else is Internal and may be tried again.
type Store interface {
	Requests
	Tasks
	Signals
	Limits
	Preferences
}

// Requests is the part of a Store that keeps requests and ledgers.
type Requests interface {
	// Create stores a new request at version 1 with its personal fields, its events
	// and its signals. Where n.Key is known already it stores nothing and returns
	// the request that came first, or KeyReused where that had another Fingerprint.
	// An id that is taken is a Conflict.
	Create(ctx context.Context, n Creation) (Request, error)

	// Replayed returns the request that was stored under an idempotency key, a zero
	// Request where none was, or KeyReused where it had another fingerprint.
	Replayed(ctx context.Context, key, fingerprint string) (Request, error)

	// Get returns a request as it is now.
	Get(ctx context.Context, id ID) (Request, error)

	// Personal opens the sealed fields; NotFound once the key is destroyed.
	Personal(ctx context.Context, id ID) (Personal, error)

	// Move stores r over the version it was read at, with everything in c, and
	// returns it one version later. Of two movers one wins, the other gets Conflict
	// and has to read again.
	Move(ctx context.Context, r Request, c Change) (Request, error)

	// Ledger returns the events of a request, oldest first.
	Ledger(ctx context.Context, id ID) ([]Event, error)

	// List returns the requests that f names, the nearest deadline first, and the
	// cursor of the next page, "" at the end. A page may be shorter than the limit, and
	// even empty, with more behind it.
	List(ctx context.Context, f Filter) ([]Request, string, error)

	// Erase destroys the request's key first and then removes everything of it.
	// Erasing what isn't there is done.
	Erase(ctx context.Context, id ID) error
}

// Creation is a request with all that has to be stored in the same instant.
type Creation struct {
	Request     Request
	Personal    Personal
	Events      []Event
	Signals     []Signal
	Key         string // the caller's idempotency key; "" for none
	Fingerprint string // of the body that came with the key
}

// Change is what goes with a move in the same transaction.
type Change struct {
	Events   []Event
	Signals  []Signal
	Personal *Personal // replaces the sealed fields; nil leaves them
}

// Filter narrows a List. Zero fields don't narrow.
type Filter struct {
	Status       Status
	Reason       Reason
	Right        Right
	SubjectKey   string
	DueBefore    time.Time // ExpectedBy is earlier, and the request isn't closed
	EraseAfter   time.Time // RetainUntil is set and not later: a list to work off, without a cursor
	ExportBefore time.Time // there is an export, packed not later: the same
	Limit        int       // 0 means 50, at most 500
	Cursor       string    // from the page before; a foreign one is Invalid
}

// Tasks is the part of a Store that keeps each system's share and the waves.
type Tasks interface {
	// OpenWave stores the tasks that aren't stored yet and the set of those that are
	// still open, under the token that resumes the workflow. Opening a wave again
	// keeps every task as it is and puts the new token in force. Where nothing is
	// open, the wave's signal is left in the same write and returned.
	OpenWave(ctx context.Context, w Wave, tasks []Task) ([]Signal, error)

	// Task returns one share.
	Task(ctx context.Context, id TaskID) (Task, error)

	// TasksOf returns every share of a request, in order of their ids.
	TasksOf(ctx context.Context, id ID) ([]Task, error)

	// MoveTask stores t over the version it was read at. A task that it ends leaves
	// its wave's set after that; whoever empties the set leaves the wave's signal in
	// the same write, and gets it returned. An operator's decision d moves the request
	// with its ledger line in one write with the task; d is nil for a worker. Moving
	// an ended task, and losing either race, is a Conflict.
	MoveTask(ctx context.Context, t Task, d *Decision) (Task, []Signal, error)

	// DueTasks returns open tasks whose Due has come, the earliest first. A task that
	// was never tried may be left out for five minutes after its wave was opened:
	// whoever opened the wave has handed it over.
	DueTasks(ctx context.Context, until time.Time, limit int) ([]TaskID, error)

	// CheckWaves finishes what a crash left between a task's end and its leaving the
	// wave, and returns the signals that this left. It looks at a wave after five
	// minutes, and then ever more rarely.
	CheckWaves(ctx context.Context, now time.Time) ([]Signal, error)
}

// Decision is what an operator decided about a task, as it goes into the ledger.
type Decision struct {
	Request Request // as read, with the events recorded
	Events  []Event
}

// Wave is one transition of the workflow: a set of shares that go at once.
type Wave struct {
	Key     string // unique: "DR-7K4M-29QX-H3WT.erase.1"
	Request ID
	Token   string
	Then    Code // the error in which its wait ends: where the workflow goes on; "" straight on
	At      time.Time
}

// Signals is the outbox between what is stored and the workflow.
type Signals interface {
	// PendingSignals returns signals that were left and not cleared, oldest first.
	PendingSignals(ctx context.Context, limit int) ([]Signal, error)

	// ClearSignal removes a signal that was delivered. Clearing twice is done.
	ClearSignal(ctx context.Context, key string) error
}

// Signal is what the workflow has to be told. It is stored with the move that
// causes it and delivered at least once.
type Signal struct {
	Key     string // unique; the same cause has the same key
	Request ID
	Token   string // "" starts the workflow; else the wait that is over
	Answer  string // JSON of control words, given to the workflow
	Failure Code   // instead of an Answer: the wait ends in this error
	At      time.Time
}

// StartSignal starts a request's workflow.
func StartSignal(id ID, at time.Time) Signal {
	return Signal{Key: string(id) + ".start", Request: id, At: at}
}

// Resume ends the wait w with an answer.
func (r Request) Resume(answer string, at time.Time) []Signal { return r.resume(answer, "", at) }

// Interrupt ends the wait w with an error.
func (r Request) Interrupt(failure Code, at time.Time) []Signal { return r.resume("", failure, at) }

func (r Request) resume(answer string, failure Code, at time.Time) []Signal {
	if r.Wait.Token == "" {
		return nil
	}
	return []Signal{{Key: string(r.ID) + ".wait." + string(r.Wait.For) + "." + fingerprint(r.Wait.Token), Request: r.ID, Token: r.Wait.Token, Answer: answer, Failure: failure, At: at}}
}

// Signal is what resumes the workflow when the wave's set is empty.
func (w Wave) Signal(at time.Time) Signal {
	s := Signal{Key: w.Key + "." + fingerprint(w.Token), Request: w.Request, Token: w.Token, Failure: w.Then, At: at}
	if w.Then == "" {
		s.Answer = "{}"
	}
	return s
}

// Limits is the part of a Store that counts what a stranger can repeat.
type Limits interface {
	// Count adds one to a key's counter and tells how long to wait where that is
	// more than most within the window; it counts nothing then. 0 means go on.
	Count(ctx context.Context, key string, most int, window time.Duration, now time.Time) (time.Duration, error)
}
