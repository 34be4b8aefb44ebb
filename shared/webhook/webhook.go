// Package webhook signs and checks bodies by Standard Webhooks 1.0.0, with the
// symmetric scheme v1 (HMAC-SHA-256).
//
// It promises that a body whose signature isn't the secret's, or whose clock is off by
// more than five minutes, is refused before anything reads it. It leaves to its callers
// what an id means, and to know one that they have seen.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// tolerance is how far a sender's clock may be off.
const tolerance = 5 * time.Minute

// ErrSignature is a body that nobody who holds the secret has signed by now.
var ErrSignature = errors.New("the body isn't signed with the secret, or its clock is off by more than five minutes")

// Sign makes the headers that prove a body. A secret is like whsec_<base64>; an id has
// no dots where others check it by the letter of the standard.
func Sign(secret, id string, at time.Time, body []byte) (http.Header, error) {
	key, err := Key(secret)
	if err != nil {
		return nil, err
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	h := http.Header{}
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", stamp)
	h.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac(key, id, stamp, body)))
	return h, nil
}

// Key reads a secret.
func Key(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) < 16 {
		return nil, errors.New("it must be whsec_ and the base64 of at least 16 bytes")
	}
	return key, nil
}

func mac(key []byte, id, stamp string, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id + "." + stamp + "."))
	h.Write(body)
	return h.Sum(nil)
}

// Verify checks the headers of a body. One signature of several is enough, as during a
// change of secrets. Its error is ErrSignature.
func Verify(secret string, h http.Header, body []byte, now time.Time) error {
	key, err := Key(secret)
	seconds, err2 := strconv.ParseInt(h.Get("webhook-timestamp"), 10, 64)
	if err != nil || err2 != nil || now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return ErrSignature
	}
	want := mac(key, h.Get("webhook-id"), h.Get("webhook-timestamp"), body)
	for signature := range strings.FieldsSeq(h.Get("webhook-signature")) {
		text, isV1 := strings.CutPrefix(signature, "v1,")
		if got, err := base64.StdEncoding.DecodeString(text); isV1 && err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return ErrSignature
}
