package connector

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/rightful/rightful/shared/rights"
)

// Settings are what definitions need from outside.
type Settings struct {
	Variables    map[string]string // for ${NAME} in base_url and dsn
	Secrets      map[string]string // for secret:NAME
	OpenSQL      func(driver, dsn string) (*sql.DB, error)
	AllowPrivate []string // host:port of http systems that may lie in a private network
	Sign         Signer   // for aws; nil where no system is AWS's
	Catalogue    bool     // know what systems there are, and reach none: no secret is looked for
}

// Signer signs a call to a service of AWS (Signature Version 4).
type Signer func(r *http.Request, body []byte, service string, at time.Time) error

// definition is a system's YAML file. Every field is checked when it is loaded.
type definition struct {
	Kind       string `yaml:"kind"`        // http, sql or webhook
	Name       string `yaml:"name"`        // unique, small letters: it goes into addresses
	Title      string `yaml:"title"`       // what a person reads
	Wave       int    `yaml:"wave"`        // lower waves go first; 1 where it is left out
	Timeout    string `yaml:"timeout"`     // of one call; 30s where it is left out
	Identity   string `yaml:"identity"`    // email (where left out), the name of an identifier, or person: our pseudonym
	HoldsNone  bool   `yaml:"holds_none"`  // it holds no data: only unsubscribe concerns it
	MaxMatches int    `yaml:"max_matches"` // more people than that are refused; 5 where left out

	Collections []collection `yaml:"collections"` // what is there, parents before children

	// sql
	Driver   string `yaml:"driver"`   // sqlite, pgx, mysql
	DSN      string `yaml:"dsn"`      // the data source; ${NAME} is filled in
	Receipts string `yaml:"receipts"` // a table of ours in that database which makes a repeated erasure answer like the first

	// http
	BaseURL        string            `yaml:"base_url"` // ${NAME} is filled in
	Bearer         string            `yaml:"bearer"`   // a secret: env:NAME, file:path or secret:NAME
	Basic          string            `yaml:"basic"`    // the same, of name:password
	AWS            string            `yaml:"aws"`      // or calls are signed for this service of AWS: ses
	Headers        map[string]string `yaml:"headers"`
	Export         []call            `yaml:"export"`          // instead of reading the collections
	Erase          []call            `yaml:"erase"`           // in this order
	Unsubscribe    []call            `yaml:"unsubscribe"`     // what stops its mails
	Resubscribe    []call            `yaml:"resubscribe"`     // what has them come again, where the person says so
	CallbackSecret string            `yaml:"callback_secret"` // a secret: whsec_…; of late answers

	// webhook
	Secret string `yaml:"secret"` // a secret: whsec_…; signs what is sent to base_url
}

// collection is one kind of record.
type collection struct {
	Name string `yaml:"name"` // as the export and the plan call it

	// sql: a table, whose rows are found by the identity, or by a parent's row.
	Table        string         `yaml:"table"`
	Column       string         `yaml:"column"`        // what is compared
	Parent       string         `yaml:"parent"`        // an earlier collection; none: the identity
	ParentColumn string         `yaml:"parent_column"` // what it is compared with
	Columns      []string       `yaml:"columns"`       // what is exported; all where left out
	OnErase      string         `yaml:"on_erase"`      // delete, mask or keep
	Mask         map[string]any `yaml:"mask"`          // column: what is written over it
	Why          string         `yaml:"why"`           // with keep: the reason, with its law
	KeepFor      string         `yaml:"keep_for"`      // with keep: 10y, 6m or 30d …
	KeepFrom     string         `yaml:"keep_from"`     // … from this column's date

	// http: a list that a GET returns.
	Path  string            `yaml:"path"`
	Query map[string]string `yaml:"query"`
	Items string            `yaml:"items"` // dotted path to the list in the answer; the answer itself where left out
	Next  string            `yaml:"next"`  // dotted path to the next page's address
}

// call is one request to an http system. {email}, {email_md5}, {task}, {callback} and,
// in unsubscribe, {topic} are filled in wherever they stand.
type call struct {
	Method string            `yaml:"method"`
	Path   string            `yaml:"path"`
	Query  map[string]string `yaml:"query"`
	Body   map[string]any    `yaml:"body"`
	Topic  string            `yaml:"topic"` // in unsubscribe: for this one alone; every is all marketing mail

	// in unsubscribe of a sql system, instead of a call: what is written into the rows
	Table      string         `yaml:"table"`
	Column     string         `yaml:"column"`     // what is compared with the identity
	Set        map[string]any `yaml:"set"`        // column: what is written
	Async      bool           `yaml:"async"`      // a 202 means that the answer comes later, to {callback}
	Reference  string         `yaml:"reference"`  // dotted path to the system's id of the job
	Collection string         `yaml:"collection"` // what the call removes …
	Count      string         `yaml:"count"`      // … and the dotted path to how many
}

// Deployed loads the definitions that lie beside the running program, where a
// deployment puts them.
func Deployed(s Settings) ([]System, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return Load(os.DirFS(filepath.Join(filepath.Dir(program), "systems")), s)
}

// Load reads every *.yaml in files. Its error names the file, the line, the field
// and the fix.
func Load(files fs.FS, s Settings) ([]System, error) {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, err
	}
	var systems []System
	taken := map[string]string{}
	for _, file := range names {
		text, err := fs.ReadFile(files, file)
		if err != nil {
			return nil, fmt.Errorf("couldn't read %s: %w", file, err)
		}
		system, err := read(text, s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if other, twice := taken[system.Name()]; twice {
			return nil, fmt.Errorf("%s: the name %s is taken by %s; give each system its own", file, system.Name(), other)
		}
		taken[system.Name()] = file
		systems = append(systems, system)
	}
	return systems, nil
}

