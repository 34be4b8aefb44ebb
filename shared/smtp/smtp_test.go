package smtp_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	netmail "net/mail"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/smtp"
)

func now() time.Time { return time.Date(2026, time.March, 14, 12, 0, 0, 0, time.UTC) }

var letter = notice.Message{
	Key: "DR-7K4M-29QX-H3WT.acknowledged.1", Request: "DR-7K4M-29QX-H3WT",
	From: netmail.Address{Name: "Example Company", Address: "privacy@example.com"}, To: netmail.Address{Address: "ada@example.org"},
	Subject: "[Example Company] Confirm your request — DR-7K4M-29QX-H3WT",
	Text:    "Hello Åda,\n\n.\n\nhttps://privacy.example.com/" + strings.Repeat("token=", 30) + "\n",
	HTML:    "<p>Hello Åda,</p>\n",
	Headers: map[string]string{"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
}

// server is a mail server that takes one connection after another and answers
// the commands in answers as they say, and everything else with yes.
type server struct {
	address string
	answers map[string]string // "RCPT": "550 5.1.1 no such user"
	said    chan []string     // the commands of each connection
	data    chan []byte       // each mail
}

func serve(t *testing.T, answers map[string]string) server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	s := server{address: listener.Addr().String(), answers: answers, said: make(chan []string, 10), data: make(chan []byte, 10)}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			s.said <- s.talk(connection)
		}
	}()
	return s
}

func (s server) talk(connection net.Conn) []string {
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return nil
	}
	var said []string
	in, out := textproto.NewReader(bufio.NewReader(connection)), connection
	fmt.Fprint(out, "220 mail.example.com ready\r\n")
	for {
		line, err := in.ReadLine()
		if err != nil {
			return said
		}
		said = append(said, line)
		verb, _, _ := strings.Cut(line, " ")
		answer := map[string]string{"EHLO": "250-mail.example.com\r\n250 AUTH PLAIN", "DATA": "354 go on", "QUIT": "221 bye", "AUTH": "235 welcome"}[verb]
		if answer == "" {
			answer = "250 yes"
		}
		if other, ok := s.answers[verb]; ok {
			answer = other
		}
		if answer == "hang up" {
			return said
		}
		fmt.Fprint(out, answer+"\r\n")
		if strings.HasPrefix(answer, "354") {
			mail, err := in.ReadDotBytes()
			if err != nil {
				return said
			}
			s.data <- mail
			fmt.Fprint(out, "250 kept\r\n")
		}
	}
}

func open(t *testing.T, setting string) *smtp.Sender {
	t.Helper()
	s, err := smtp.Open(setting, now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSend_ServerReceivesTheMessage(t *testing.T) {
	t.Parallel()
	server := serve(t, nil)
	if err := open(t, "smtp://"+server.address).Send(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	wire := <-server.data
	got, err := netmail.ReadMessage(bytes.NewReader(wire))
	if err != nil {
		t.Fatal(err)
	}
	headers := map[string]string{}
	for _, name := range []string{"From", "To", "Subject", "Date", "List-Unsubscribe-Post"} {
		if headers[name], err = new(mime.WordDecoder).DecodeHeader(got.Header.Get(name)); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{
		"From": `"Example Company" <privacy@example.com>`, "To": "<ada@example.org>", "Subject": letter.Subject,
		"Date": "Sat, 14 Mar 2026 12:00:00 +0000", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
	}
	if diff := cmp.Diff(want, headers); diff != "" {
		t.Errorf("the headers differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{letter.Text, letter.HTML}, bodies(t, got)); diff != "" {
		t.Errorf("the parts differ (-want +got):\n%s", diff)
	}
	said := strings.Join(<-server.said, "\n")
	for _, want := range []string{"MAIL FROM:<privacy@example.com>", "RCPT TO:<ada@example.org>"} {
		if !strings.Contains(said, want) {
			t.Errorf("the envelope lacks %s", want)
		}
	}
	if strings.Contains(said, "AUTH") {
		t.Error("it logged in without being told to")
	}
}

func bodies(t *testing.T, m *netmail.Message) []string {
	t.Helper()
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.ReplaceAll(string(body), "\r\n", "\n"))
	}
}

func TestSend_LogsIn(t *testing.T) {
	t.Parallel()
	server := serve(t, nil)
	if err := open(t, "smtp://user:pass%40word@"+server.address).Send(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	// The base64 of \0user\0pass@word.
	if said := strings.Join(<-server.said, "\n"); !strings.Contains(said, "AUTH PLAIN AHVzZXIAcGFzc0B3b3Jk") {
		t.Errorf("it didn't log in:\n%s", said)
	}
}

func TestSend_TroubleAfterAcceptanceIsNoFailure(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"QUIT", "RSET"} {
		server := serve(t, map[string]string{verb: "hang up"})
		if err := open(t, "smtp://"+server.address).Send(t.Context(), letter); err != nil {
			t.Errorf("%s: %v", verb, err)
		}
		if len(server.data) != 1 {
			t.Errorf("%s: %d mails were taken", verb, len(server.data))
		}
	}
}

func TestSend_FailureSaysWhatToDoAndNamesNobody(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers map[string]string
		want    string
	}{
		"unknown recipient": {map[string]string{"RCPT": "550 5.1.1 <ada@example.org> is unknown here"}, "refused the recipient (550)"},
		"foreign sender":    {map[string]string{"MAIL": "553 5.7.1 <privacy@example.com> is not yours"}, "refused our sender address (553)"},
		"busy":              {map[string]string{"RCPT": "451 4.7.1 ada@example.org is greylisted"}, "didn't take the recipient for now (451); try again later"},
		"mail refused":      {map[string]string{"DATA": "554 no mail from privacy@example.com"}, "refused the mail (554)"},
		"wrong password":    {map[string]string{"AUTH": "535 user ada@example.org unknown"}, "check user and password in RIGHTFUL_SMTP"},
		"hang up":           {map[string]string{"EHLO": "hang up", "HELO": "hang up"}, "RIGHTFUL_SMTP"},
	} {
		server := serve(t, test.answers)
		err := open(t, "smtp://user:secret@"+server.address).Send(t.Context(), letter)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), letter.Key) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
			continue
		}
		if strings.Contains(err.Error(), "@") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells too much: %v", name, err)
		}
	}
}

