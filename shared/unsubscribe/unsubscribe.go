// Package unsubscribe makes and opens the links by which a person stops a list. A
// sender's own program may import it: it needs no database and no cloud.
//
// It promises that a link gives the power to unsubscribe from one topic and nothing
// else, holds no address that anybody but the installation could read, can't be forged
// or changed by a bit, and works for as long as its key is kept: the law asks for 30 days after the mail (16 CFR 316.3), and a
// link in an old mail must not fail anybody.
//
// It leaves to the portal what a click does.
package unsubscribe

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/hpke"
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
	Sealing hpke.PublicKey             // seals addresses into links; nil for links without
	Opening hpke.PrivateKey            // opens them; nil at a sender's
	Asking  []byte                     // signs links that ask for consent; nil at a sender's
}

// Derive makes an installation's keys from one secret: secret gives 32 bytes for each
// purpose, the same at every start. The keys 1 to current open links; revoked ones
// don't.
func Derive(secret func(purpose string) []byte, current int, revoked ...int) Keys {
	k := Keys{Person: secret("unsubscribe.person"), Signing: map[int]ed25519.PrivateKey{}, Current: current, Revoked: map[int]bool{}}
	for id := 1; id <= current; id++ {
		k.Signing[id] = ed25519.NewKeyFromSeed(secret("unsubscribe.link." + strconv.Itoa(id)))
	}
	opening, err := kem.DeriveKeyPair(secret("unsubscribe.address"))
	if err != nil {
		panic("any secret makes a key pair: " + err.Error())
	}
	k.Sealing, k.Opening = opening.PublicKey(), opening
	k.Asking = secret("unsubscribe.consent")
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
	Sealed []byte // the address, for Keys.Address; nil where the link brings none
}

// Errors of Open.
var (
	// ErrInvalid is a token that no key of ours signed.
	ErrInvalid = errors.New("this link is not one of ours, or was cut off")
	// ErrRevoked is a token whose key was revoked.
	ErrRevoked = errors.New("this link's key was revoked")
)

var topic = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// Topic tells whether a name can be a topic's. "sale" means something else.
func Topic(name string) bool { return name != "sale" && topic.MatchString(name) }

// Recipe is how a pseudonym is made, for programs in other languages.
const Recipe = `the first 24 characters of base64url(HMAC-SHA-256(key, "person" + a zero byte + the address without blanks around it, in small letters)); the key is person in the file of rightful links keys, in base64`

// Pseudonym is what stands for an address: a keyed hash of it in small letters.
func (k Keys) Pseudonym(address string) string {
	h := hmac.New(sha256.New, k.Person)
	h.Write([]byte("person\x00" + normal(address)))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
}

func normal(address string) string { return strings.ToLower(strings.TrimSpace(address)) }

const (
	version = "u1"
	longest = 700 // of a token: the longest address fits
)

// Mint signs c by the current key: "u1.<key>.<topic>.<pseudonym>.<signature>", with
// the sealed address before the signature where there is one.
func (k Keys) Mint(c Claims) (string, error) {
	key, ok := k.Signing[k.Current]
	if !ok {
		return "", fmt.Errorf("there is no key %d to sign links with", k.Current)
	}
	if !Topic(c.Topic) {
		return "", fmt.Errorf("the topic %q must be small letters, digits and hyphens, like product-news", c.Topic)
	}
	said := strings.Join([]string{version, strconv.Itoa(k.Current), c.Topic, c.Person}, ".")
	if len(c.Sealed) > 0 {
		said += "." + base64.RawURLEncoding.EncodeToString(c.Sealed)
	}
	return said + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(said))), nil
}

// Open checks a token and returns what it says. Errors: ErrInvalid, ErrRevoked.
func (k Keys) Open(token string) (Claims, error) {
	parts := strings.Split(token, ".")
	last := len(parts) - 1
	if len(token) > longest || last != 4 && last != 5 || parts[0] != version {
		return Claims{}, ErrInvalid
	}
	id, err := strconv.Atoi(parts[1])
	key, ok := k.Signing[id]
	if err != nil || !ok || strconv.Itoa(id) != parts[1] {
		return Claims{}, ErrInvalid
	}
	// The strict decoder leaves one spelling for each signature, and no line breaks.
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[last])
	if err != nil || strings.ContainsAny(parts[last], "\r\n") {
		return Claims{}, ErrInvalid
	}
	if !ed25519.Verify(key.Public().(ed25519.PublicKey), []byte(strings.Join(parts[:last], ".")), signature) || !Topic(parts[2]) {
		return Claims{}, ErrInvalid
	}
	if k.Revoked[id] {
		return Claims{}, ErrRevoked
	}
	c := Claims{Person: parts[3], Topic: parts[2]}
	if last == 5 {
		if c.Sealed, err = base64.RawURLEncoding.DecodeString(parts[4]); err != nil {
			return Claims{}, ErrInvalid
		}
	}
	return c, nil
}

// Link is an address with the two headers that a marketing mail carries (RFC 8058,
// section 3.1). The headers have to be signed by DKIM.
type Link struct {
	URL     string            `json:"url" doc:"For the mail's body."`
	Headers map[string]string `json:"headers" doc:"For the mail's head: both, as they are."`
}

// Link mints a link for one person and topic below base.
func (k Keys) Link(base, address, topic string) (Link, error) {
	sealed, err := k.Seal(address)
	if err != nil {
		return Link{}, err
	}
	token, err := k.Mint(Claims{Person: k.Pseudonym(address), Topic: topic, Sealed: sealed})
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
	Sealing []byte         `json:"sealing,omitempty"` // public
}

// Export writes what a sender needs to mint: the current key alone. Whoever has it
// can make links that unsubscribe anybody whose address they know, and can tell
// whether an address that they know is in a list of pseudonyms, and no more.
func (k Keys) Export() ([]byte, error) {
	f := file{Person: k.Person, Signing: map[int][]byte{k.Current: k.Signing[k.Current].Seed()}, Current: k.Current}
	if k.Sealing != nil {
		f.Sealing = k.Sealing.Bytes()
	}
	return json.MarshalIndent(f, "", "  ")
}

// Read reads what Export wrote.
func Read(text []byte) (Keys, error) {
	var f file
	if err := json.Unmarshal(text, &f); err != nil || len(f.Person) == 0 || len(f.Signing[f.Current]) != ed25519.SeedSize {
		return Keys{}, errors.New("these are no keys for links: export them with rightful links keys")
	}
	key := ed25519.NewKeyFromSeed(f.Signing[f.Current])
	k := Keys{Person: f.Person, Signing: map[int]ed25519.PrivateKey{f.Current: key}, Current: f.Current}
	if len(f.Sealing) > 0 {
		var err error
		if k.Sealing, err = kem.NewPublicKey(f.Sealing); err != nil {
			return Keys{}, errors.New("sealing is no public key: export the keys again with rightful links keys")
		}
	}
	return k, nil
}
