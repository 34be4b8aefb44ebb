package bundle

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/rightful/rightful/shared/rights"
)

// Bundle is what goes into an archive.
type Bundle struct {
	Request    rights.ID
	Right      rights.Right
	Company    string
	ReceivedAt time.Time
	MadeAt     time.Time
	Systems    []Share
}

// Share is what one system contributed.
type Share struct {
	Name, Title string
	Outcome     rights.Outcome
	Keeps       []rights.Keep
	Note        string
	Open        func() (io.ReadCloser, error) // its part; nil where there is none
}

// File is one file in the archive, as the manifest lists it.
type File struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`

	collection *collection
}

// Write writes the archive to w and returns what is in it. It reads each part
// several times and holds none in memory.
func Write(ctx context.Context, w io.Writer, b Bundle) ([]File, error) {
	a := &archive{zip: zip.NewWriter(w), made: b.MadeAt}
	var systems []*system
	for _, share := range b.Systems {
		s, err := survey(ctx, share)
		if err != nil {
			return nil, fmt.Errorf("couldn't read what %s exported: %w", share.Name, err)
		}
		systems = append(systems, s)
	}
	unique(systems)
	if err := a.add("index.html", nil, func(w io.Writer) error { return writeIndex(w, b, systems) }); err != nil {
		return nil, err
	}
	for _, s := range systems {
		for _, c := range s.collections {
			if err := a.add(c.path+".json", c, func(w io.Writer) error { return s.json(ctx, w, c) }); err != nil {
				return nil, err
			}
			if err := a.add(c.path+".csv", c, func(w io.Writer) error { return s.csv(ctx, w, c) }); err != nil {
				return nil, err
			}
		}
	}
	// The sums are known only now, so what lists them comes last.
	if err := a.add("datapackage.json", nil, func(w io.Writer) error { return writeDataPackage(w, b, a.files) }); err != nil {
		return nil, err
	}
	if err := a.add("manifest.json", nil, func(w io.Writer) error { return writeManifest(w, b, a.files) }); err != nil {
		return nil, err
	}
	return a.files, a.zip.Close()
}

// archive writes files and keeps their sums.
type archive struct {
	zip   *zip.Writer
	made  time.Time
	files []File
}

// counter sums what passes.
type counter struct {
	hash  hash.Hash
	bytes int64
}

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	return c.hash.Write(p)
}

func (a *archive) add(path string, c *collection, write func(io.Writer) error) error {
	entry, err := a.zip.CreateHeader(&zip.FileHeader{Name: path, Method: zip.Deflate, Modified: a.made})
	if err != nil {
		return err
	}
	sum := &counter{hash: sha256.New()}
	if err := write(io.MultiWriter(entry, sum)); err != nil {
		return fmt.Errorf("couldn't write %s: %w", path, err)
	}
	a.files = append(a.files, File{path, sum.bytes, hex.EncodeToString(sum.hash.Sum(nil)), c})
	return nil
}

// system is a share with what the first reading found.
type system struct {
	Share
	collections []*collection
}

// collection is one kind of record.
type collection struct {
	name    string
	path    string // in the archive, without its ending
	columns []string
	known   map[string]bool // the columns, for the first reading
	count   int
	first   [][]string // the first rows, as the index shows them
}

const previewRows, previewColumns, previewCell = 5, 8, 80

// survey reads a part once: which collections, which columns, how many records.
func survey(ctx context.Context, share Share) (*system, error) {
	s := &system{Share: share}
	byName := map[string]*collection{}
	err := s.each(ctx, func(l line) error {
		c := byName[l.Collection]
		if c == nil {
			c = &collection{name: l.Collection, known: map[string]bool{}}
			byName[l.Collection] = c
			s.collections = append(s.collections, c)
		}
		c.count++
		names, values := fields(l.Record)
		for _, name := range names {
			if !c.known[name] {
				c.known[name] = true
				c.columns = append(c.columns, name)
			}
		}
		if len(c.first) < previewRows {
			c.first = append(c.first, row(c.columns, names, values))
		}
		return nil
	})
	return s, err
}

func (s *system) each(ctx context.Context, do func(line) error) error {
	if s.Open == nil {
		return nil
	}
	part, err := s.Open()
	if err != nil {
		return err
	}
	defer part.Close()
	return eachLine(part, func(l line) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return do(l)
	})
}

// unique gives every collection a path that nothing else has.
func unique(systems []*system) {
	taken := map[string]bool{}
	for _, s := range systems {
		for _, c := range s.collections {
			base := "data/" + slug(s.Name) + "/" + slug(c.name)
			c.path = base
			for n := 2; taken[c.path]; n++ {
				c.path = fmt.Sprintf("%s-%d", base, n)
			}
			taken[c.path] = true
		}
	}
}

// slug is a foreign name as a file name: small letters, digits and hyphens.
func slug(name string) string {
	text := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	text = strings.Trim(text, "-")
	if text == "" {
		return "unnamed"
	}
	return text[:min(len(text), 60)]
}

func (s *system) json(ctx context.Context, w io.Writer, c *collection) error {
	separator := "[\n"
	err := s.each(ctx, func(l line) error {
		if l.Collection != c.name {
			return nil
		}
		_, err := fmt.Fprintf(w, "%s  %s", separator, l.Record)
		separator = ",\n"
		return err
	})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, "\n]\n")
	return err
}

func (s *system) csv(ctx context.Context, w io.Writer, c *collection) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true // RFC 4180
	header := make([]string, len(c.columns))
	for i, name := range c.columns {
		header[i] = defuse(name)
	}
	if err := out.Write(header); err != nil {
		return err
	}
	err := s.each(ctx, func(l line) error {
		if l.Collection != c.name {
			return nil
		}
		names, values := fields(l.Record)
		cells := row(c.columns, names, values)
		for i, cell := range cells {
			cells[i] = defuse(cell)
		}
		return out.Write(cells)
	})
	out.Flush()
	if err != nil {
		return err
	}
	return out.Error()
}

// row is a record's values in the order of the columns, as text.
func row(columns, names []string, values []gjson.Result) []string {
	cells := make([]string, len(columns))
	for i, name := range names {
		at := i // records mostly name their fields in one order
		if i >= len(columns) || columns[i] != name {
			at = slices.Index(columns, name)
		}
		if at >= 0 {
			cells[at] = cell(values[i])
		}
	}
	return cells
}

// cell is a value as text: a string without its quotes, null as nothing, what is
// nested as JSON.
func cell(value gjson.Result) string {
	switch value.Type {
	case gjson.Null:
		return ""
	case gjson.String:
		return value.Str
	}
	return value.Raw
}

// defuse puts an apostrophe before a cell that a spreadsheet would take for a
// formula. A plain number stays one.
func defuse(cell string) string {
	trimmed := strings.TrimLeft(cell, " \u00a0\u3000")
	if trimmed == "" || !strings.ContainsAny(trimmed[:firstRune(trimmed)], "=+-@\t\r\n＝＋－＠") || isNumber(trimmed) {
		return cell
	}
	return "'" + cell
}

func firstRune(s string) int {
	for i := range s {
		if i > 0 {
			return i
		}
	}
	return len(s)
}

// isNumber: digits with at most one sign and one point. "-1+2" is none.
func isNumber(s string) bool {
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || digits == "" {
		return false
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	return strings.Trim(whole+fraction, "0123456789") == "" && whole != ""
}
