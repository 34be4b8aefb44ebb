package rights

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Plan is what Locate found and what an approval is bound to.
type Plan struct {
	Hash       string // "sha256:…" over every system, action and count; "" until there is one
	ApprovedAt time.Time
}

// PlanOf is the hash of what would be done where and to how many records, and their
// sum. The tasks come in order of their ids.
func PlanOf(r Request, tasks []Task) (hash string, records int) {
	type entry struct {
		System  string
		Action  Action
		Outcome Outcome
		Found   []Found
	}
	entries := []entry{}
	for _, t := range tasks {
		if t.Action == Locate {
			entries = append(entries, entry{t.System, r.Right.Action(), t.Outcome, t.Found})
			records += t.Records()
		}
	}
	text, err := json.Marshal(entries)
	if err != nil {
		panic("a plan of words and numbers can't be written as JSON: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:]), records
}
