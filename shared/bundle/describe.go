package bundle

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// writeManifest lists every file with its sum, and what each system did.
func writeManifest(w io.Writer, b Bundle, files []File) error {
	type systemLine struct {
		Name    string         `json:"name"`
		Outcome rights.Outcome `json:"outcome"`
	}
	systems := []systemLine{}
	for _, s := range b.Systems {
		systems = append(systems, systemLine{s.Name, s.Outcome})
	}
	return writeJSON(w, struct {
		Request    rights.ID    `json:"request"`
		Right      rights.Right `json:"right"`
		ReceivedAt time.Time    `json:"received_at"`
		MadeAt     time.Time    `json:"made_at"`
		Systems    []systemLine `json:"systems"`
		Files      []File       `json:"files"`
	}{b.Request, b.Right, b.ReceivedAt, b.MadeAt, systems, files})
}

// writeDataPackage describes the data by Data Package 2.0
// (https://datapackage.org/standard/data-package/).
func writeDataPackage(w io.Writer, b Bundle, files []File) error {
	type field struct {
		Name string `json:"name"`
	}
	type schema struct {
		Fields []field `json:"fields"`
	}
	type resource struct {
		Name      string `json:"name"`
		Title     string `json:"title"`
		Path      string `json:"path"`
		Format    string `json:"format"`
		MediaType string `json:"mediatype"`
		Encoding  string `json:"encoding"`
		Bytes     int64  `json:"bytes"`
		Hash      string `json:"hash"`
		Schema    schema `json:"schema"`
	}
	media := map[string]string{"json": "application/json", "csv": "text/csv"}
	resources := []resource{}
	for _, f := range files {
		if f.collection == nil {
			continue
		}
		format := f.Path[strings.LastIndexByte(f.Path, '.')+1:]
		s := schema{Fields: []field{}}
		for _, name := range f.collection.columns {
			s.Fields = append(s.Fields, field{name})
		}
		resources = append(resources, resource{
			Name: slug(strings.TrimPrefix(f.Path, "data/")), Title: f.collection.name, Path: f.Path,
			Format: format, MediaType: media[format], Encoding: "utf-8", Bytes: f.Bytes, Hash: "sha256:" + f.SHA256, Schema: s,
		})
	}
	return writeJSON(w, struct {
		Schema    string     `json:"$schema"`
		Name      string     `json:"name"`
		Title     string     `json:"title"`
		Created   time.Time  `json:"created"`
		Resources []resource `json:"resources"`
	}{"https://datapackage.org/profiles/2.0/datapackage.json", strings.ToLower(string(b.Request)), "Your data at " + b.Company, b.MadeAt, resources})
}

func writeJSON(w io.Writer, v any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(v)
}

//go:embed index.html
var indexText string

var parsed struct {
	once  sync.Once
	index *template.Template
}

// index is parsed at the first export. Nothing of a template stands in a package's
// variable: a process that packs no export doesn't link the parser.
func index() *template.Template {
	parsed.once.Do(func() {
		parsed.index = template.Must(template.New("index").Funcs(template.FuncMap{
			"day":  func(t time.Time) string { return t.Format("2 January 2006") },
			"said": said,
		}).Parse(indexText))
	})
	return parsed.index
}

// said is an outcome in plain words.
func said(s Share) string {
	switch s.Outcome {
	case rights.Done:
		return "Your data from here is in this archive."
	case rights.NoData:
		return "There is nothing about you here."
	case rights.Kept:
		return "Some of it has to stay where it is:"
	case rights.ByHand:
		return "One of us has dealt with this by hand."
	case rights.Skipped:
		return "This was left out."
	}
	return "There is no answer from here."
}

func writeIndex(w io.Writer, b Bundle, systems []*system) error {
	type table struct {
		Name, Path string
		Count      int
		More       int
		Columns    []string
		Hidden     int
		Rows       [][]string
	}
	type section struct {
		Share
		Tables []table
	}
	var sections []section
	total, nothing := 0, true
	for _, s := range systems {
		nothing = nothing && s.Outcome == rights.NoData
		sec := section{Share: s.Share}
		for _, c := range s.collections {
			total += c.count
			width := min(len(c.columns), previewColumns)
			t := table{Name: c.name, Path: c.path, Count: c.count, More: c.count - len(c.first), Columns: c.columns[:width], Hidden: len(c.columns) - width}
			for _, cells := range c.first {
				// A column that came with a later record is empty in an earlier one.
				shown := make([]string, width)
				for i := range shown {
					if i < len(cells) {
						shown[i] = shorten(cells[i])
					}
				}
				t.Rows = append(t.Rows, shown)
			}
			sec.Tables = append(sec.Tables, t)
		}
		sections = append(sections, sec)
	}
	if err := index().Execute(w, map[string]any{"B": b, "Asked": b.Right.Name(), "Sections": sections, "Total": total, "Nothing": nothing}); err != nil {
		return fmt.Errorf("couldn't fill the index: %w", err)
	}
	return nil
}

func shorten(text string) string {
	letters := []rune(text)
	if len(letters) <= previewCell {
		return text
	}
	return string(letters[:previewCell-1]) + "…"
}
