package main

import (
	"errors"
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/rightful/rightful/shared/rights"
)

// settings are what a stage may be told: `-c name=value`, or in cdk.json's context.
// docs/deploy.md explains each with what somebody could do who sets it.
type settings struct {
	Stage    string
	Domain   string // of the mails: "privacy.example.com"; SES gets it as an identity
	From     string // the address that mails come from, below Domain
	Account  string
	Region   string // where the data lies
	BaseURL  string // what links begin with; "" for the API's own address
	Company  string
	Contact  string
	ReferTo  string
	Alarms   string // the address that alarms go to; "" for none
	Dist     string // the folder of built functions
	Arch     string // arm64 or amd64
	Review   string
	Private  string
	Endpoint string // another endpoint than AWS's own, for an emulator

	Processor             bool
	TerminationProtection bool

	ProofLife  time.Duration
	ExportLife time.Duration
	Retention  time.Duration
	KeysWindow int // days that the wrapped keys' own backups reach back
	PerAddress int
	PerClient  int
	LinkKey    int // signs unsubscribe links

	LinksRevoked string

	Topics      string // what people can choose
	Consent     string // whose consent a first mail needs
	DoubleOptIn bool
	EventBus    string // gets preference.changed
}

func readSettings(app awscdk.App) (settings, error) {
	var faults []error
	text := func(name, fallback string) string {
		if v, ok := app.Node().TryGetContext(jsii.String(name)).(string); ok && v != "" {
			return v
		}
		return fallback
	}
	flag := func(name string, fallback bool) bool {
		v, err := strconv.ParseBool(text(name, strconv.FormatBool(fallback)))
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: write true or false", name))
		}
		return v
	}
	number := func(name string, fallback, most int) int {
		n, err := strconv.Atoi(text(name, strconv.Itoa(fallback)))
		if err != nil || n < 1 || n > most {
			faults = append(faults, fmt.Errorf("%s: write a number from 1 to %d", name, most))
		}
		return n
	}
	days := func(name string, fallback int) time.Duration {
		return time.Duration(number(name, fallback, 3650)) * 24 * time.Hour
	}
	s := settings{
		Stage: text("stage", ""), Domain: text("domain", ""), Account: text("account", ""), Region: text("region", ""),
		BaseURL: strings.TrimSuffix(text("baseUrl", ""), "/"), Company: text("company", "Example Company"), ReferTo: text("referTo", ""),
		Alarms: text("alarms", ""), Dist: text("dist", "dist"), Arch: text("arch", "arm64"),
		Review: text("review", "erasures"), Private: text("allowPrivate", ""), Endpoint: text("endpoint", ""),
		Processor: flag("processor", false), TerminationProtection: flag("terminationProtection", true),
		ProofLife: days("proofDays", 7), ExportLife: days("exportDays", 14), Retention: days("retentionDays", 730),
		KeysWindow: number("keysWindowDays", 3, 35), PerAddress: number("perAddress", 5, 1000), PerClient: number("perClient", 30, 100000),
		LinkKey: number("linkKey", 1, 1000), LinksRevoked: text("linksRevoked", ""),
		Topics: text("topics", ""), Consent: text("consent", "eu"), DoubleOptIn: flag("doubleOptIn", false), EventBus: text("eventBus", "default"),
	}
	if _, err := os.Stat(filepath.Join(s.Dist, "portal", "bootstrap")); err != nil {
		faults = append(faults, errors.New("the functions aren't built: run make build first"))
	}
	s.From, s.Contact = text("from", "privacy@"+s.Domain), text("contact", "privacy@"+s.Domain)
	return s, errors.Join(append(faults, s.check())...)
}

var stageName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,19}$`)

// check refuses what can't be meant, and says what to write instead.
func (s settings) check() error {
	var faults []error
	fault := func(wrong bool, text string) {
		if wrong {
			faults = append(faults, errors.New(text))
		}
	}
	fault(!stageName.MatchString(s.Stage), "stage: name it by small letters, like -c stage=prod")
	fault(!strings.Contains(s.Domain, "."), "domain: name the domain that mails come from, like -c domain=privacy.example.com")
	_, err := mail.ParseAddress(s.From)
	fault(err != nil || !strings.HasSuffix(s.From, "@"+s.Domain), "from: write an address of the domain, like -c from=privacy@"+s.Domain)
	fault(s.BaseURL != "" && s.Endpoint == "" && !strings.HasPrefix(s.BaseURL, "https://"), "baseUrl: links have to begin with https://")
	fault(s.Arch != "arm64" && s.Arch != "amd64", "arch: write arm64 or amd64, as the functions were built")
	_, err = rights.ParseTopics(s.Topics)
	fault(err != nil, "topics: write them like -c topics='product-news=Product news, tips=Tips'")
	fault(s.Consent != "none" && s.Consent != "eu" && s.Consent != "all", "consent: write none, eu or all")
	fault(s.Review != "none" && s.Review != "erasures" && s.Review != "all", "review: write none, erasures or all")
	return errors.Join(faults...)
}
