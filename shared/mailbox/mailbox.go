// Package mailbox is the mail system of one machine: it keeps the mails instead
// of sending them, and shows them on a page.
//
// It promises that a mail whose Send returned is on the disk (WAL,
// synchronous=FULL), that the same Key is kept once, and that what it refuses a
// real mail system would refuse too. The mails lie open in their file, so it is
// for local mode alone; to serve Handler to nobody but the loopback is the
// caller's part.
package mailbox

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/mail"
	"net/url"
	"time"

	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/rights"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

const schema = `
CREATE TABLE IF NOT EXISTS mails (
  seq       INTEGER PRIMARY KEY,
  key       TEXT NOT NULL UNIQUE,
  request   TEXT NOT NULL,
  addressee TEXT NOT NULL, -- the form for look-ups
  body      TEXT NOT NULL  -- a Mail as JSON
);
CREATE INDEX IF NOT EXISTS mails_addressee ON mails (addressee, seq);
CREATE INDEX IF NOT EXISTS mails_request ON mails (request);`

// Mailbox is a notice.Sender on a SQLite file.
type Mailbox struct {
	db  *sql.DB
	now func() time.Time
}

var _ notice.Sender = (*Mailbox)(nil)

// Mail is a mail as it would have been delivered.
type Mail struct {
	To      string            `json:"to"`
	From    string            `json:"from"`
	Subject string            `json:"subject"`
	Text    string            `json:"text"`
	HTML    string            `json:"html"`
	Headers map[string]string `json:"headers"`
	Links   []string          `json:"links"` // every address in Text, in order
	SentAt  time.Time         `json:"sent_at"`
}

// Open opens the mailbox at path and creates it where it is absent.
func Open(path string, now func() time.Time) (*Mailbox, error) {
	pragmas := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)"}}
	db, err := sql.Open("sqlite", "file:"+path+"?"+pragmas.Encode())
	if err != nil {
		return nil, fmt.Errorf("couldn't open the mailbox %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(schema); err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't prepare the mailbox %s (is it a file of Rightful, and writable?): %w", path, err), db.Close())
	}
	return &Mailbox{db: db, now: now}, nil
}

// Close closes the file.
func (m *Mailbox) Close() error { return m.db.Close() }

// Send keeps the mail, unless its Key is kept already.
func (m *Mailbox) Send(ctx context.Context, n notice.Message) error {
	at := m.now().UTC().Truncate(time.Second)
	wire, err := notice.Build(n, at)
	if err != nil {
		return err
	}
	headers, err := headersOf(wire)
	if err != nil {
		return fmt.Errorf("couldn't read mail %s as it was built: %w", n.Key, err)
	}
	body, err := json.Marshal(Mail{
		To: n.To.Address, From: n.From.Address, Subject: n.Subject, Text: n.Text, HTML: n.HTML,
		Headers: headers, Links: links(n.Text), SentAt: at,
	})
	if err != nil {
		return fmt.Errorf("couldn't keep mail %s: %w", n.Key, err)
	}
	_, err = m.db.ExecContext(ctx, "INSERT INTO mails (key, request, addressee, body) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
		n.Key, n.Request, rights.SameAddress(n.To.Address), string(body))
	if err != nil {
		return fmt.Errorf("couldn't keep mail %s: %w", n.Key, err)
	}
	return nil
}

// Forget removes the mails of a request. Forgetting twice is done.
func (m *Mailbox) Forget(ctx context.Context, id rights.ID) error {
	if _, err := m.db.ExecContext(ctx, "DELETE FROM mails WHERE request = ?", id); err != nil {
		return fmt.Errorf("couldn't forget the mails of %s: %w", id, err)
	}
	// The log still holds the page as it was: fold it into the file, where
	// secure_delete overwrites it.
	if _, err := m.db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return fmt.Errorf("couldn't forget the mails of %s for good: %w", id, err)
	}
	return nil
}

// mails returns the newest limit mails, all with -1, to an address or to
// everybody with "".
func (m *Mailbox) mails(ctx context.Context, to string, limit int) ([]Mail, error) {
	rows, err := m.db.QueryContext(ctx, "SELECT body FROM mails WHERE ?1 = '' OR addressee = ?1 ORDER BY seq DESC LIMIT ?2", rights.SameAddress(to), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := []Mail{}
	for rows.Next() {
		var body string
		var one Mail
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(body), &one); err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, rows.Err()
}

// headersOf reads the headers of a mail as its reader would.
func headersOf(wire []byte) (map[string]string, error) {
	m, err := mail.ReadMessage(bytes.NewReader(wire))
	if err != nil {
		return nil, err
	}
	// net/textproto spells these two as no mail does.
	spelling := map[string]string{"Message-Id": "Message-ID", "Mime-Version": "MIME-Version"}
	headers := map[string]string{}
	decoder := mime.WordDecoder{CharsetReader: func(string, io.Reader) (io.Reader, error) { return nil, errors.New("not UTF-8") }}
	for name, values := range m.Header {
		if spelt, ok := spelling[name]; ok {
			name = spelt
		}
		value, err := decoder.DecodeHeader(values[0])
		if err != nil {
			return nil, err
		}
		headers[name] = value
	}
	return headers, nil
}
