package bundle_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rightful/rightful/shared/bundle"
	"github.com/rightful/rightful/shared/rights"
)

var update = flag.Bool("update", false, "write the golden index anew; read it before you commit it")

var made = time.Date(2026, 3, 14, 9, 30, 0, 0, time.UTC)

// part is a system's share with these lines.
func part(name string, outcome rights.Outcome, lines ...string) bundle.Share {
	return bundle.Share{Name: name, Title: strings.ToUpper(name), Outcome: outcome, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(strings.Join(lines, "\n"))), nil
	}}
}

func write(t rapid.TB, systems ...bundle.Share) map[string]string {
	t.Helper()
	var out bytes.Buffer
	b := bundle.Bundle{Request: "DR-TEST-2222-2222", Right: rights.Access, Company: "Example & Sons", ReceivedAt: made.AddDate(0, 0, -7), MadeAt: made, Systems: systems}
	if _, err := bundle.Write(context.Background(), &out, b); err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for i, f := range archive.File {
		if i == 0 && f.Name != "index.html" {
			t.Errorf("the first file is %s", f.Name)
		}
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := files[f.Name]; twice || !filepath.IsLocal(f.Name) || strings.Contains(f.Name, "..") {
			t.Errorf("the name %q is there twice or leads elsewhere", f.Name)
		}
		files[f.Name] = string(text)
	}
	return files
}

func TestIndex(t *testing.T) {
	shop := part("shop", rights.Done,
		`{"collection":"orders","record":{"id":1,"item":"Tea <b>pot</b>","price":12.50}}`,
		`{"collection":"orders","record":{"id":2,"item":"=HYPERLINK(\"x\")","note":null}}`)
	billing := bundle.Share{Name: "billing", Title: "Invoices", Outcome: rights.Kept, Keeps: []rights.Keep{{What: "invoices", Count: 3, Why: "Tax law.", Until: made.AddDate(10, 0, 0)}}}
	got := write(t, shop, billing, bundle.Share{Name: "mail", Title: "Newsletters", Outcome: rights.NoData})["index.html"]
	golden := filepath.Join("testdata", "index.golden.html")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-golden +got):\n%s", diff)
	}
	if strings.Contains(got, "<b>pot") || strings.Contains(got, "<script") {
		t.Error("foreign text is not escaped")
	}
}

func TestEmptySaysSo(t *testing.T) {
	if got := write(t)["index.html"]; !strings.Contains(got, "None of our systems holds anything") {
		t.Error("an empty export has no words for it")
	}
	skipped := bundle.Share{Name: "mail", Title: "Newsletters", Outcome: rights.Skipped}
	if got := write(t, skipped)["index.html"]; strings.Contains(got, "None of our systems") || !strings.Contains(got, "This was left out.") {
		t.Error("a system that was left out is said to hold nothing")
	}
}

func TestSumsAreRight(t *testing.T) {
	files := write(t, part("shop", rights.Done, `{"collection":"orders","record":{"id":1}}`))
	var manifest struct {
		Files []struct {
			Path, SHA256 string
			Bytes        int
		}
	}
	if err := json.Unmarshal([]byte(files["manifest.json"]), &manifest); err != nil {
		t.Fatal(err)
	}
	var described struct{ Resources []struct{ Path, Hash string } }
	if err := json.Unmarshal([]byte(files["datapackage.json"]), &described); err != nil {
		t.Fatal(err)
	}
	sum := func(path string) string {
		s := sha256.Sum256([]byte(files[path]))
		return hex.EncodeToString(s[:])
	}
	if len(manifest.Files) != len(files)-1 || len(described.Resources) != 2 {
		t.Errorf("%d files and %d resources are listed", len(manifest.Files), len(described.Resources))
	}
	for _, f := range manifest.Files {
		if f.SHA256 != sum(f.Path) || f.Bytes != len(files[f.Path]) {
			t.Errorf("the manifest is wrong about %s", f.Path)
		}
	}
	for _, r := range described.Resources {
		if r.Hash != "sha256:"+sum(r.Path) {
			t.Errorf("the descriptor is wrong about %s", r.Path)
		}
	}
}

// TestRecordsComeBack: whatever systems hold and call it, every record is in the
// archive, as JSON and as CSV, and no cell runs in a spreadsheet.
func TestRecordsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"=1+1", "+49 1", "-5", "-5+1", "@x", "\tx", "＝1", "\r=1", "a,b", `"`, "\n", "../../x", ""}))
		type line struct {
			Collection string            `json:"collection"`
			Record     map[string]string `json:"record"`
		}
		var lines []string
		records := map[string][]map[string]string{}
		for range rapid.IntRange(0, 8).Draw(t, "n") {
			l := line{rapid.StringN(1, 10, -1).Draw(t, "collection"), map[string]string{"a": text.Draw(t, "a"), "b": text.Draw(t, "b")}}
			out, err := json.Marshal(l)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, string(out))
			var back line
			if err := json.Unmarshal(out, &back); err != nil {
				t.Fatal(err)
			}
			records[back.Collection] = append(records[back.Collection], back.Record)
		}
		files := write(t, part(rapid.StringN(1, 10, -1).Draw(t, "system"), rights.Done, lines...))
		found := 0
		for name, content := range files {
			if !strings.HasPrefix(name, "data/") {
				continue
			}
			if strings.HasSuffix(name, ".json") {
				var list []map[string]string
				if err := json.Unmarshal([]byte(content), &list); err != nil {
					t.Fatal(err)
				}
				for _, want := range records {
					if cmp.Equal(want, list) {
						found++
						break
					}
				}
				continue
			}
			rows, err := csv.NewReader(strings.NewReader(content)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				for _, cell := range row {
					if strings.ContainsAny(cell[:min(1, len(cell))], "=+@\t\r") && strings.Trim(cell, "+0123456789.") != "" {
						t.Fatalf("a spreadsheet would run %q", cell)
					}
				}
			}
		}
		if found < len(records) {
			t.Fatalf("%d of %d collections came back", found, len(records))
		}
	})
}

func TestNumbersStayNumbers(t *testing.T) {
	got := write(t, part("shop", rights.Done, `{"collection":"c","record":{"a":-12.5,"b":12345678901234567890.10,"c":"-5+1","d":{"x":[1]}}}`))["data/shop/c.csv"]
	if want := "a,b,c,d\r\n-12.5,12345678901234567890.10,'-5+1,\"{\"\"x\"\":[1]}\"\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
