package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rightful/rightful/shared/config"
)

// TestLoad: what Env writes, Load reads; what is missing or wrong is named, all of it.
func TestLoad(t *testing.T) {
	want := config.Sweep{
		Store: config.Store{Table: "requests"}, Keys: "keys", Workers: config.Workers{Queue: "https://queue"},
		Exports: config.Exports{Bucket: "exports"}, Machine: config.Machine{Machine: "arn"}, ExportLife: 336 * time.Hour, Bus: "default",
	}
	for name, value := range config.Env(want) {
		t.Setenv(name, value)
	}
	got, err := config.Load[config.Sweep]()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	t.Setenv("RIGHTFUL_TABLE", "")
	t.Setenv("RIGHTFUL_EXPORT_LIFE", "soon")
	_, err = config.Load[config.Sweep]()
	if err == nil || !strings.Contains(err.Error(), "RIGHTFUL_TABLE is not set: the table of requests") || !strings.Contains(err.Error(), "RIGHTFUL_EXPORT_LIFE: write a duration") {
		t.Errorf("got %v", err)
	}
}

// TestLoad_OptionalMayBeMissing: an empty variable may not survive its way.
func TestLoad_OptionalMayBeMissing(t *testing.T) {
	t.Setenv("RIGHTFUL_TABLE", "t")
	t.Setenv("RIGHTFUL_PROCESSOR", "false")
	if got, err := config.Load[config.Decide](); err != nil || got.Processor {
		t.Errorf("%+v, %v", got, err)
	}
	t.Setenv("RIGHTFUL_PROCESSOR", "perhaps")
	if _, err := config.Load[config.Decide](); err == nil || !strings.Contains(err.Error(), "write true or false") {
		t.Errorf("got %v", err)
	}
}

// TestHelp: every setting says what it is for, and none can hold a secret by its name.
func TestHelp(t *testing.T) {
	for name, help := range config.Help(config.Portal{}) {
		if len(help) < 10 || strings.Contains(name, "TOKEN") || strings.Contains(name, "PASSWORD") {
			t.Errorf("%s: %q", name, help)
		}
	}
}
