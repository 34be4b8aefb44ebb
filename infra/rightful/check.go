package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/rightful/rightful/shared/oneclick"
)

// checkCommand is `rightful check`.
type checkCommand struct {
	Unsubscribe checkUnsubscribeCommand `cmd:"" help:"Test a one-click unsubscribe link, anybody's, as a mailbox provider meets it (RFC 8058). It unsubscribes whoever the link belongs to."`
}

type checkUnsubscribeCommand struct {
	URL       string `arg:"" optional:"" help:"The link."`
	Mail      string `help:"A file with a whole mail instead: its headers are tested, too."`
	AllowHTTP bool   `name:"allow-http" help:"The server is on this machine and has no certificate."`
}

// Run tests, and fails where anything is wrong.
func (c checkUnsubscribeCommand) Run(out io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	checker := oneclick.Checker{AllowHTTP: c.AllowHTTP}
	var found []oneclick.Finding
	switch {
	case (c.URL == "") == (c.Mail == ""):
		return exitError{exitUsage, fmt.Errorf("give either a link, or a file by --mail")}
	case c.Mail != "":
		file, err := os.Open(c.Mail)
		if err != nil {
			return fmt.Errorf("couldn't read the mail: %w", err)
		}
		defer file.Close()
		found, _ = checker.CheckMail(ctx, file)
	default:
		found = checker.Check(ctx, c.URL)
	}
	wrong := 0
	for _, f := range found {
		word := "ok   "
		if !f.OK {
			word = "WRONG"
			wrong++
		}
		fmt.Fprintf(out, "%s  %-28s %s (%s)\n", word, f.Name, f.Detail, f.Rule)
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d things are wrong", wrong, len(found))
	}
	return nil
}
