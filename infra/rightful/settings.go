package main

import (
	"fmt"
	"net"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// settings are what `rightful serve` may be told, by flag or environment. Each
// says what somebody could do who sets it.
type settings struct {
	Addr        string        `env:"RIGHTFUL_ADDR" default:"127.0.0.1:8080" help:"Where to listen. Anything but loopback shows the portal to others; the /dev pages stay on loopback."`
	BaseURL     string        `env:"RIGHTFUL_BASE_URL" help:"The address that links in mails begin with, such as https://privacy.example.com. Whoever sets it decides where people's links lead."`
	Data        string        `env:"RIGHTFUL_DATA" default:".rightful" help:"The folder for all data, the master key and the operator's token. Whoever reads it can read everything."`
	DynamoDB    string        `env:"RIGHTFUL_DYNAMODB_TABLE" help:"Keep requests in this DynamoDB table, and their keys in one of that name and -keys, instead of in files. Both are made where they are absent; AWS's own settings name the account."`
	SMTP        string        `env:"RIGHTFUL_SMTP" help:"Send mails to this server (smtp://user:password@host:587) instead of keeping them at /dev/mailbox. It sees every link that proves an address."`
	DKIMKey     string        `env:"RIGHTFUL_DKIM_KEY" help:"A file with the private key (PEM) that signs mails to RIGHTFUL_SMTP, for the domain of RIGHTFUL_FROM. Whoever reads it can send mails in your name."`
	Selector    string        `env:"RIGHTFUL_DKIM_SELECTOR" default:"rightful" help:"The selector under which the domain's DNS holds its public key."`
	From        string        `env:"RIGHTFUL_FROM" default:"privacy@example.com" help:"The address that mails come from."`
	Company     string        `env:"RIGHTFUL_COMPANY" default:"Example Company" help:"The company's name in pages and mails."`
	Contact     string        `env:"RIGHTFUL_CONTACT" default:"privacy@example.com" help:"Where a person finds help."`
	Review      string        `env:"RIGHTFUL_REVIEW" enum:"none,erasures,all" default:"none" help:"Which proven requests wait for an operator: none, erasures or all. With none, whoever controls a mailbox can erase what belongs to it."`
	Systems     string        `env:"RIGHTFUL_SYSTEMS" help:"A folder with the definitions (*.yaml) of your systems. Without it, three demo systems with made-up people run. A definition decides what is erased."`
	Private     []string      `env:"RIGHTFUL_ALLOW_PRIVATE" help:"host:port of systems that may lie in a private network."`
	Processor   bool          `env:"RIGHTFUL_PROCESSOR" help:"The data is another company's: requests are referred to it."`
	ReferTo     string        `env:"RIGHTFUL_REFER_TO" help:"That company's name, where letters may name it."`
	ProofLife   time.Duration `env:"RIGHTFUL_PROOF_LIFE" default:"168h" help:"How long a link that proves an address works."`
	ExportLife  time.Duration `env:"RIGHTFUL_EXPORT_LIFE" default:"336h" help:"How long an export can be fetched."`
	Retention   time.Duration `env:"RIGHTFUL_RETENTION" default:"17520h" help:"How long a closed request's record is kept; then it is erased."`
	LinkKey     int           `env:"RIGHTFUL_LINK_KEY" default:"1" help:"The number of the key that signs unsubscribe links; one more makes a new key, and links of the old ones still work."`
	Revoked     []int         `env:"RIGHTFUL_LINKS_REVOKED" help:"Numbers of keys whose links work no more: of a sender whose copy was stolen."`
	Topics      string        `env:"RIGHTFUL_TOPICS" help:"What people can choose to be mailed about, like product-news=Product news, tips=Tips."`
	Consent     string        `env:"RIGHTFUL_CONSENT" enum:"none,eu,all" default:"eu" help:"Whose consent a first marketing mail needs: none, eu (where the law wants it) or all."`
	DoubleIn    bool          `name:"double-opt-in" env:"RIGHTFUL_DOUBLE_OPT_IN" help:"Have a consent confirmed by a link in a mail."`
	MailReports string        `env:"RIGHTFUL_MAIL_REPORTS" help:"The secret (env:NAME or file:path of whsec_…) that senders sign their reports of bounces and complaints with. Whoever has it can stop anybody's mails."`
	PerAddress  int           `env:"RIGHTFUL_PER_ADDRESS" default:"5" help:"Requests and re-sends an hour for one address. Higher lets strangers send more mail through you."`
	PerClient   int           `env:"RIGHTFUL_PER_CLIENT" default:"1000" help:"The same for one client."`
	DemoAnswer  time.Duration `env:"RIGHTFUL_DEMO_ANSWER" default:"2s" help:"How long the demo's newsletters take to answer."`
	Dev         bool          `env:"RIGHTFUL_DEV" default:"true" negatable:"" help:"Offer /dev/mailbox, /dev/clock and /dev/systems on loopback. They show every mail and turn the clock: switch them off where others have accounts on this machine."`
}

// policy is what the settings say about requests.
func (s settings) policy() (rights.Policy, error) {
	p := rights.DefaultPolicy()
	p.Company, p.Contact, p.Review = s.Company, s.Contact, rights.Review(s.Review)
	p.Processor, p.ReferTo = s.Processor, s.ReferTo
	p.ProofLife, p.ExportLife, p.Retention = s.ProofLife, s.ExportLife, s.Retention
	p.PerAddress, p.PerClient = s.PerAddress, s.PerClient
	p.Consent, p.DoubleOptIn = rights.ConsentRule(s.Consent), s.DoubleIn
	var err error
	if p.Topics, err = rights.ParseTopics(s.Topics); err != nil {
		return p, fmt.Errorf("RIGHTFUL_TOPICS: %w", err)
	}
	return p, nil
}

// check refuses settings that can't be meant.
func (s settings) check() error {
	switch {
	case s.ProofLife < time.Minute || s.ExportLife < time.Minute:
		return fmt.Errorf("RIGHTFUL_PROOF_LIFE and RIGHTFUL_EXPORT_LIFE must be at least a minute, like 168h")
	case s.LinkKey < 1:
		return fmt.Errorf("RIGHTFUL_LINK_KEY must be at least 1")
	case s.PerAddress < 1 || s.PerClient < 1:
		return fmt.Errorf("RIGHTFUL_PER_ADDRESS and RIGHTFUL_PER_CLIENT must be at least 1")
	}
	if _, err := s.policy(); err != nil {
		return err
	}
	if _, _, err := net.SplitHostPort(s.Addr); err != nil {
		return fmt.Errorf("RIGHTFUL_ADDR must be host:port, like 127.0.0.1:8080")
	}
	return nil
}