var (
	systemName = pattern(`^[a-z][a-z0-9-]{0,39}$`)
	sqlName    = pattern(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)
	variable   = pattern(`\$\{([A-Z][A-Z0-9_]*)\}`)
)

// pattern is compiled when it is first needed: most processes read no definition.
func pattern(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

func read(text []byte, s Settings) (System, error) {
	var d definition
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&d); err != nil {
		return nil, errors.New(yaml.FormatError(err, false, false))
	}
	if d.Wave == 0 {
		d.Wave = 1
	}
	if d.Kind == "webhook" {
		d.Identity, d.HoldsNone = "person", true
	}
	if d.Identity == "" {
		d.Identity = "email"
	}
	if d.MaxMatches == 0 {
		d.MaxMatches = 5
	}
	timeout := 30 * time.Second
	if d.Timeout != "" {
		var err error
		if timeout, err = time.ParseDuration(d.Timeout); err != nil || timeout <= 0 || timeout > 4*time.Minute {
			return nil, fmt.Errorf("timeout: %q is no duration up to 4m; write it like 30s", d.Timeout)
		}
	}
	switch {
	case !systemName().MatchString(d.Name):
		return nil, fmt.Errorf("name: %q must be small letters, digits and hyphens, like web-shop", d.Name)
	case d.Title == "":
		return nil, errors.New("title: say what a person reads, like Customer records")
	case len(d.Collections) == 0 && len(d.Unsubscribe) == 0 && d.Kind != "webhook":
		return nil, errors.New("collections: name at least one kind of record, or in unsubscribe what stops its mails")
	case len(d.Resubscribe) > 0 && len(d.Unsubscribe) == 0:
		return nil, errors.New("resubscribe: say in unsubscribe first how its mails are stopped")
	case d.HoldsNone && len(d.Collections) > 0:
		return nil, errors.New("holds_none: it has collections, so it holds something")
	}
	b := base{d: d, timeout: timeout}
	switch {
	case d.Kind == "sql" && s.Catalogue:
		return listed{b, (&sqlSystem{base: b}).Does}, nil
	case d.Kind == "http" && s.Catalogue:
		return listed{b, (&httpSystem{base: b}).Does}, nil
	case d.Kind == "webhook" && s.Catalogue:
		return listed{b, (&listener{base: b}).Does}, nil
	case d.Kind == "sql":
		return newSQL(b, s)
	case d.Kind == "http":
		return newHTTP(b, s)
	case d.Kind == "webhook":
		return newListener(b, s)
	}
	return nil, fmt.Errorf("kind: %q must be http, sql or webhook", d.Kind)
}

// base is what both kinds share.
type base struct {
	d       definition
	timeout time.Duration
}

func (b base) Name() string  { return b.d.Name }
func (b base) Title() string { return b.d.Title }
func (b base) Wave() int     { return b.d.Wave }

func (b base) Holds() bool     { return !b.d.HoldsNone }
func (b base) KnowsBy() string { return b.d.Identity }

func fill(text string, variables map[string]string) (string, error) {
	var missing error
	out := variable().ReplaceAllStringFunc(text, func(match string) string {
		value, ok := variables[match[2:len(match)-1]]
		if !ok {
			missing = fmt.Errorf("%s is not set", match)
		}
		return value
	})
	return out, missing
}

// Secret follows a reference: env:NAME, file:path or secret:NAME; "" is none. A
// definition, or a setting, holds no secret itself.
func (s Settings) Secret(field, reference string) (string, error) {
	kind, name, found := strings.Cut(reference, ":")
	value := ""
	switch {
	case reference == "":
		return "", nil
	case found && kind == "env":
		value = os.Getenv(name)
	case found && kind == "secret":
		value = s.Secrets[name]
	case found && kind == "file":
		text, err := os.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("%s: couldn't read the secret's file: %w", field, err)
		}
		value = strings.TrimSpace(string(text))
	default:
		return "", fmt.Errorf("%s: name where the secret is, as env:NAME, file:path or secret:NAME; never write it here", field)
	}
	if value == "" {
		return "", fmt.Errorf("%s: the secret %s is empty; set it", field, reference)
	}
	return value, nil
}

// keepUntil adds a term like 10y to a date.
func keepUntil(from time.Time, term string) (time.Time, error) {
	if term == "" {
		return time.Time{}, nil
	}
	n, err := strconv.Atoi(term[:len(term)-1])
	if err == nil && n > 0 {
		switch term[len(term)-1] {
		case 'y':
			return from.AddDate(n, 0, 0), nil
		case 'm':
			return from.AddDate(0, n, 0), nil
		case 'd':
			return from.AddDate(0, 0, n), nil
		}
	}
	return time.Time{}, fmt.Errorf("keep_for: %q must be years, months or days, like 10y, 6m or 30d", term)
}

// parseBase checks an http system's address.
func parseBase(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return nil, fmt.Errorf("base_url: %q must be an address like https://api.example.com, without a name and password", text)
	}
	return u, nil
}

// outcome sums up what was found and kept.
func outcome(found []rights.Found, keeps []rights.Keep) rights.Outcome {
	if len(keeps) > 0 {
		return rights.Kept
	}
	for _, f := range found {
		if f.Count > 0 {
			return rights.Done
		}
	}
	return rights.NoData
}
