package main

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/unsubscribe"
)

// linksCommand is `rightful links`.
type linksCommand struct {
	Keys linkKeysCommand `cmd:"" help:"Write the key with which a sender mints links by itself."`
	Mint mintCommand     `cmd:"" help:"Mint an unsubscribe link for every row of a CSV."`
	Try  tryCommand      `cmd:"" help:"Send one marketing mail, to see what a mailbox provider makes of it."`
}

type linkKeysCommand struct {
	remote
	LinkKey int `env:"RIGHTFUL_LINK_KEY" default:"1" help:"The number of the key, without --stage; a stage gives the one that it signs with."`
}

// Run writes the key to the output, for the sender's eyes alone: a stage's by the
// operator's API, this machine's from the data folder.
func (c linkKeysCommand) Run(out io.Writer) error {
	text, err := c.export()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", text)
	return err
}

func (c linkKeysCommand) export() ([]byte, error) {
	if c.Stage != "" {
		var keys json.RawMessage
		_, err := c.operate("POST", "/links/keys", nil, &keys)
		return keys, err
	}
	path := filepath.Join(c.Data, "master-key")
	if _, err := os.Stat(path); err != nil {
		return nil, exitError{exitNotFound, fmt.Errorf("there is no %s: name the server's data folder in RIGHTFUL_DATA, or a stage on AWS with --stage", path)}
	}
	master, err := envelope.OpenFile(path)
	if err != nil {
		return nil, err
	}
	return unsubscribe.Derive(master.SigningKey, c.LinkKey).Export()
}

// senderKeys reads what rightful links keys wrote.
func senderKeys(path string) (unsubscribe.Keys, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return unsubscribe.Keys{}, exitError{exitNotFound, fmt.Errorf("couldn't read the keys: %w", err)}
	}
	keys, err := unsubscribe.Read(text)
	if err != nil {
		return keys, exitError{exitUsage, err}
	}
	return keys, nil
}

type mintCommand struct {
	Topic string `required:"" help:"What the mails are about, like product-news."`
	Base  string `required:"" env:"RIGHTFUL_BASE_URL" help:"What links begin with, like https://privacy.example.com."`
	Keys  string `required:"" help:"The file that rightful links keys wrote."`
	In    string `default:"-" help:"The CSV; its first row names the columns, one of them email. - is the standard input."`
}

// Run reads row by row, however many there are, and adds three columns to each.
func (c mintCommand) Run(out io.Writer) error {
	keys, err := senderKeys(c.Keys)
	if err != nil {
		return err
	}
	rows, err := openRows(c.In, "email")
	if err != nil {
		return err
	}
	defer rows.Close()
	start := time.Now()
	n, err := c.mint(keys, rows, out, func(n int) { fmt.Fprint(os.Stderr, rows.progress(n, start)) })
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, rows.progress(n, start))
	return nil
}

// batch is how many rows are minted at once, by every processor there is: to seal an
// address takes longer than to read it.
const batch = 1000

// mint streams batch by batch, in the order of the rows, and tells progress.
func (c mintCommand) mint(keys unsubscribe.Keys, in *rowReader, out io.Writer, progress func(int)) (int, error) {
	buffered := bufio.NewWriterSize(out, 1<<20)
	write := csv.NewWriter(buffered)
	if err := write.Write(append(slices.Clone(in.head), "unsubscribe_url", "list_unsubscribe", "list_unsubscribe_post")); err != nil {
		return 0, err
	}
	n := 0
	for last := false; !last; {
		var rows [][]string
		for len(rows) < batch && !last {
			row, err := in.Next()
			switch {
			case errors.Is(err, io.EOF):
				last = true
			case err != nil:
				return n, err
			case !strings.Contains(in.of(row, "email"), "@"):
				return n, exitError{exitUsage, fmt.Errorf("row %d: email is no address: correct it and mint again", in.at)}
			default:
				rows = append(rows, slices.Clone(row))
			}
		}
		links, err := c.links(keys, in, rows)
		if err != nil {
			return n, exitError{exitUsage, err}
		}
		for i, link := range links {
			if err := write.Write(append(rows[i], link.URL, link.Headers["List-Unsubscribe"], link.Headers["List-Unsubscribe-Post"])); err != nil {
				return n, err
			}
		}
		n += len(rows)
		if n%10_000 == 0 {
			progress(n)
		}
	}
	write.Flush()
	return n, errors.Join(write.Error(), buffered.Flush())
}

func (c mintCommand) links(keys unsubscribe.Keys, in *rowReader, rows [][]string) ([]unsubscribe.Link, error) {
	links, errs := make([]unsubscribe.Link, len(rows)), make([]error, len(rows))
	var group sync.WaitGroup
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := int(next.Add(1) - 1); i < len(rows); i = int(next.Add(1) - 1) {
				links[i], errs[i] = keys.Link(c.Base, in.of(rows[i], "email"), c.Topic)
			}
		})
	}
	group.Wait()
	return links, cmp.Or(errs...)
}
