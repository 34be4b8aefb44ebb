package unsubscribe

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// A link that asks whether somebody wants a topic's mails is another thing than one
// that ends them: it runs out, and no sender can make it. Else a sender could agree
// for the people it mails.

const asking = "c1"

// ErrAsked is a link of Ask that ran out.
var ErrAsked = errors.New("this link ran out")

// Ask makes the token of a mail that asks for consent; it works until then.
func (k Keys) Ask(c Claims, until time.Time) (string, error) {
	if len(k.Asking) == 0 || !Topic(c.Topic) {
		return "", errors.New("these keys ask nobody for consent, or not about this topic")
	}
	said := strings.Join([]string{asking, c.Topic, c.Person, strconv.FormatInt(until.Unix(), 36)}, ".")
	return said + "." + k.askingMAC(said), nil
}

// Asked opens a token of Ask. Errors: ErrInvalid, ErrAsked.
func (k Keys) Asked(token string, now time.Time) (Claims, error) {
	end := max(strings.LastIndexByte(token, '.'), 0)
	said, mac := token[:end], strings.TrimPrefix(token[end:], ".")
	parts := strings.Split(said, ".")
	if len(token) > longest || len(k.Asking) == 0 || len(parts) != 4 || parts[0] != asking || !hmac.Equal([]byte(mac), []byte(k.askingMAC(said))) {
		return Claims{}, ErrInvalid
	}
	until, err := strconv.ParseInt(parts[3], 36, 64)
	if err != nil {
		return Claims{}, ErrInvalid
	}
	c := Claims{Person: parts[2], Topic: parts[1]}
	if !now.Before(time.Unix(until, 0)) {
		return c, ErrAsked
	}
	return c, nil
}

func (k Keys) askingMAC(said string) string {
	h := hmac.New(sha256.New, k.Asking)
	h.Write([]byte(said))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
