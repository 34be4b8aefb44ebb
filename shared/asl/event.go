package asl

import "encoding/json"

// event is one recorded fact about an execution. Events are the truth: an
// execution is what apply makes of them. Most are the service's own history
// events; a type that starts with "_" is ours and has no ID.
//
// The field names are the file format: an event written by any release has to be
// readable by every later one.
type event struct {
	ID    int64  `json:"id,omitempty"`   // place in the history
	Prev  int64  `json:"prev,omitempty"` // the event that led to it
	Type  string `json:"type"`
	At    int64  `json:"at"` // milliseconds since 1970
	Frame int    `json:"frame,omitempty"`

	State  string                     `json:"state,omitempty"`
	Input  json.RawMessage            `json:"input,omitempty"`
	Output json.RawMessage            `json:"output,omitempty"`
	Assign map[string]json.RawMessage `json:"assign,omitempty"`
	Next   string                     `json:"next,omitempty"`

	Error    string `json:"error,omitempty"`
	Cause    string `json:"cause,omitempty"`
	Location string `json:"location,omitempty"`

	Ref       int64             `json:"ref,omitempty"` // of a task or a timer; unique in the execution
	Due       int64             `json:"due,omitempty"` // of a timer
	Function  string            `json:"function,omitempty"`
	Wait      bool              `json:"wait,omitempty"`  // for a task token
	Token     []byte            `json:"token,omitempty"` // its SHA-256
	Timeout   int               `json:"timeout,omitempty"`
	Heartbeat int               `json:"heartbeat,omitempty"`
	Retrier   int               `json:"retrier,omitempty"`
	Parent    int               `json:"parent,omitempty"`
	Index     int               `json:"index,omitempty"`
	Items     []json.RawMessage `json:"items,omitempty"`
	Limit     int               `json:"limit,omitempty"`
	Tolerated int               `json:"tolerated,omitempty"`
}

// The internal types.
const (
	evRetry     = "_Retry"     // a failed state is tried again at Due
	evBegin     = "_Begin"     // and is begun again: the pause is over
	evYield     = "_Yield"     // a state begins in another transaction: this one has grown long
	evWait      = "_Wait"      // a Wait state goes on at Due
	evBranch    = "_Branch"    // a Parallel branch begins in a new frame
	evBranchEnd = "_BranchEnd" // and has its result
	evToken     = "_Token"     // a repeated call has another token
	evHeartbeat = "_Heartbeat" // the lapse of a heartbeat was put off to Due
	evDeadline  = "_Deadline"  // the whole execution times out at Due
)

func (e event) internal() bool { return e.Type[0] == '_' }
