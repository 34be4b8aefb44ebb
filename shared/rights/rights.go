// Package rights is the core of Rightful: what a data-rights request is, how it
// may move, what the law gives it in time, and what is promised about storing it.
//
// It promises that every rule about a request stands here once: the transition
// table of its status, the clocks of each regime, the hash chain of its ledger,
// the signatures of its links. It holds no personal data except in Personal,
// which a Store keeps sealed.
//
// It imports the standard library alone and leaves to others how a request is
// stored (sqlite, dynamo), how its workflow runs (asl, sfn), how a letter reads
// (notice) and how a system is asked (connector).
package rights

import (
	"fmt"
	"io"
	"strings"
)

// ID names a request to everybody who is not the workflow: "DR-7K4M-29QX-H3WT".
// Its alphabet has no I, O, 0 and 1, so that it can be read out on the phone.
// It carries 60 random bits and gives no power: access needs a Token.
type ID string

const idAlphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

// NewID draws an ID from random.
func NewID(random io.Reader) (ID, error) {
	var raw [12]byte
	if _, err := io.ReadFull(random, raw[:]); err != nil {
		return "", fmt.Errorf("couldn't draw a request id: %w", err)
	}
	var b strings.Builder
	b.WriteString("DR")
	for i, c := range raw {
		if i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(idAlphabet[c%32])
	}
	return ID(b.String()), nil
}

// ParseID accepts an ID as people type it: any case, spaces around it.
// It returns an Error with code NotFound where the text can't be one.
func ParseID(text string) (ID, error) {
	text = strings.ToUpper(strings.TrimSpace(text))
	parts := strings.Split(text, "-")
	if len(parts) != 4 || parts[0] != "DR" {
		return "", noSuchID()
	}
	for _, part := range parts[1:] {
		if len(part) != 4 || strings.Trim(part, idAlphabet) != "" {
			return "", noSuchID()
		}
	}
	return ID(text), nil
}

func noSuchID() error {
	return &Error{Code: NotFound, Detail: "There is no such request. Check the reference: it looks like DR-7K4M-29QX-H3WT."}
}
