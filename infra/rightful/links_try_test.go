package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
)

// mailServer takes one mail.
func mailServer(t *testing.T) (address string, mails chan []byte) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	mails = make(chan []byte, 1)
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		fmt.Fprint(connection, "220 ready\r\n")
		in := textproto.NewReader(bufio.NewReader(connection))
		for {
			line, err := in.ReadLine()
			if err != nil {
				return
			}
			if line == "DATA" {
				fmt.Fprint(connection, "354 go on\r\n")
				text, err := in.ReadDotBytes()
				if err != nil {
					return
				}
				mails <- text
			}
			fmt.Fprint(connection, "250 yes\r\n")
		}
	}()
	return listener.Addr().String(), mails
}

// TestTry: one who knows only the mail, and believes nothing in it that DKIM doesn't
// cover, unsubscribes by one click.
func TestTry(t *testing.T) {
	h := newHouse(t, nil)
	address, mails := mailServer(t)
	status, keys, errs := rightful("links", "keys", "--data", filepath.Dir(h.clock.file))
	if status != 0 {
		t.Fatalf("%d: %s", status, errs)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string, text []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	status, out, errs := rightful("links", "try", "--to", "ada@example.org", "--topic", "product-news", "--base", h.url, "--smtp", "smtp://"+address, "--from", "news@example.com",
		"--keys", in("keys.json", []byte(keys)), "--dkim-key", in("dkim.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	if status != 0 || !strings.Contains(out, "signed for example.com") {
		t.Fatalf("%d: %s%s", status, out, errs)
	}

	sent := <-mails
	found, err := dkim.VerifyWithOptions(bytes.NewReader(sent), &dkim.VerifyOptions{LookupTXT: func(string) ([]string, error) {
		return []string{"v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)}, nil
	}})
	if err != nil || len(found) != 1 || found[0].Err != nil {
		t.Fatalf("%+v, %v", found, err)
	}
	covered := strings.ToLower(strings.Join(found[0].HeaderKeys, " ") + " ")
	received, err := mail.ReadMessage(bytes.NewReader(sent))
	if err != nil || !strings.Contains(covered, "list-unsubscribe ") || !strings.Contains(covered, "list-unsubscribe-post ") {
		t.Fatalf("%v, covered: %s", err, covered)
	}
	to := strings.Trim(received.Header.Get("List-Unsubscribe"), "<>")
	answer, err := http.Post(to, "application/x-www-form-urlencoded", strings.NewReader(received.Header.Get("List-Unsubscribe-Post")))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK || !h.suppressed(t, "ada@example.org", "product-news") {
		t.Errorf("the click answers %d", answer.StatusCode)
	}
}
