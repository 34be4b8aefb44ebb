package smtp_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/rightful/rightful/shared/smtp"
)

// record is what the domain's DNS says.
func record(t *testing.T, key crypto.Signer) string {
	t.Helper()
	if public, ok := key.Public().(ed25519.PublicKey); ok {
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(public)
}

// TestDKIM: what the server gets verifies, both one-click headers included; a changed
// one doesn't.
func TestDKIM(t *testing.T) {
	t.Parallel()
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, small, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"RSA": big, "Ed25519": small} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, nil)
			sender, err := smtp.Open("smtp://"+s.address, now)
			if err != nil {
				t.Fatal(err)
			}
			sender.DKIM = &smtp.DKIM{Domain: "example.com", Selector: "rightful", Key: key}
			m := letter
			m.Headers = map[string]string{"List-Unsubscribe": "<https://privacy.example.com/u/token>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
			if err := sender.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			sent := <-s.data
			verify := func(text []byte) ([]*dkim.Verification, error) {
				return dkim.VerifyWithOptions(bytes.NewReader(text), &dkim.VerifyOptions{LookupTXT: func(domain string) ([]string, error) {
					if domain != "rightful._domainkey.example.com" {
						t.Errorf("asked for %s", domain)
					}
					return []string{record(t, key)}, nil
				}})
			}
			found, err := verify(sent)
			if err != nil || len(found) != 1 || found[0].Err != nil {
				t.Fatalf("%+v, %v\n%s", found, err, sent)
			}
			for _, header := range []string{"List-Unsubscribe", "List-Unsubscribe-Post", "From"} {
				if !slices.ContainsFunc(found[0].HeaderKeys, func(k string) bool { return strings.EqualFold(k, header) }) {
					t.Errorf("the signature doesn't cover %s: %v", header, found[0].HeaderKeys)
				}
			}
			for old, other := range map[string]string{"/u/token": "/u/other", "One-Click": "Two-Click", "Hello": "Adieu"} {
				found, err := verify(bytes.Replace(sent, []byte(old), []byte(other), 1))
				if err == nil && len(found) == 1 && found[0].Err == nil {
					t.Errorf("%s became %s, and it verifies", old, other)
				}
			}
		})
	}
}

// TestReadDKIM: a key that can't be used is refused with what to do.
func TestReadDKIM(t *testing.T) {
	t.Parallel()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	_, good, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	write := func(key any) string {
		text, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "key.pem")
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if d, err := smtp.ReadDKIM(write(good), "example.com", "rightful"); err != nil || !good.Equal(d.Key) {
		t.Errorf("%v", err)
	}
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("a password"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{write(weak), plain, filepath.Join(t.TempDir(), "none")} {
		if _, err := smtp.ReadDKIM(path, "example.com", "rightful"); err == nil || !strings.Contains(err.Error(), "RIGHTFUL_DKIM_KEY") || strings.Contains(err.Error(), "password") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
