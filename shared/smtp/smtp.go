// Package smtp sends mail through a mail server (RFC 5321), for installations
// without SES.
//
// It promises that a mail whose Send returned was accepted by the server, that
// nothing is sent in the clear beyond the loopback, and that no error names an
// address or a password. SMTP knows no keys: a Key that is sent twice is
// delivered twice, under one Message-ID. Retrying is left to the caller.
package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/rightful/rightful/shared/notice"
)

// Sender is a notice.Sender through one mail server.
type Sender struct {
	DKIM *DKIM // nil where the server signs, or nobody does

	host    string
	server  string // "mail.example.com:587", for errors
	dial    mail.DialContextFunc
	options []mail.Option
	now     func() time.Time
}

var _ notice.Sender = (*Sender)(nil)

// Open reads the setting RIGHTFUL_SMTP and calls nobody yet.
//
//	smtp://user:password@mail.example.com:587   STARTTLS, which the server must offer
//	smtps://user:password@mail.example.com:465  TLS from the first byte
//	smtp://localhost:1025                       on the loopback STARTTLS only where offered
func Open(setting string, now func() time.Time) (*Sender, error) {
	u, err := url.Parse(setting)
	if err != nil {
		// The parser's error repeats the setting with its password.
		return nil, wrong("can't be read as a URL; write signs such as @ : / # in a password as %40 %3A %2F %23")
	}
	host, port, policy, dial := u.Hostname(), 587, mail.TLSMandatory, new(net.Dialer).DialContext
	options := []mail.Option{mail.WithTimeout(30 * time.Second)}
	switch u.Scheme {
	case "smtp":
		if loopback(host) {
			policy = mail.TLSOpportunistic
		}
	case "smtps":
		port, dial = 465, new(tls.Dialer).DialContext
		options = append(options, mail.WithSSL())
	default:
		return nil, wrong("has to start with smtp:// or smtps://")
	}
	switch {
	case host == "":
		return nil, wrong("names no host")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return nil, wrong("has something after the port; leave it out, and write signs such as / ? # in a password as %2F %3F %23")
	}
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
			return nil, wrong("has a port that isn't a number from 1 to 65535")
		}
	}
	options = append(options, mail.WithPort(port), mail.WithTLSPolicy(policy))
	if u.User != nil {
		password, _ := u.User.Password()
		if password == "" || u.User.Username() == "" {
			return nil, wrong("needs a user and a password before the @, or neither")
		}
		options = append(options, mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin), mail.WithUsername(u.User.Username()), mail.WithPassword(password))
	}
	return &Sender{host: host, server: net.JoinHostPort(host, strconv.Itoa(port)), dial: dial, options: options, now: now}, nil
}

func wrong(what string) error {
	return errors.New("RIGHTFUL_SMTP " + what + "; set it like smtp://user:password@mail.example.com:587")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Send hands m to the server over a connection of its own, which it closes.
func (s *Sender) Send(ctx context.Context, m notice.Message) error {
	msg, err := notice.Compose(m, s.now())
	if err != nil {
		return err
	}
	if s.DKIM != nil {
		if err := s.DKIM.sign(msg); err != nil {
			return err
		}
	}
	err = s.send(ctx, msg)
	// Once the server has said yes to the mail, what fails afterwards is no matter.
	if err == nil || msg.IsDelivered() {
		return nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	} else {
		err = plain(err)
	}
	return fmt.Errorf("couldn't send mail %s through %s: %w", m.Key, s.server, err)
}

func (s *Sender) send(ctx context.Context, msg *mail.Msg) error {
	// go-mail heeds the context only while it dials, and leaves the connection open
	// where the greeting or the login fails: here the context's end closes it.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dial := func(dialing context.Context, network, address string) (net.Conn, error) {
		connection, err := s.dial(dialing, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { connection.Close() })
		}
		return connection, err
	}
	client, err := mail.NewClient(s.host, slices.Concat(s.options, []mail.Option{mail.WithDialContextFunc(dial)})...)
	if err != nil {
		return err
	}
	return client.DialAndSendWithContext(ctx, msg)
}

// plain says what went wrong without the server's own words, which like to repeat
// addresses.
func plain(err error) error {
	if answer, ok := errors.AsType[*mail.SendError](err); ok {
		what := "the mail"
		switch answer.Reason {
		case mail.ErrSMTPMailFrom:
			what = "our sender address"
		case mail.ErrSMTPRcptTo:
			what = "the recipient"
		}
		switch {
		case answer.ErrorCode() == 0:
			return errors.New("the connection broke before the server took " + what + "; try again")
		case answer.IsTemp():
			return fmt.Errorf("the server didn't take %s for now (%d); try again later", what, answer.ErrorCode())
		}
		return fmt.Errorf("the server refused %s (%d); check what it may send, and from which address", what, answer.ErrorCode())
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return errors.New("the server's certificate doesn't hold; name the host in RIGHTFUL_SMTP as its certificate does")
	}
	if broken, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("%w; check host and port in RIGHTFUL_SMTP, and that the server runs", broken)
	}
	return errors.New("the server didn't let us in; check user and password in RIGHTFUL_SMTP, and that it offers STARTTLS")
}
