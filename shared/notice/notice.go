// Package notice writes the letters that a person gets about a request, and says
// what a mail system has to do with them.
//
// It promises that a letter speaks of the request alone, that its subject names
// neither the person nor the right, that its text and its HTML say the same, and
// that nothing foreign in it (a name, an explanation) can become a header, a link
// or HTML. It leaves the sending to the adapters: mailbox on one machine, smtp,
// and ses in the cloud.
package notice

import (
	"context"
	"net/mail"

	"github.com/rightful/rightful/shared/rights"
)

// Message is one mail, ready to be sent.
type Message struct {
	Key     string // the same for the same letter, however often it is sent
	Request rights.ID
	From    mail.Address
	To      mail.Address
	Subject string
	Text    string            // the source
	HTML    string            // a rendering of Text
	Headers map[string]string // beyond those that Compose sets, such as List-Unsubscribe
}

// Sender hands a message to a mail system, which has accepted it when Send
// returns nil. Sending the same Key again is harmless: the system drops it, or
// delivers it once more under the same Message-ID. An error names no address.
type Sender interface {
	Send(ctx context.Context, m Message) error
}
