package rights

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Audience is the one thing a Token is good for.
type Audience string

const (
	ForStatus   Audience = "status"   // read a request, withdraw it, ask for its export
	ForVerify   Audience = "verify"   // prove the address
	ForDownload Audience = "download" // fetch one export, once the click was allowed
)

// Claims is what a token says.
type Claims struct {
	Audience Audience
	Request  ID
	Serial   int    // the challenge's, with ForVerify
	Object   string // what may be fetched, with ForDownload
	Expires  time.Time
}

// Tokens mints and opens the signed links and codes. A token is text like
// "r1.<claims>.<mac>": versioned, for one audience, one request and a limited
// time. It can be minted again from the same claims, so none is ever stored.
type Tokens struct {
	Key []byte // 32 secret bytes
}

const tokenVersion = "r1"

// Mint signs c.
func (t Tokens) Mint(c Claims) string {
	body := strings.Join([]string{string(c.Audience), string(c.Request), strconv.Itoa(c.Serial), strconv.FormatInt(c.Expires.Unix(), 36), c.Object}, "|")
	text := base64.RawURLEncoding.EncodeToString([]byte(body))
	return tokenVersion + "." + text + "." + base64.RawURLEncoding.EncodeToString(t.mac("token", text))
}

// Redeem opens a token for audience at now. It checks, in this order: the
// version, the signature (in constant time), the form of the claims, the
// audience, the expiry. Everything but the expiry is one error, Forbidden, so
// that a forger learns nothing; with Expired the claims are returned too,
// because the page then offers a new link for the same request.
func (t Tokens) Redeem(token string, audience Audience, now time.Time) (Claims, error) {
	none := &Error{Code: Forbidden, Detail: "This link or token isn't valid here. Use the whole link from the newest mail, or start again from the first page."}
	parts := strings.Split(token, ".")
	// The decoder would pass over line breaks: one token must have one spelling.
	if len(token) > 600 || len(parts) != 3 || parts[0] != tokenVersion || strings.ContainsAny(token, "\r\n") {
		return Claims{}, none
	}
	mac, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil || !hmac.Equal(mac, t.mac("token", parts[1])) {
		return Claims{}, none
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return Claims{}, none
	}
	fields := strings.SplitN(string(body), "|", 5)
	if len(fields) != 5 || Audience(fields[0]) != audience {
		return Claims{}, none
	}
	serial, err1 := strconv.Atoi(fields[2])
	expires, err2 := strconv.ParseInt(fields[3], 36, 64)
	if err1 != nil || err2 != nil {
		return Claims{}, none
	}
	c := Claims{Audience: audience, Request: ID(fields[1]), Serial: serial, Object: fields[4], Expires: time.Unix(expires, 0).UTC()}
	if !now.Before(c.Expires) {
		return c, &Error{Code: Expired, Detail: "This link stopped working on " + c.Expires.Format("2 January 2006") + ". Ask for a new one."}
	}
	return c, nil
}

// Code is the 8-digit code that goes with the link of the same serial.
func (t Tokens) Code(id ID, serial int) string {
	n := binary.BigEndian.Uint64(t.mac("code", fmt.Sprintf("%s|%d", id, serial)))
	return fmt.Sprintf("%08d", n%100_000_000)
}

// SameCode compares a code as typed, blanks and hyphens aside, in constant time.
func (t Tokens) SameCode(id ID, serial int, typed string) bool {
	typed = strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(typed)
	return hmac.Equal([]byte(typed), []byte(t.Code(id, serial)))
}

func (t Tokens) mac(purpose, text string) []byte {
	h := hmac.New(sha256.New, t.Key)
	h.Write([]byte(purpose + "\x00" + text))
	return h.Sum(nil)
}
