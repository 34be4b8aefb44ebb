package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/rightful/rightful/shared/console"
	"github.com/rightful/rightful/shared/preference"
	"github.com/rightful/rightful/shared/rights"
)

// suppressionCommand is `rightful suppression`.
type suppressionCommand struct {
	Export exportCommand `cmd:"" help:"Write everybody's opt-outs as hashes: a CSV that names nobody."`
	Import importCommand `cmd:"" help:"Import choices that were kept elsewhere, and report row by row."`
	Filter filterCommand `cmd:"" help:"Leave out of a mailing whoever opted out, without asking the server."`
}

type exportCommand struct{ remote }

// Run writes page by page, however many there are.
func (c exportCommand) Run(out io.Writer) error {
	buffered := bufio.NewWriter(out)
	write := csv.NewWriter(buffered)
	write.Write([]string{"person", "topic", "at", "source"})
	rows := 0
	for cursor := ""; ; {
		var page console.Suppressed
		if _, err := c.operate("GET", "/suppression?limit=5000&cursor="+url.QueryEscape(cursor), nil, &page); err != nil {
			return err
		}
		for _, p := range page.Suppressed {
			write.Write([]string{p.Person, p.Topic, p.At, string(p.Source)})
		}
		rows += len(page.Suppressed)
		fmt.Fprintf(os.Stderr, "\r%d opt-outs", rows)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	fmt.Fprintln(os.Stderr)
	write.Flush()
	return errors.Join(write.Error(), buffered.Flush())
}

type importCommand struct {
	remote
	In string `default:"-" help:"The CSV; its first row names the columns: email, and where you have them topic, choice (out or in) and at. - is the standard input."`
}

// importPage is how many rows go in one call.
const importPage = 500

// Run sends page by page. A row that is refused is told with its number and doesn't
// stop the others; running it again changes nothing.
func (c importCommand) Run(out io.Writer) error {
	rows, err := openRows(c.In, "email")
	if err != nil {
		return err
	}
	defer rows.Close()
	var total preference.Report
	read, start := 0, time.Now()
	for done := false; !done; {
		var page struct {
			Rows []preference.Row `json:"rows"`
		}
		for len(page.Rows) < importPage && !done {
			row, err := rows.Next()
			if errors.Is(err, io.EOF) {
				done = true
				continue
			}
			if err != nil {
				return err
			}
			get := func(name string) string { return strings.TrimSpace(rows.of(row, name)) }
			page.Rows = append(page.Rows, preference.Row{Email: get("email"), Topic: get("topic"), Choice: get("choice"), At: get("at")})
		}
		if len(page.Rows) == 0 {
			break
		}
		var report preference.Report
		if _, err := c.operate("POST", "/suppression/import", page, &report); err != nil {
			return fmt.Errorf("%w; %d rows before were imported, and importing them again changes nothing", err, read)
		}
		for _, r := range report.Refused {
			fmt.Fprintf(out, "row %d: %s: %s\n", read+r.Row+1, r.Field, r.Problem) // the first row names the columns
		}
		read += len(page.Rows)
		total.Stored, total.Unchanged, total.Refused = total.Stored+report.Stored, total.Unchanged+report.Unchanged, append(total.Refused, report.Refused...)
		fmt.Fprint(os.Stderr, rows.progress(read, start))
	}
	fmt.Fprintln(os.Stderr)
	fmt.Fprintf(out, "%d rows: %d stored, %d known already or refused by the person since, %d that can't be read\n", read, total.Stored, total.Unchanged, len(total.Refused))
	if len(total.Refused) > 0 {
		return exitError{exitUsage, errors.New("correct the rows above and import them again; the others are imported")}
	}
	return nil
}

type filterCommand struct {
	Topic      string `required:"" help:"What the mails are about."`
	Keys       string `required:"" help:"The file that rightful links keys wrote."`
	Suppressed string `required:"" help:"The file that rightful suppression export wrote."`
	In         string `default:"-" help:"The readers' CSV; its first row names the columns, one of them email."`
}

// Run holds the hashes of the topic in memory, some 60 bytes each, and streams the
// readers.
func (c filterCommand) Run(out io.Writer) error {
	keys, err := senderKeys(c.Keys)
	if err != nil {
		return err
	}
	left, err := c.hashes()
	if err != nil {
		return err
	}
	rows, err := openRows(c.In, "email")
	if err != nil {
		return err
	}
	defer rows.Close()
	buffered := bufio.NewWriterSize(out, 1<<20)
	write := csv.NewWriter(buffered)
	write.Write(rows.head)
	kept, dropped := 0, 0
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if left[keys.Pseudonym(rows.of(row, "email"))] {
			dropped++
			continue
		}
		kept++
		write.Write(row)
	}
	write.Flush()
	fmt.Fprintf(os.Stderr, "%d kept, %d left out\n", kept, dropped)
	return errors.Join(write.Error(), buffered.Flush())
}

func (c filterCommand) hashes() (map[string]bool, error) {
	rows, err := openRows(c.Suppressed, "person")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	left := map[string]bool{}
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return left, nil
		}
		if err != nil {
			return nil, err
		}
		if topic := rows.of(row, "topic"); topic == c.Topic || topic == rights.EveryTopic {
			left[strings.Clone(rows.of(row, "person"))] = true
		}
	}
}