func TestSend_NothingGoesInTheClearBeyondTheLoopback(t *testing.T) {
	t.Parallel()
	server := serve(t, nil)
	_, port, err := net.SplitHostPort(server.address)
	if err != nil {
		t.Fatal(err)
	}
	// To net.Dial this is the machine itself, to us a host like any other.
	err = open(t, "smtp://user:secret@0.0.0.0:"+port).Send(t.Context(), letter)
	if err == nil || !strings.Contains(err.Error(), "STARTTLS") {
		t.Fatalf("a server without STARTTLS: %v", err)
	}
	if said := strings.Join(<-server.said, "\n"); strings.Contains(said, "AUTH") || strings.Contains(said, "MAIL") {
		t.Errorf("it said in the clear:\n%s", said)
	}
}

func TestSend_TakesSTARTTLSWhereTheLoopbackOffersIt(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]string{"EHLO": "250-mail.example.com\r\n250 STARTTLS", "STARTTLS": "hang up"})
	if err := open(t, "smtp://"+server.address).Send(t.Context(), letter); err == nil {
		t.Fatal("it went on without TLS")
	}
	if said := strings.Join(<-server.said, "\n"); !strings.Contains(said, "STARTTLS") || strings.Contains(said, "MAIL") {
		t.Errorf("it said:\n%s", said)
	}
}

func TestSend_CertificateOfAnotherIsRefused(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	err := open(t, "smtps://"+server.Listener.Addr().String()).Send(t.Context(), letter)
	if err == nil || !strings.Contains(err.Error(), "the server's certificate doesn't hold") {
		t.Errorf("a server with a certificate that nobody vouches for: %v", err)
	}
}

func TestSend_NobodyListens(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	if err := open(t, "smtp://"+address).Send(t.Context(), letter); err == nil || !strings.Contains(err.Error(), "check host and port in RIGHTFUL_SMTP") {
		t.Errorf("sending to nobody: %v", err)
	}
}

func TestSend_CancelHangsUpOnASilentServer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		// It takes the call and says nothing.
		connection, err := listener.Accept()
		cancel()
		if err == nil {
			defer connection.Close()
			_, _ = io.Copy(io.Discard, connection)
		}
	}()
	if err := open(t, "smtp://"+listener.Addr().String()).Send(ctx, letter); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call: %v", err)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"smtp://user:pass@mail.example.com:587":  "",
		"smtps://user:pass@mail.example.com:465": "",
		"smtps://mail.example.com":               "",
		"smtp://localhost:1025":                  "",
		"smtp://[::1]:1025/":                     "",
		"":                                       "has to start with smtp://",
		"mail.example.com:587":                   "has to start with smtp://",
		"https://mail.example.com":               "has to start with smtp://",
		"smtp://":                                "names no host",
		"smtp://user:pass@":                      "names no host",
		"smtp://user@mail.example.com":           "needs a user and a password",
		"smtp://user:pa/ss@mail.example.com":     "can't be read as a URL",
		"smtp://mail.example.com:70000":          "port",
		"smtp://mail.example.com:587/inbox":      "after the port",
		"smtp://user:pa%ss@mail.example.com":     "can't be read as a URL",
	} {
		_, err := smtp.Open(setting, now)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", setting, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "RIGHTFUL_SMTP ")):
			t.Errorf("%s: %v, want %q", setting, err, want)
		case err != nil && (strings.Contains(err.Error(), "pa/ss") || strings.Contains(err.Error(), "pa%ss")):
			t.Errorf("%s: the error tells the password", setting)
		}
	}
}
