package rights_test

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/rightful/rightful/shared/rights"
)

func TestNewID(t *testing.T) {
	t.Parallel()
	seen := map[rights.ID]bool{}
	for range 1000 {
		id, err := rights.NewID(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if parsed, err := rights.ParseID(string(id)); err != nil || parsed != id || seen[id] {
			t.Fatalf("%s parses as %s, %v", id, parsed, err)
		}
		seen[id] = true
	}
	if _, err := rights.NewID(bytes.NewReader([]byte("short"))); err == nil {
		t.Error("an id was drawn from too little chance")
	}
}

func TestParseID_RefusesWhatPeopleMistype(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"DR", "DR-7K4M-29QX-H3WT-AAAA", "DR-IK4M-29QX-H3WT", "DR-7K4-29QXX-H3WT",
		"DR 7K4M 29QX H3WT", "DR-7K4M-29QX-H3W'", "DR-7K4M-29QX-H3Wé", "DR-7K4M-29QX-H3é",
	} {
		if id, err := rights.ParseID(text); rights.CodeOf(err) != rights.NotFound || id != "" {
			t.Errorf("%q: %s, %v", text, id, err)
		}
	}
}

func FuzzParseID(f *testing.F) {
	for _, seed := range []string{"DR-7K4M-29QX-H3WT", "dr-7k4m-29qx-h3wt", " DR-7K4M-29QX-H3WT ", "DR----", "DR-ıııı-ſſſſ-ßßßß"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := rights.ParseID(text)
		if err != nil {
			return
		}
		if again, err := rights.ParseID(string(id)); err != nil || again != id {
			t.Errorf("%q parses as %q, and that as %q, %v", text, id, again, err)
		}
		if len(id) != len(someID) || strings.Trim(string(id), "-23456789ABCDEFGHJKLMNPQRSTUVWXYZ") != "" {
			t.Errorf("%q became %q", text, id)
		}
	})
}
