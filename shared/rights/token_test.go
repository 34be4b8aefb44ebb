package rights_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rightful/rightful/shared/rights"
)

const someID = rights.ID("DR-7K4M-29QX-H3WT")

var tokens = rights.Tokens{Key: []byte("0123456789abcdef0123456789abcdef")}

func claims() rights.Claims {
	return rights.Claims{Audience: rights.ForVerify, Request: someID, Serial: 3, Expires: at.Add(time.Hour)}
}

func TestTokens_RoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := rights.Claims{
			Audience: rapid.SampledFrom([]rights.Audience{rights.ForStatus, rights.ForVerify, rights.ForDownload}).Draw(t, "audience"),
			Request:  someID,
			Serial:   rapid.Int().Draw(t, "serial"),
			Object:   rapid.StringN(0, 60, 200).Draw(t, "object"),
			Expires:  time.Unix(rapid.Int64Range(1, 1<<40).Draw(t, "expires"), 0).UTC(),
		}
		got, err := tokens.Redeem(tokens.Mint(c), c.Audience, c.Expires.Add(-time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestTokens_EveryFlippedBitIsRefused(t *testing.T) {
	t.Parallel()
	token := tokens.Mint(claims())
	for i := range len(token) * 8 {
		forged := []byte(token)
		forged[i/8] ^= 1 << (i % 8)
		if c, err := tokens.Redeem(string(forged), rights.ForVerify, at); rights.CodeOf(err) != rights.Forbidden || c != (rights.Claims{}) {
			t.Errorf("bit %d of byte %d flipped: %v", i%8, i/8, err)
		}
	}
}

func TestTokens_Refuses(t *testing.T) {
	t.Parallel()
	token := tokens.Mint(claims())
	version, rest, _ := strings.Cut(token, ".")
	body, mac, _ := strings.Cut(rest, ".")
	for name, forged := range map[string]string{
		"Nothing":        "",
		"NoMac":          version + "." + body + ".",
		"CutMac":         token[:len(token)-1],
		"LongerMac":      token + "A",
		"LineBreakInMac": version + "." + body + "." + mac[:5] + "\n" + mac[5:],
		"OtherVersion":   "r2." + body + "." + mac,
		"TwoTokens":      token + "." + token,
		"OtherKey":       rights.Tokens{Key: []byte("another key of the same length 32")}.Mint(claims()),
		"Huge":           token + strings.Repeat("A", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := tokens.Redeem(forged, rights.ForVerify, at); rights.CodeOf(err) != rights.Forbidden {
				t.Errorf("got %v", err)
			}
		})
	}
	for _, other := range []rights.Audience{rights.ForStatus, rights.ForDownload, ""} {
		if _, err := tokens.Redeem(token, other, at); rights.CodeOf(err) != rights.Forbidden {
			t.Errorf("good for %q, too: %v", other, err)
		}
	}
}

func TestTokens_ExpiredTellsWhoseItWas(t *testing.T) {
	t.Parallel()
	for _, now := range []time.Time{claims().Expires, claims().Expires.AddDate(1, 0, 0)} {
		got, err := tokens.Redeem(tokens.Mint(claims()), rights.ForVerify, now)
		if rights.CodeOf(err) != rights.Expired {
			t.Errorf("got %v", err)
		}
		if diff := cmp.Diff(claims(), got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestTokens_EverySerialIsAnother: a newer mail's link and code aren't the older's.
func TestTokens_EverySerialIsAnother(t *testing.T) {
	t.Parallel()
	links, codes := map[string]bool{}, map[string]bool{}
	for serial := range 200 {
		c := claims()
		c.Serial = serial
		link, code := tokens.Mint(c), tokens.Code(someID, serial)
		if links[link] || codes[code] || len(code) != 8 || strings.Trim(code, "0123456789") != "" {
			t.Errorf("serial %d has the code %s", serial, code)
		}
		links[link], codes[code] = true, true
	}
	if tokens.Code(someID, 1) == tokens.Code("DR-7K4M-29QX-H3WU", 1) {
		t.Error("two requests share a code")
	}
}

func TestSameCode(t *testing.T) {
	t.Parallel()
	code := tokens.Code(someID, 1)
	for typed, want := range map[string]bool{
		code: true, code[:4] + " " + code[4:]: true, code[:4] + "-" + code[4:]: true, "\u00a0" + code + " ": true,
		"": false, code[:7]: false, code + "0": false, tokens.Code(someID, 2): false,
	} {
		if got := tokens.SameCode(someID, 1, typed); got != want {
			t.Errorf("%q: %t", typed, got)
		}
	}
}

// FuzzTokens_OneTextOpens: of all texts the minted one alone is good.
func FuzzTokens_OneTextOpens(f *testing.F) {
	good := tokens.Mint(claims())
	f.Add(good)
	f.Add(good[:20])
	f.Add("r1..")
	f.Add("r1.dmVyaWZ5fERSfDF8fA.AAAA")
	f.Fuzz(func(t *testing.T, token string) {
		_, err := tokens.Redeem(token, rights.ForVerify, at)
		if (err == nil) != (token == good) {
			t.Errorf("%q: %v", token, err)
		}
	})
}
