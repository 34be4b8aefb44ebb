package unsubscribe

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"errors"
	"fmt"
)

// A system that mails people knows them by address, and a click brings none. So a
// link may bring it sealed (HPKE, RFC 9180): only the installation can open it, not
// whoever sees the link, nor a sender that made it.

var kem, kdf, aead = hpke.DHKEM(ecdh.X25519()), hpke.HKDFSHA256(), hpke.AES256GCM()

// padding hides an address's length: it is filled up to the next multiple.
const padding = 32

// ErrAddress is a sealed address that can't be opened, or is another person's.
var ErrAddress = errors.New("the sealed address is not one of ours, or somebody else's")

// Seal seals an address for its person alone; nil where there is no key to.
func (k Keys) Seal(address string) ([]byte, error) {
	if k.Sealing == nil {
		return nil, nil
	}
	address = normal(address)
	padded := make([]byte, (len(address)/padding+1)*padding)
	copy(padded, address)
	sealed, err := hpke.Seal(k.Sealing, kdf, aead, sealedFor(k.Pseudonym(address)), padded)
	if err != nil {
		return nil, fmt.Errorf("couldn't seal an address: %w", err)
	}
	return sealed, nil
}

// Address opens what Seal sealed for a person. A sender could seal one person's
// address into another's link: the pseudonym has to be the address's. Its error is
// ErrAddress.
func (k Keys) Address(person string, sealed []byte) (string, error) {
	if k.Opening == nil {
		return "", errors.New("a sender's keys open no address")
	}
	padded, err := hpke.Open(k.Opening, kdf, aead, sealedFor(person), sealed)
	if err != nil {
		return "", ErrAddress
	}
	address := string(bytes.TrimRight(padded, "\x00"))
	if k.Pseudonym(address) != person {
		return "", ErrAddress
	}
	return address, nil
}

func sealedFor(person string) []byte { return []byte("rightful.address\x00" + person) }
