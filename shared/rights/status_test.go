package rights_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rightful/rightful/shared/rights"
)

type position struct {
	Status rights.Status
	Reason rights.Reason
}

func (p position) String() string { return string(p.Status) + "/" + string(p.Reason) }

var at = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

type move struct {
	name string
	do   func(rights.Request) (rights.Request, error)
}

// moves is all that can happen to a request.
func moves() []move {
	all := []move{
		{"acknowledged", func(r rights.Request) (rights.Request, error) {
			return r.Acknowledged(r.Proof.Renew(at, time.Hour))
		}},
		{"proven", func(r rights.Request) (rights.Request, error) { return r.Proven(at) }},
		{"lapse", func(r rights.Request) (rights.Request, error) { return r.Lapse(at) }},
		{"withdraw", func(r rights.Request) (rights.Request, error) { return r.Withdraw(at) }},
		{"fulfil", func(r rights.Request) (rights.Request, error) { return r.Fulfil(at) }},
		{"handed", func(r rights.Request) (rights.Request, error) {
			return r.Handed(rights.Wait{For: rights.ForWave, Token: "t"})
		}},
		{"to review", func(r rights.Request) (rights.Request, error) {
			return r.ToReview(rights.Wait{For: rights.ForReview, Token: "t"})
		}},
		{"back", func(r rights.Request) (rights.Request, error) { return r.Back() }},
	}
	for _, ground := range rights.Grounds() {
		all = append(all, move{"refuse " + string(ground), func(r rights.Request) (rights.Request, error) { return r.Refuse(ground, at) }})
	}
	return all
}

func received(right rights.Right) rights.Request {
	return rights.NewRequest("DR-TEST-2222-2222", right, rights.Personal{}, "key", rights.DefaultRegimes(), at)
}

// TestTransitions walks at random: what is closed stays as it is.
func TestTransitions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := received(rapid.SampledFrom(rights.Rights()).Draw(t, "right"))
		for range 12 {
			m := rapid.SampledFrom(moves()).Draw(t, "move")
			next, err := m.do(r)
			switch {
			case err != nil && rights.CodeOf(err) != rights.NotNow:
				t.Fatalf("%s failed with %v", m.name, err)
			case err == nil && r.Status.Closed():
				t.Fatalf("%s led from %s to %s", m.name, r.Status, next.Status)
			case err == nil && next.Status.Closed() == next.ClosedAt.IsZero():
				t.Fatalf("%s, closed at %s", next.Status, next.ClosedAt)
			case err == nil && next.Status == rights.Refused && !next.Reason.Ground():
				t.Fatalf("refused on %q", next.Reason)
			case err == nil:
				r = next
			}
		}
	})
}

