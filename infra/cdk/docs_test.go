package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDeployPage: docs/deploy.md explains every setting and no other, and every make
// target that it names is there.
func TestDeployPage(t *testing.T) {
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	page, makefile := read("../../docs/deploy.md"), read("../../Makefile")
	var settings, explained []string
	for _, m := range regexp.MustCompile(`(?:text|flag|number|days)\("(\w+)"`).FindAllStringSubmatch(read("settings.go"), -1) {
		settings = append(settings, m[1])
	}
	_, table, _ := strings.Cut(page, "## Settings")
	table, _, _ = strings.Cut(table, "\n## ")
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?`) \\|").FindAllStringSubmatch(table, -1) {
		for _, name := range strings.Split(row[1], ", ") {
			explained = append(explained, strings.Trim(name, "`"))
		}
	}
	settings = slices.DeleteFunc(settings, func(s string) bool { return s == "dist" }) // for tests
	slices.Sort(settings)
	slices.Sort(explained)
	if !slices.Equal(settings, explained) {
		t.Errorf("the page explains %v, the app reads %v", explained, settings)
	}
	targets := regexp.MustCompile("(?m)(?:^|`)make (\\w+)").FindAllStringSubmatch(page, -1)
	for _, m := range targets {
		if !strings.Contains(makefile, "\n"+m[1]+":") {
			t.Errorf("there is no make %s", m[1])
		}
	}
	if len(targets) < 3 {
		t.Errorf("the page names %d targets", len(targets))
	}
}
