package bundle

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tidwall/gjson"
)

// PartName is where a system's exported records lie in the vault.
func PartName(system string) string { return "parts/" + system + ".ndjson" }

// IsPart tells whether a file of the vault is such a part.
func IsPart(name string) bool { return strings.HasPrefix(name, "parts/") }

// line is one record in a part.
type line struct {
	Collection string          `json:"collection"`
	Record     json.RawMessage `json:"record"`
}

// PartWriter writes a part, a record a line.
type PartWriter struct{ out *bufio.Writer }

// NewPart starts a part on w.
func NewPart(w io.Writer) *PartWriter { return &PartWriter{bufio.NewWriterSize(w, 64<<10)} }

// Add adds a record, which has to be a JSON object.
func (p *PartWriter) Add(collection string, record json.Marshaler) error {
	object, err := record.MarshalJSON()
	if err != nil || len(object) == 0 || object[0] != '{' || collection == "" {
		return errors.Join(fmt.Errorf("a record of %q is no object", collection), err)
	}
	text, err := json.Marshal(line{collection, object})
	if err != nil {
		return fmt.Errorf("couldn't write a record of %q: %w", collection, err)
	}
	_, err = p.out.Write(append(text, '\n'))
	return err
}

// Close writes out what is left. It doesn't close what the part is written to.
func (p *PartWriter) Close() error { return p.out.Flush() }

// eachLine reads a part from its start.
func eachLine(part io.Reader, do func(line) error) error {
	in := bufio.NewReaderSize(part, 256<<10)
	for n := 1; ; n++ {
		text, err := in.ReadBytes('\n')
		if text = bytes.TrimSpace(text); len(text) > 0 {
			l := line{gjson.GetBytes(text, "collection").String(), json.RawMessage(gjson.GetBytes(text, "record").Raw)}
			if !gjson.ValidBytes(text) || l.Collection == "" || len(l.Record) == 0 || l.Record[0] != '{' {
				return fmt.Errorf("line %d of a part is no record", n)
			}
			if bad := do(l); bad != nil {
				return bad
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// fields takes an object apart and keeps the order and the digits of numbers.
func fields(record json.RawMessage) (names []string, values []gjson.Result) {
	gjson.ParseBytes(record).ForEach(func(name, value gjson.Result) bool {
		names, values = append(names, name.String()), append(values, value)
		return true
	})
	return names, values
}