func TestTransitions_EveryPlaceIsReached(t *testing.T) {
	t.Parallel()
	want := []position{
		{rights.Open, ""}, {rights.InProgress, ""}, {rights.InProgress, rights.NeedsProof}, {rights.InProgress, rights.AtSystems},
		{rights.InProgress, rights.NeedsReview}, {rights.Fulfilled, ""}, {rights.Revoked, ""}, {rights.Lapsed, ""},
	}
	for _, ground := range rights.Grounds() {
		want = append(want, position{rights.Refused, ground})
	}
	seen := map[position]bool{}
	var walk func(rights.Request)
	walk = func(r rights.Request) {
		here := position{r.Status, r.Reason}
		if seen[here] {
			return
		}
		seen[here] = true
		for _, m := range moves() {
			if next, err := m.do(r); err == nil {
				walk(next)
			}
		}
	}
	walk(received(rights.Access))
	var got []position
	for p := range seen {
		got = append(got, p)
	}
	order := func(a, b position) int { return slices.Compare([]string{a.String()}, []string{b.String()}) }
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTransitions_AreThese holds every move that leads to another place; refusals
// on all grounds are one.
func TestTransitions_AreThese(t *testing.T) {
	t.Parallel()
	want := []string{
		"open/ > in_progress/", "open/ > in_progress/need_user_verification", "open/ > revoked/",
		"in_progress/need_user_verification > in_progress/", "in_progress/need_user_verification > expired/",
		"in_progress/need_user_verification > revoked/", "in_progress/need_user_verification > denied/",
		"in_progress/ > in_progress/at_systems", "in_progress/ > in_progress/need_review",
		"in_progress/ > fulfilled/", "in_progress/ > revoked/", "in_progress/ > denied/",
		"in_progress/at_systems > in_progress/", "in_progress/at_systems > in_progress/need_review",
		"in_progress/at_systems > fulfilled/", "in_progress/at_systems > revoked/",
		"in_progress/need_review > in_progress/", "in_progress/need_review > revoked/", "in_progress/need_review > denied/",
	}
	seen := map[string]bool{}
	var walk func(rights.Request)
	walk = func(r rights.Request) {
		for _, m := range moves() {
			next, err := m.do(r)
			if err != nil || next.Status == r.Status && next.Reason == r.Reason {
				continue
			}
			to := position{next.Status, next.Reason}
			if to.Status == rights.Refused {
				to.Reason = ""
			}
			if edge := (position{r.Status, r.Reason}).String() + " > " + to.String(); !seen[edge] {
				seen[edge] = true
				walk(next)
			}
		}
	}
	walk(received(rights.Access))
	walk(received(rights.Unsubscribe))
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(seen))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	r, err := received(rights.Access).Acknowledged(rights.Challenge{})
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range []rights.Reason{"", "*", rights.NeedsProof, "made_up"} {
		if _, err := r.Refuse(reason, at); rights.CodeOf(err) != rights.NotNow {
			t.Errorf("refusing on %q: %v", reason, err)
		}
	}
}

func TestRights(t *testing.T) {
	t.Parallel()
	if n := len(rights.Rights()); n != 11 {
		t.Errorf("%d rights are offered", n)
	}
	for _, right := range rights.Rights() {
		r, err := received(right).Acknowledged(rights.Challenge{Serial: 1})
		if err != nil {
			t.Fatal(err)
		}
		if !right.Known() || right.Name() == "" || (r.Reason == rights.NeedsProof) != right.NeedsProof() {
			t.Errorf("%s: known %t, named %q, goes to %s/%s", right, right.Known(), right.Name(), r.Status, r.Reason)
		}
	}
	if unknown := rights.Right("teleport"); unknown.Known() || !unknown.NeedsProof() || unknown.Action() != rights.Manual {
		t.Error("an unknown right gets more than a person's work after a proof")
	}
}

func TestChallenge(t *testing.T) {
	t.Parallel()
	first := rights.Challenge{Wrong: 4}.Renew(at, time.Hour)
	second := first.Renew(at.Add(time.Minute), time.Hour)
	for name, c := range map[string]struct {
		serial int
		now    time.Time
		code   rights.Code
	}{
		"InForce":          {2, at.Add(60 * time.Minute), ""},
		"RunOut":           {2, at.Add(61 * time.Minute), rights.Expired},
		"ReplacedByNewer":  {1, at.Add(2 * time.Minute), rights.Expired},
		"FromAnotherWorld": {3, at, rights.Expired},
	} {
		t.Run(name, func(t *testing.T) {
			err := second.Check(c.serial, c.now)
			if c.code == "" && err != nil || c.code != "" && !errors.Is(err, &rights.Error{Code: c.code}) {
				t.Errorf("got %v, want %q", err, c.code)
			}
		})
	}
	if first.Wrong != 0 {
		t.Error("a new mail keeps the wrong guesses of the old one")
	}
	for wrong := range rights.MaxWrong + 2 {
		if locked := (rights.Challenge{Wrong: wrong}).Locked(); locked != (wrong >= rights.MaxWrong) {
			t.Errorf("after %d wrong codes: locked %t", wrong, locked)
		}
	}
}
