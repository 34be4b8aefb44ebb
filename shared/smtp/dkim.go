package smtp

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/wneessen/go-mail"
)

// DKIM signs what is sent (RFC 6376): for a domain whose DNS holds the public key
// under selector._domainkey.
type DKIM struct {
	Domain, Selector string
	Key              crypto.Signer // RSA or Ed25519
}

// signedHeaders are what a signature covers. A one-click header that isn't among them
// is ignored by mailbox providers (RFC 8058, section 4); naming one that a mail doesn't
// have keeps others from adding it.
var signedHeaders = []string{"From", "To", "Subject", "Date", "Message-ID", "Reply-To", "MIME-Version", "Content-Type", "List-Unsubscribe", "List-Unsubscribe-Post"}

// ReadDKIM reads a private key from a PEM file (PKCS #8).
func ReadDKIM(path, domain, selector string) (*DKIM, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("RIGHTFUL_DKIM_KEY: couldn't read the key's file: %w", err)
	}
	bad := errors.New("RIGHTFUL_DKIM_KEY: the file holds no private key of RSA (2048 bits or more) or Ed25519 in PEM; make one with openssl genpkey -algorithm ed25519")
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, bad
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, bad
	}
	d := &DKIM{Domain: domain, Selector: selector}
	switch key := parsed.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() < 2048 {
			return nil, bad
		}
		d.Key = key
	case ed25519.PrivateKey:
		d.Key = key
	default:
		return nil, bad
	}
	return d, nil
}

// sign adds the signature. The message gives the same bytes each time it is written,
// so what was signed is what is sent.
func (d *DKIM) sign(msg *mail.Msg) error {
	signer, err := dkim.NewSigner(&dkim.SignOptions{
		Domain: d.Domain, Selector: d.Selector, Signer: d.Key, HeaderKeys: signedHeaders,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
	})
	if err != nil {
		return fmt.Errorf("couldn't sign a mail: %w", err)
	}
	var sent bytes.Buffer
	if _, err := msg.WriteTo(&sent); err != nil {
		return err
	}
	if _, err := sent.WriteTo(signer); err != nil {
		return err
	}
	if err := signer.Close(); err != nil {
		return fmt.Errorf("couldn't sign a mail: %w", err)
	}
	_, value, _ := strings.Cut(signer.Signature(), ": ")
	msg.SetGenHeaderPreformatted("DKIM-Signature", strings.TrimRight(value, "\r\n"))
	return nil
}
