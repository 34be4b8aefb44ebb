package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"
)

// smokeCommand is `rightful smoke`.
type smokeCommand struct {
	Stage  string        `env:"RIGHTFUL_STAGE" help:"The stage to try; without it, the local server."`
	Server string        `env:"RIGHTFUL_SERVER" default:"http://127.0.0.1:8080" help:"The server to try, without --stage."`
	Email  string        `default:"smoke@example.com" help:"Whose request it is: an address whose mail you can read. In SES's sandbox it has to be verified."`
	Right  string        `default:"access" enum:"access,portability" help:"What is asked for. A test never asks for an erasure."`
	Wait   time.Duration `default:"5m" help:"How long it may take after the proof."`
}

// trial is one test request.
type trial struct {
	base, id, token string
	out             io.Writer
}

// Run files, proves and finishes a request.
func (c smokeCommand) Run(out io.Writer) error {
	t := trial{base: strings.TrimSuffix(c.Server, "/"), out: out}
	if c.Stage != "" {
		s, err := openStage(context.Background(), c.Stage)
		if err != nil {
			return err
		}
		t.base = strings.TrimSuffix(s.outputs["OutUrl"], "/")
	}
	var receipt struct {
		ID    string `json:"id"`
		Token string `json:"access_token"`
	}
	body := map[string]any{"right": c.Right, "subject": map[string]string{"email": c.Email}, "details": "A test by rightful smoke."}
	if err := t.call("POST", "/v1/requests", body, &receipt); err != nil {
		return fmt.Errorf("the request wasn't taken: %w", err)
	}
	t.id, t.token = receipt.ID, receipt.Token
	fmt.Fprintln(out, "filed    ", t.id)
	code, err := t.code(c.Email)
	if err != nil {
		return err
	}
	if err := t.call("POST", "/v1/requests/"+t.id+"/verification", map[string]string{"code": code}, nil); err != nil {
		return fmt.Errorf("the code wasn't taken: %w", err)
	}
	fmt.Fprintln(out, "proven   ")
	return t.finish(c.Wait)
}

var digits = regexp.MustCompile(`\b\d{4} \d{4}\b`)

// code reads the mail where the server is a local one that keeps it, and asks for the
// code otherwise.
func (t trial) code(email string) (string, error) {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		var mails []struct{ Text string }
		if err := t.call("GET", "/dev/mailbox?to="+url.QueryEscape(email), nil, &mails); err != nil {
			break // no mailbox here
		}
		for _, m := range mails {
			if code := digits.FindString(m.Text); code != "" && strings.Contains(m.Text, t.id) {
				return code, nil
			}
		}
	}
	fmt.Fprint(t.out, "A mail with a code was sent. Enter its 8 digits: ")
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if strings.TrimSpace(line) == "" {
		return "", fmt.Errorf("no code was entered: did the mail not come? Run rightful doctor (%w)", err)
	}
	return strings.TrimSpace(line), nil
}

// finish waits until the request is fulfilled.
func (t trial) finish(wait time.Duration) error {
	start := time.Now()
	var view struct {
		Status, Reason string
		Systems        []struct{ Name, Outcome string }
	}
	last := ""
	for time.Since(start) < wait {
		if err := t.call("GET", "/v1/requests/"+t.id, nil, &view); err != nil {
			return err
		}
		if now := view.Status + " " + view.Reason; now != last {
			fmt.Fprintf(t.out, "%-9s %s %s\n", time.Since(start).Round(100*time.Millisecond), printable(view.Status), printable(view.Reason))
			last = now
		}
		switch view.Status {
		case "fulfilled":
			for _, s := range view.Systems {
				fmt.Fprintf(t.out, "          %s: %s\n", printable(s.Name), printable(s.Outcome))
			}
			return nil
		case "denied", "expired", "revoked":
			return fmt.Errorf("the request ended as %s %s", view.Status, view.Reason)
		}
		time.Sleep(500 * time.Millisecond)
	}
	return fmt.Errorf("after %s the request is %s %s: look at it with rightful requests show %s", wait, view.Status, view.Reason, t.id)
}

func (t trial) call(method, path string, body, into any) error {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, t.base+path, sent)
	if err != nil {
		return exitError{exitUsage, fmt.Errorf("the address %q can't be used", t.base)}
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if t.token != "" {
		request.Header.Set("Authorization", "Bearer "+t.token)
	}
	response, err := (&http.Client{Timeout: 30 * time.Second}).Do(request)
	if err != nil {
		return fmt.Errorf("couldn't reach %s: is it running?", request.URL.Host)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return failed(response.StatusCode, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}
