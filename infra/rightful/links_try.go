package main

import (
	"context"
	"fmt"
	"io"
	"net/mail"
	"strings"
	"time"

	"github.com/rightful/rightful/shared/notice"
)

// tryCommand is `rightful links try`.
type tryCommand struct {
	To       string `required:"" help:"Your own address at the mailbox provider."`
	Topic    string `required:"" help:"What the mail is about, like product-news."`
	Base     string `required:"" env:"RIGHTFUL_BASE_URL" help:"What links begin with, like https://privacy.example.com."`
	Keys     string `required:"" help:"The file that rightful links keys wrote."`
	SMTP     string `required:"" env:"RIGHTFUL_SMTP" help:"The mail server, as smtp://user:password@host:587."`
	From     string `default:"news@example.com" env:"RIGHTFUL_FROM" help:"The address that the mail comes from."`
	DKIMKey  string `env:"RIGHTFUL_DKIM_KEY" help:"A file with the private key (PEM) that signs the mail."`
	Selector string `env:"RIGHTFUL_DKIM_SELECTOR" default:"rightful" help:"The selector of its public key."`
}

// Run sends it. Providers show their button only where DKIM covers both headers, and
// some only to senders that they know.
func (c tryCommand) Run(out io.Writer) error {
	keys, err := senderKeys(c.Keys)
	if err != nil {
		return err
	}
	link, err := keys.Link(c.Base, c.To, c.Topic)
	if err != nil {
		return exitError{exitUsage, err}
	}
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return exitError{exitUsage, fmt.Errorf("--from: write an address like news@example.com")}
	}
	sender, err := openSMTP(c.SMTP, from.Address, c.DKIMKey, c.Selector, time.Now)
	if err != nil {
		return exitError{exitUsage, err}
	}
	m := notice.Message{
		Key: "try." + time.Now().UTC().Format(time.RFC3339Nano), From: *from, To: mail.Address{Address: c.To}, Headers: link.Headers,
		Subject: "A test of the unsubscribe button", Text: "This mail is a test. Your mail program should offer to unsubscribe, beside the sender's name.\n\nIf it doesn't, use this link:\n\n" + link.URL + "\n",
	}
	m.HTML = notice.HTML(m)
	if err := sender.Send(context.Background(), m); err != nil {
		return err
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	signed := "signed for " + domain
	if c.DKIMKey == "" {
		signed = "not signed here: your mail server has to, and its h= has to name both List-Unsubscribe headers"
	}
	_, err = fmt.Fprintf(out, "Sent, %s. Look for the unsubscribe button beside the sender's name, and press it.\n", signed)
	return err
}
