package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

func list(t *testing.T, s rights.Store) {
	const all = 120
	for n := range all {
		c := creation(n)
		c.Request.ExpectedBy = at.Add(time.Duration(n%7) * time.Hour)
		if n%2 == 0 {
			c.Request.Right = rights.Access
		}
		must[rights.Request](t)(s.Create(t.Context(), c))
	}
	seen, cursor := []rights.Request{}, ""
	for page := 0; page == 0 || cursor != ""; page++ {
		found, next, err := s.List(t.Context(), rights.Filter{Limit: 50, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		seen, cursor = append(seen, found...), next
	}
	if len(seen) != all {
		t.Errorf("the pages hold %d requests, want %d", len(seen), all)
	}
	for i := 1; i < len(seen); i++ {
		if seen[i].ExpectedBy.Before(seen[i-1].ExpectedBy) {
			t.Errorf("request %d comes before a nearer deadline", i-1)
		}
	}
	count := func(f rights.Filter) int {
		f.Limit = 500
		found, _, err := s.List(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	for want, f := range map[int]rights.Filter{
		60:  {Right: rights.Access},
		120: {SubjectKey: "subject-key"},
		0:   {Status: rights.Fulfilled},
		18:  {DueBefore: at.Add(time.Second)},
	} {
		if got := count(f); got != want {
			t.Errorf("%+v finds %d, want %d", f, got, want)
		}
	}
}

// listOrder: no request comes twice or is left out where pages are smaller than
// the requests that share a deadline.
func listOrder(t *testing.T, s rights.Store) {
	const all = 30
	for n := range all {
		c := creation(n)
		c.Request.ExpectedBy = at.Add(time.Duration(n/15) * time.Hour)
		must[rights.Request](t)(s.Create(t.Context(), c))
	}
	var seen []rights.ID
	for f := (rights.Filter{Limit: 4}); ; {
		found, next, err := s.List(t.Context(), f)
		if err != nil || len(found) > 4 {
			t.Fatalf("%d requests, %v", len(found), err)
		}
		for _, r := range found {
			seen = append(seen, r.ID)
		}
		if f.Cursor = next; next == "" {
			break
		}
	}
	once := slices.Compact(slices.Sorted(slices.Values(seen)))
	if len(seen) != all || len(once) != all {
		t.Errorf("the pages hold %d requests, %d of them once", len(seen), len(once))
	}
}

func listDates(t *testing.T, s rights.Store) {
	open, closed := create(t, s, 1), create(t, s, 2)
	closed, err := closed.Withdraw(at)
	if err != nil {
		t.Fatal(err)
	}
	closed.RetainUntil = at.Add(time.Hour)
	must[rights.Request](t)(s.Move(t.Context(), closed, rights.Change{}))
	for name, c := range map[string]struct {
		filter rights.Filter
		want   []rights.ID
	}{
		"due, and not closed":    {rights.Filter{DueBefore: open.ExpectedBy.Add(time.Second)}, []rights.ID{open.ID}},
		"not due yet":            {rights.Filter{DueBefore: open.ExpectedBy}, nil},
		"erasable":               {rights.Filter{EraseAfter: at.Add(time.Hour)}, []rights.ID{closed.ID}},
		"not erasable yet":       {rights.Filter{EraseAfter: at.Add(time.Hour - time.Second)}, nil},
		"withdrawn":              {rights.Filter{Status: rights.Revoked}, []rights.ID{closed.ID}},
		"open, of the same form": {rights.Filter{Status: rights.Open, Right: rights.Erasure, SubjectKey: "subject-key"}, []rights.ID{open.ID}},
		"somebody else's":        {rights.Filter{SubjectKey: "other"}, nil},
		"reason alone":           {rights.Filter{Reason: rights.NeedsReview}, nil},
	} {
		found, _, err := s.List(t.Context(), c.filter)
		if err != nil {
			t.Fatal(err)
		}
		var got []rights.ID
		for _, r := range found {
			got = append(got, r.ID)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func listLimit(t *testing.T, s rights.Store) {
	for n := range 60 {
		create(t, s, n)
	}
	for limit, want := range map[int]int{0: 50, 7: 7, 60: 60, 500: 60, 10_000: 60} {
		found, next, err := s.List(t.Context(), rights.Filter{Limit: limit})
		if err != nil {
			t.Fatal(err)
		}
		if len(found) != want || (next == "") != (want == 60) {
			t.Errorf("a limit of %d gives %d requests and the cursor %q", limit, len(found), next)
		}
	}
}

func foreignCursor(t *testing.T, s rights.Store) {
	create(t, s, 1)
	for _, cursor := range []string{"not one of ours", "AAAA", "eHx5", "\x00", "%"} {
		_, _, err := s.List(t.Context(), rights.Filter{Cursor: cursor})
		wantCode(t, err, rights.Invalid)
	}
}
