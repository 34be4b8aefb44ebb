// Package shared_test holds the rules of who may import whom.
package shared_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/rightful/rightful/"

// rules: what each package may import of ours. Dependencies point inward: the
// core imports nothing, adapters never import each other.
var rules = map[string][]string{
	"rights":    {},
	"asl":       {"rights"},
	"bundle":    {"rights"},
	"connector": {"rights", "cloudevent", "webhook"},
	"envelope":  {"rights"},
	"notice":    {"rights"},
	"outbox":    {"rights"},
	"problem":   {"rights"},
	"record":    {"rights"},

	"cloudevent":  {"rights"},
	"oneclick":    {},
	"unsubscribe": {}, // a sender's program imports it
	"webhook":     {},

	"step":    {"rights", "notice", "bundle", "connector", "outbox"},
	"work":    {"rights", "bundle", "connector", "outbox", "onward", "unsubscribe"},
	"portal":  {"rights", "notice", "bundle", "connector", "outbox", "preference", "problem", "unsubscribe"},
	"console": {"rights", "cloudevent", "connector", "outbox", "preference", "problem", "unsubscribe"},

	"preference": {"rights", "notice", "unsubscribe"},
	"onward":     {"rights", "connector", "cloudevent"},
	"feedback":   {"rights", "preference", "unsubscribe", "webhook"},

	"disk":    {"rights", "bundle", "envelope"},
	"mailbox": {"rights", "notice"},
	"smtp":    {"rights", "notice"},
	"sqlite":  {"rights", "envelope", "record"},

	"web":    {"problem"},
	"config": {},
	"entry":  {"rights", "config"},
	"wiring": {"rights", "notice", "envelope", "dynamo", "kms", "config", "preference", "unsubscribe"},

	"dynamo": {"rights", "record"},
	"kms":    {"rights", "envelope"},
	"s3":     {"rights", "bundle", "envelope"},
	"ses":    {"notice"},
	"sfn":    {"rights"},
	"sqs":    {"rights"},
	"ssm":    {},

	"eventbridge": {"cloudevent"},
	"sigv4":       {},

	"storetest": {"rights"},
}

// outside: packages whose business a library is; nobody else imports it.
var outside = map[string][]string{
	"modernc.org/sqlite":                {"asl", "mailbox", "sqlite"},
	"github.com/recolabs/gnata":         {"asl"},
	"github.com/tink-crypto/tink-go/v2": {"envelope"},
	"github.com/wneessen/go-mail":       {"notice", "smtp"},
	"github.com/emersion/go-msgauth":    {"smtp"},
	"github.com/goccy/go-yaml":          {"connector"},
	"github.com/danielgtaylor/huma/v2":  {"portal", "console", "problem", "web"},
	"github.com/aws/aws-lambda-go":      {"entry"},
	"github.com/aws/aws-sdk-go-v2":      {"dynamo", "eventbridge", "kms", "s3", "ses", "sfn", "sigv4", "sqs", "ssm", "entry", "wiring"},
	"github.com/aws/smithy-go":          {"dynamo", "ses", "sqs"},
}

func TestImports(t *testing.T) {
	walk(t, func(name, path, text string) {
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		allowed, ruled := rules[name]
		if !ruled {
			t.Errorf("package %s has no rule here: say what it may import", name)
		}
		for _, spec := range file.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			if ours, ok := strings.CutPrefix(imported, module); ok {
				if inner, ok := strings.CutPrefix(ours, "shared/"); !ok || !slices.Contains(allowed, inner) {
					t.Errorf("%s imports %s", path, ours)
				}
				continue
			}
			if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
				continue
			}
			if name == "rights" {
				t.Errorf("%s imports %s: the core imports the standard library alone", path, imported)
			}
			for library, users := range outside {
				if strings.HasPrefix(imported, library) && !slices.Contains(users, name) {
					t.Errorf("%s imports %s, which is the business of %v", path, imported, users)
				}
			}
		}
	})
}

var clock = regexp.MustCompile(`\btime\.Now\(\)`)

// TestTime: time is a parameter below shared.
func TestTime(t *testing.T) {
	walk(t, func(_, path, text string) {
		if clock.MatchString(text) {
			t.Errorf("%s asks for the time: take it as a parameter", path)
		}
	})
}

func walk(t *testing.T, do func(name, path, text string)) {
	t.Helper()
	seen := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		do(filepath.Dir(path), path, string(text))
		return nil
	})
	if err != nil || seen < 50 {
		t.Fatalf("%d files: %v", seen, err)
	}
}
