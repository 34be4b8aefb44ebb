package step

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/rights"
)

// Plan makes the answers of Locate into the plan: which system goes in which
// wave, and how much it holds. The plan's hash is what an approval is bound to.
type Plan struct {
	Store   rights.Store
	Systems []connector.System
	Now     func() time.Time
}

// PlanOut tells the workflow the waves, of which there is at least one, and
// whether there is a copy to pack.
type PlanOut struct {
	Waves  []int `json:"waves"`
	Export bool  `json:"export"`
}

// Do plans.
func (s Plan) Do(ctx context.Context, in In) (PlanOut, error) {
	r, err := going(ctx, s.Store, in.Request)
	if err != nil {
		return PlanOut{}, err
	}
	out := PlanOut{Export: r.Right.Action() == rights.Export}
	for _, system := range s.Systems {
		out.Waves = append(out.Waves, system.Wave())
	}
	if len(out.Waves) == 0 {
		out.Waves = []int{1} // nobody to ask: an empty wave is over at once
	}
	slices.Sort(out.Waves)
	out.Waves = slices.Compact(out.Waves)

	tasks, err := s.Store.TasksOf(ctx, r.ID)
	if err != nil {
		return PlanOut{}, err
	}
	hash, records := planHash(r, tasks)
	if r.Plan.Hash == hash && r.Reason != rights.AtSystems {
		return out, nil
	}
	if r, err = r.Back(); err != nil {
		return PlanOut{}, err
	}
	r.Plan, r.Wait = rights.Plan{Hash: hash}, rights.Wait{}
	line := r.Record(s.Now(), rights.ByRightful, rights.Planned, map[string]string{"plan": hash, "systems": fmt.Sprint(len(s.Systems)), "records": fmt.Sprint(records)})
	_, err = s.Store.Move(ctx, r, rights.Change{Events: []rights.Event{line}})
	return out, err
}

// planHash is over what would be done where and to how many records. Task ids
// come sorted from the store.
func planHash(r rights.Request, tasks []rights.Task) (string, int) {
	type entry struct {
		System  string
		Action  rights.Action
		Outcome rights.Outcome
		Found   []rights.Found
	}
	entries, records := []entry{}, 0
	for _, t := range tasks {
		if t.Action == rights.Locate {
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
