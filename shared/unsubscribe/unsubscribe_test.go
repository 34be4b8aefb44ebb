package unsubscribe_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"

	"github.com/rightful/rightful/shared/unsubscribe"
)

func keys() unsubscribe.Keys {
	return unsubscribe.Keys{Person: []byte("a secret of the installation"), Current: 1, Signing: map[int]ed25519.PrivateKey{1: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))}}
}

func TestLink(t *testing.T) {
	t.Parallel()
	k := keys()
	link, err := k.Link("https://privacy.example.com/", "Ada.Rare@Example.com", "news")
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimPrefix(link.URL, "https://privacy.example.com/u/")
	claims, err := k.Open(token)
	if err != nil || claims.Topic != "news" || claims.Person != k.Pseudonym("ada.rare@example.com ") {
		t.Errorf("%+v, %v", claims, err)
	}
	if link.Headers["List-Unsubscribe"] != "<"+link.URL+">" || link.Headers["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click" {
		t.Errorf("%v", link.Headers)
	}
	if strings.Contains(strings.ToLower(link.URL), "rare") || len(link.URL) > 250 {
		t.Errorf("the link is %s", link.URL)
	}
	if _, err := k.Link("https://x", "a@example.com", "News!"); err == nil {
		t.Error("a topic that isn't one was signed")
	}
}

// TestRotation: old links work after a rotation, and don't after their key is revoked.
func TestRotation(t *testing.T) {
	t.Parallel()
	k := keys()
	old, err := k.Mint(unsubscribe.Claims{Person: "p", Topic: "news"})
	if err != nil {
		t.Fatal(err)
	}
	k.Signing[2], k.Current = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32)), 2
	if _, err := k.Open(old); err != nil {
		t.Errorf("after the rotation: %v", err)
	}
	k.Revoked = map[int]bool{1: true}
	if _, err := k.Open(old); !errors.Is(err, unsubscribe.ErrRevoked) {
		t.Errorf("after the revocation: %v", err)
	}
	text, err := k.Export()
	if err != nil {
		t.Fatal(err)
	}
	sender, err := unsubscribe.Read(text)
	if err != nil || len(sender.Signing) != 1 {
		t.Fatalf("%+v, %v", sender, err)
	}
	minted, err := sender.Mint(unsubscribe.Claims{Person: sender.Pseudonym("a@example.com"), Topic: "news"})
	if err != nil {
		t.Fatal(err)
	}
	if claims, err := k.Open(minted); err != nil || claims.Person != k.Pseudonym("a@example.com") {
		t.Errorf("a sender's link: %+v, %v", claims, err)
	}
}

// FuzzOpen: nothing but what was minted opens, whatever bit is another one.
func FuzzOpen(f *testing.F) {
	k := keys()
	good, err := k.Mint(unsubscribe.Claims{Person: k.Pseudonym("ada@example.com"), Topic: "news"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	for i := range good {
		flipped := []byte(good)
		flipped[i] ^= 1
		f.Add(string(flipped))
	}
	f.Add(good + "\n")
	f.Add("u1.01" + strings.TrimPrefix(good, "u1.1"))
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := k.Open(token); err == nil && token != good {
			t.Errorf("%q opens", token)
		}
	})
}
