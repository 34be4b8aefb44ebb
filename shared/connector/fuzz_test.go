package connector

import (
	"encoding/json"
	"testing"
	"testing/fstest"
	"time"
)

// Whatever comes from outside, nothing panics and no limit is passed.

func FuzzDefinition(f *testing.F) {
	f.Add("kind: http\nname: a\ntitle: A\nbase_url: https://example.com\ncollections:\n  - {name: c, path: /c}\n")
	f.Add("kind: sql\nname: a\ntitle: A\ndsn: x\ncollections: [{}]")
	f.Fuzz(func(_ *testing.T, text string) {
		Load(fstest.MapFS{"a.yaml": {Data: []byte(text)}}, Settings{})
	})
}

func FuzzCallback(f *testing.F) {
	f.Add([]byte(`{"outcome":"done","records":{"c":[{"a":1}]}}`))
	f.Add([]byte(`{"outcome":"kept","keeps":[{"what":"a","why":"b"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := openLate(body, func(_ string, r Record) error {
			if text, err := r.MarshalJSON(); err != nil || !json.Valid(text) {
				t.Errorf("a record is no JSON: %v", err)
			}
			return nil
		})
		if err == nil && !a.Outcome.Ended() {
			t.Errorf("the outcome %q is no end", a.Outcome)
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("Mon, 02 Mar 2026 09:05:00 GMT")
	f.Fuzz(func(t *testing.T, text string) {
		if wait := retryAfter(text, time.Unix(1_700_000_000, 0)); wait < 0 || wait > maxRetryAfter {
			t.Errorf("wait %s", wait)
		}
	})
}

func FuzzPick(f *testing.F) {
	f.Add(`{"a":{"b":[1]}}`, "a.b")
	f.Fuzz(func(_ *testing.T, body, path string) { pick(json.RawMessage(body), path) })
}
