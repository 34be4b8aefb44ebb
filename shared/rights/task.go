package rights

import (
	"fmt"
	"strings"
	"time"
)

// TaskID names one system's share of a request and is the idempotency key of
// every call that carries it out: "DR-7K4M-29QX-H3WT.erase.crm".
type TaskID string

// NewTaskID is the same for the same share, however often a step runs.
func NewTaskID(id ID, action Action, system string) TaskID {
	return TaskID(fmt.Sprintf("%s.%s.%s", id, action, system))
}

// NewSuppression names the share that a system has in one person's choices, which
// belong to no request: the pseudonym stands where a request's id does.
func NewSuppression(person, system string) TaskID {
	return NewTaskID(ID(person), Suppress, system)
}

// OfPerson tells whether the share belongs to a person's choices, and no request.
func (t TaskID) OfPerson() bool {
	_, err := ParseID(string(t.Request()))
	return err != nil
}

// Request is the request the share belongs to.
func (t TaskID) Request() ID {
	id, _, _ := strings.Cut(string(t), ".")
	return ID(id)
}

// System is the system whose share it is.
func (t TaskID) System() string { return string(t[strings.LastIndexByte(string(t), '.')+1:]) }

// Task is the durable row of one system's share. The row is the truth: messages
// about it may be lost or come twice.
type Task struct {
	ID      TaskID
	Request ID
	System  string
	Action  Action
	Wave    int
	Version int64 // compare-and-swap

	Outcome   Outcome // "" until the system answered
	Found     []Found // what Locate counted, or Export and Erase dealt with
	Keeps     []Keep
	Reference string // the vendor's own id of the job
	Note      string // an operator's reason; names no person
	Address   []byte // sealed: whom a share is about that belongs to no request; gone when it ends

	Tries    int       // since it was handed over or retried by hand
	Attempts []Attempt // the newest last, at most MaxAttempts
	Due      time.Time // when to try next; zero where nobody but the system or an operator can move it
	Ended    time.Time // zero while it is open
}

// Found is how many records of one kind a system holds, exported or removed.
type Found struct {
	Collection string // "invoices"
	Count      int
}

// Attempt is one call to the system.
type Attempt struct {
	At      time.Time
	Problem string // "" where it went well; else a short text of ours such as "answered 503"
}

// MaxAttempts is how many attempts a row remembers; older ones are forgotten.
const MaxAttempts = 20

// Records is the sum over t.Found.
func (t Task) Records() int {
	n := 0
	for _, f := range t.Found {
		n += f.Count
	}
	return n
}

// Open tells whether the share still holds its wave up.
func (t Task) Open() bool { return t.Ended.IsZero() }

// Tried returns t with one more attempt on its row.
func (t Task) Tried(at time.Time, problem string) Task {
	t.Tries++
	t.Attempts = append(append([]Attempt(nil), t.Attempts...), Attempt{At: at, Problem: problem})
	if over := len(t.Attempts) - MaxAttempts; over > 0 {
		t.Attempts = t.Attempts[over:]
	}
	return t
}

// End returns t as ended with o.
func (t Task) End(o Outcome, at time.Time) Task {
	t.Outcome, t.Ended, t.Due, t.Address = o, at, time.Time{}, nil
	return t
}
