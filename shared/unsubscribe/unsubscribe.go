// Package unsubscribe makes and opens the links by which a person stops a list. A
// sender's own program may import it: it needs no database and no cloud.
//
// It promises that a link gives the power to unsubscribe from one topic and nothing
// else, holds no address, can't be forged or changed by a bit, and works for as long
// as its key is kept: the law asks for 30 days after the mail (16 CFR 316.3), and a
// link in an old mail must not fail anybody.
//
// It leaves to the portal what a click does.
package unsubscribe

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Keys mint and open links. Links of every key that isn't revoked open; the current
// one signs.
type Keys struct {
	Person  []byte                     // makes pseudonyms; it never changes, or nobody is known again
	Signing map[int]ed25519.PrivateKey // by key id, from 1
	Current int                        // signs
	Revoked map[int]bool               // open nothing any more
}

// Derive makes an installation's keys from one secret: secret gives 32 bytes for each
// purpose, the same at every start. The keys 1 to current open links; revoked ones
// don't.
func Derive(secret func(purpose string) []byte, current int, revoked ...int) Keys {
	k := Keys{Person: secret("unsubscribe.person"), Signing: map[int]ed25519.PrivateKey{}, Current: current, Revoked: map[int]bool{}}
	for id := 1; id <= current; id++ {
		k.Signing[id] = ed25519.NewKeyFromSeed(secret("unsubscribe.link." + strconv.Itoa(id)))
	}
	for _, id := range revoked {
		k.Revoked[id] = true
	}
	return k
}

// Revocations reads key ids with commas between, like "1,2"; "" is none.
func Revocations(text string) ([]int, error) {
	var ids []int
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		id, err := strconv.Atoi(part)
		if err != nil || id < 1 {
			return nil, fmt.Errorf("%q is no key of links: write their numbers, like 1,2", part)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// Claims is what a link says.
type Claims struct {
	Person string // the pseudonym
	Topic  string // small letters, digits, hyphens
}

// Errors of Open.
var (
	// ErrInvalid is a token that no key of ours signed.
	ErrInvalid = errors.New("this link is not one of ours, or was cut off")
	// ErrRevoked is a token whose key was revoked.
	ErrRevoked = errors.New("this link's key was revoked")
)

var topic = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// Topic tells whether a name can be a topic's.
func Topic(name string) bool { return topic.MatchString(name) }

// Pseudonym is what stands for an address: a keyed hash of it in small letters.
func (k Keys) Pseudonym(address string) string {
	h := hmac.New(sha256.New, k.Person)
	h.Write([]byte("person\x00" + strings.ToLower(strings.TrimSpace(address))))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
}

const version = "u1"

// Mint signs c by the current key: "u1.<key>.<topic>.<pseudonym>.<signature>".
func (k Keys) Mint(c Claims) (string, error) {
	key, ok := k.Signing[k.Current]
	if !ok {
		return "", fmt.Errorf("there is no key %d to sign links with", k.Current)
	}
	if !Topic(c.Topic) {
		return "", fmt.Errorf("the topic %q must be small letters, digits and hyphens, like product-news", c.Topic)
	}
	said := strings.Join([]string{version, strconv.Itoa(k.Current), c.Topic, c.Person}, ".")
	return said + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(said))), nil
}

// Open checks a token and returns what it says. Errors: ErrInvalid, ErrRevoked.
func (k Keys) Open(token string) (Claims, error) {
	parts := strings.Split(token, ".")
	if len(token) > 300 || len(parts) != 5 || parts[0] != version {
		return Claims{}, ErrInvalid
	}
	id, err := strconv.Atoi(parts[1])
	key, ok := k.Signing[id]
	if err != nil || !ok || strconv.Itoa(id) != parts[1] {
		return Claims{}, ErrInvalid
	}
	// The strict decoder leaves one spelling for each signature, and no line breaks.
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[4])
	if err != nil || strings.ContainsAny(parts[4], "\r\n") {
		return Claims{}, ErrInvalid
	}
	if !ed25519.Verify(key.Public().(ed25519.PublicKey), []byte(strings.Join(parts[:4], ".")), signature) || !Topic(parts[2]) {
		return Claims{}, ErrInvalid
	}
	if k.Revoked[id] {
		return Claims{}, ErrRevoked
	}
	return Claims{Person: parts[3], Topic: parts[2]}, nil
}

// Link is an address with the two headers that a marketing mail carries (RFC 8058,
// section 3.1). The headers have to be signed by DKIM.
type Link struct {
	URL     string            `json:"url" doc:"For the mail's body."`
	Headers map[string]string `json:"headers" doc:"For the mail's head: both, as they are."`
}

// Link mints a link for one person and topic below base.
func (k Keys) Link(base, address, topic string) (Link, error) {
	token, err := k.Mint(Claims{Person: k.Pseudonym(address), Topic: topic})
	if err != nil {
		return Link{}, err
	}
	url := strings.TrimSuffix(base, "/") + "/u/" + token
	return Link{URL: url, Headers: map[string]string{"List-Unsubscribe": "<" + url + ">", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}}, nil
}

// file is how keys are written for a sender's program.
type file struct {
	Person  []byte         `json:"person"`
	Signing map[int][]byte `json:"signing"`
	Current int            `json:"current"`
}

// Export writes what a sender needs to mint: the current key alone. Whoever has it
// can make links that unsubscribe anybody whose address they know, and no more.
func (k Keys) Export() ([]byte, error) {
	return json.MarshalIndent(file{k.Person, map[int][]byte{k.Current: k.Signing[k.Current].Seed()}, k.Current}, "", "  ")
}

// Read reads what Export wrote.
func Read(text []byte) (Keys, error) {
	var f file
	if err := json.Unmarshal(text, &f); err != nil || len(f.Person) == 0 || len(f.Signing[f.Current]) != ed25519.SeedSize {
		return Keys{}, errors.New("these are no keys for links: export them with rightful links keys")
	}
	key := ed25519.NewKeyFromSeed(f.Signing[f.Current])
	return Keys{Person: f.Person, Signing: map[int]ed25519.PrivateKey{f.Current: key}, Current: f.Current}, nil
}
