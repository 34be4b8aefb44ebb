package unsubscribe_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

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

func derived() unsubscribe.Keys {
	return unsubscribe.Derive(func(purpose string) []byte {
		sum := sha256.Sum256([]byte(purpose))
		return sum[:]
	}, 1)
}

// TestSealed: a sender's link brings the address where the installation alone can read
// it, and only as the link's own person.
func TestSealed(t *testing.T) {
	t.Parallel()
	k := derived()
	text, err := k.Export()
	if err != nil {
		t.Fatal(err)
	}
	sender, err := unsubscribe.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	const longest = 254
	for _, address := range []string{"ada@example.com", " Ada.Rare@Example.com", strings.Repeat("a", longest-12) + "@example.com"} {
		link, err := sender.Link("https://x", address, "news")
		if err != nil {
			t.Fatal(err)
		}
		claims, err := k.Open(strings.TrimPrefix(link.URL, "https://x/u/"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.Address(claims.Person, claims.Sealed); err != nil || got != strings.ToLower(strings.TrimSpace(address)) {
			t.Errorf("got %q, %v", got, err)
		}
		if _, err := sender.Address(claims.Person, claims.Sealed); err == nil {
			t.Error("a sender reads the addresses in links")
		}
		if _, err := k.Address(k.Pseudonym("bob@example.com"), claims.Sealed); !errors.Is(err, unsubscribe.ErrAddress) {
			t.Errorf("somebody else's: %v", err)
		}
		if len(link.Headers["List-Unsubscribe"]) > 995 {
			t.Errorf("no mail system takes a header of %d", len(link.Headers["List-Unsubscribe"]))
		}
	}
	short, _ := k.Seal("a@b.example")
	long, _ := k.Seal("a.longer.name@b.example")
	if len(short) != len(long) {
		t.Error("the length tells")
	}
}

// TestAsk: the link that asks for consent runs out, and neither a sender nor a link of
// the other kind can stand in for it.
func TestAsk(t *testing.T) {
	t.Parallel()
	k, now := derived(), time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	c := unsubscribe.Claims{Person: k.Pseudonym("ada@example.com"), Topic: "news"}
	token, err := k.Ask(c, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := k.Asked(token, now); err != nil || got.Person != c.Person || got.Topic != c.Topic {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := k.Asked(token, now.Add(time.Hour)); !errors.Is(err, unsubscribe.ErrAsked) {
		t.Errorf("after its time: %v", err)
	}
	minted, _ := k.Mint(c)
	for _, bad := range []string{"", ".", token[:len(token)-1], token + "A", strings.Replace(token, "news", "tips", 1), minted} {
		if _, err := k.Asked(bad, now); !errors.Is(err, unsubscribe.ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := k.Open(token); !errors.Is(err, unsubscribe.ErrInvalid) {
		t.Errorf("a question unsubscribes: %v", err)
	}
	if _, err := keys().Ask(c, now); err == nil {
		t.Error("a sender asks")
	}
}

// FuzzOpen: nothing but what was minted opens, whatever bit is another one.
func FuzzOpen(f *testing.F) {
	k := derived()
	// The fuzzer's processes have to agree on what is good, and sealing is random.
	sealed := bytes.Repeat([]byte{7}, 80)
	good, err := k.Mint(unsubscribe.Claims{Person: k.Pseudonym("ada@example.com"), Topic: "news", Sealed: sealed})
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

// FuzzAsked: nothing but what was asked is an answer.
func FuzzAsked(f *testing.F) {
	k, now := derived(), time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	good, err := k.Ask(unsubscribe.Claims{Person: k.Pseudonym("ada@example.com"), Topic: "news"}, now.Add(time.Hour))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	for i := range good {
		flipped := []byte(good)
		flipped[i] ^= 1
		f.Add(string(flipped))
	}
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := k.Asked(token, now); err == nil && token != good {
			t.Errorf("%q is taken", token)
		}
	})
}
