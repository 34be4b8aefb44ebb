package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestDocs: every rightful command that a page shows can be parsed.
func TestDocs(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range regexp.MustCompile("(?m)(?:^|`)bin/rightful ([^#`\n]+)").FindAllStringSubmatch(string(text), -1) {
			shown++
			parser, err := kong.New(&cli{}, kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) {}))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parser.Parse(strings.Fields(strings.Split(line[1], " > ")[0])); err != nil {
				t.Errorf("%s shows rightful %s: %v", filepath.Base(page), line[1], err)
			}
		}
	}
	if shown < 5 {
		t.Errorf("the pages show %d commands", shown)
	}
}
