// Cost carries requests out by the product's own code, counts what they take of each
// AWS service, and writes docs/cost.md.
//
// It promises that nothing in the table is typed by hand but prices and the times
// that a call takes, which stand in this file with their source. It leaves out what
// a company pays anyway: the systems' own work, and an account's free tier.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/rightful/rightful/shared/portal"
)

type submissionForm = portal.Form

// Prices in us-east-1, USD, November 2026, before the free tier, from AWS's price
// lists.
const (
	perTransition = 25.0 / 1e6
	perInvocation = 0.20 / 1e6
	perGBSecond   = 13.3334 / 1e6 // arm64
	perWrite      = 0.625 / 1e6   // DynamoDB on demand
	perRead       = 0.125 / 1e6
	perPut        = 5.0 / 1e6
	perGet        = 0.4 / 1e6
	perGB         = 0.09 // to the internet
	perMail       = 0.10 / 1000
	perMessage    = 0.40 / 1e6
	perEvent      = 1.0 / 1e6 // of our own on EventBridge
	perCall       = 1.0 / 1e6
	perLogGB      = 0.50
)

// What can't be counted here: how long a call takes, and what it logs.
const (
	stepMemory    = 128.0 // MB
	stepSeconds   = 0.06  // beside what a system takes
	portalMemory  = 512.0
	portalSeconds = 0.02
	pollers       = 5   // of a queue, at the least
	logged        = 600 // bytes an invocation: Lambda's three lines and ours
)

// optimum are the modelled figures to beat, USD for 1,000 requests.
var optimum = map[string]float64{"export_10": 0.81, "erasure_20": 0.59, "unsubscribe": 0.004}

// dollars is the price of 1,000 such requests, part by part.
func (u usage) dollars() []part {
	per1000 := func(n, price float64) float64 { return n * price * 1000 }
	parts := []part{
		{"Step Functions", fmt.Sprintf("%d transitions", u.Transitions), per1000(float64(u.Transitions), perTransition)},
		{"Lambda", fmt.Sprintf("%d invocations, %.0f MB-s", u.Invocations, u.GBSeconds*1024), per1000(float64(u.Invocations), perInvocation) + per1000(u.GBSeconds, perGBSecond)},
		{"DynamoDB", fmt.Sprintf("%.0f writes, %.0f reads", u.Write, u.Read), per1000(u.Write, perWrite) + per1000(u.Read, perRead)},
		{"SES", fmt.Sprintf("%d mails", u.Mails), per1000(float64(u.Mails), perMail)},
		{"S3 and egress", fmt.Sprintf("%d PUT, %d GET, %.1f MB", u.Puts, u.Gets, float64(u.Bytes)/1e6), per1000(float64(u.Puts), perPut) + per1000(float64(u.Gets), perGet) + per1000(float64(u.Bytes)/1e9, perGB)},
		{"SQS", fmt.Sprintf("%d requests", u.Messages), per1000(float64(u.Messages), perMessage)},
		{"EventBridge", fmt.Sprintf("%d events", u.Published), per1000(float64(u.Published), perEvent)},
		{"HTTP API", fmt.Sprintf("%d calls", u.Calls), per1000(float64(u.Calls), perCall)},
		{"Logs", fmt.Sprintf("%d kB", u.Invocations*logged/1000), per1000(float64(u.Invocations*logged)/1e9, perLogGB)},
	}
	return parts
}

type part struct {
	Service, Used string
	Dollars       float64
}

func total(parts []part) float64 {
	sum := 0.0
	for _, p := range parts {
		sum += p.Dollars
	}
	return sum
}

func main() {
	if err := write(context.Background(), "docs/cost.md"); err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}

func write(ctx context.Context, path string) error {
	var page bytes.Buffer
	fmt.Fprint(&page, intro)
	for _, s := range scenarios {
		used, err := s.run(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		parts := used.dollars()
		fmt.Printf("%s %d $%.4f\n", s.Name, used.Transitions, total(parts))
		fmt.Fprintf(&page, "## %s: %s\n\n| service | for one request | $ for 1,000 |\n|---|---|---|\n", s.Name, s.What)
		for _, p := range parts {
			if p.Dollars == 0 {
				continue
			}
			fmt.Fprintf(&page, "| %s | %s | %.4f |\n", p.Service, p.Used, p.Dollars)
		}
		beat := ""
		if most := optimum[s.Name]; most > 0 {
			beat = fmt.Sprintf(" (to beat: %.3g)", most)
		}
		fmt.Fprintf(&page, "| **sum** | | **%.4f**%s |\n\n", total(parts), beat)
	}
	fmt.Fprint(&page, outro)
	return os.WriteFile(path, page.Bytes(), 0o644)
}

const intro = `# What a request costs on AWS

Made by ` + "`make cost`" + `, which carries the requests out by the product's own code on DynamoDB Local and counts; no figure here is typed by hand. Prices are us-east-1, November 2026, before the free tier; a call to a system takes 2 s for a copy and 1.5 s for an erasure, a step 60 ms beside that, an answer to a browser 20 ms. "To beat" is a model of what the services allow at best for the same request.

`

const outro = `## What a stage costs without any request

Two KMS keys ($2 a month), seven alarms ($0.70), a dashboard ($3), and the sweep: 43,200 invocations a month with some 40 small queries each (about $0.10).

## What these figures leave out

- SES's Essentials plan, which new accounts start with, costs $0.16 for 1,000 mails instead of $0.10: set the account to pay by the mail.
- Storage: a request takes some 10 kB ($0.0025 a month for 1,000), and the backups of 35 days about as much.
`
