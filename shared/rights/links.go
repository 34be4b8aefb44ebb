package rights

import (
	"net/url"
	"time"
)

// Links makes the addresses that letters and answers carry.
type Links struct {
	Base   string // "https://privacy.example.com", without a slash at the end
	Tokens Tokens
	Life   time.Duration // of a status link, from the day of receipt
}

// Who holds a status token: the one who filed the request, or the one whom the
// mail reached. Only the second has shown that the data is theirs.
const (
	HeldByFiler = 0
	HeldByMail  = 1
)

// StatusToken lets its holder read the request.
func (l Links) StatusToken(r Request, held int) string {
	return l.Tokens.Mint(Claims{Audience: ForStatus, Request: r.ID, Serial: held, Expires: r.ReceivedAt.Add(l.Life)})
}

// Status is the page that shows the request.
func (l Links) Status(r Request, held int) string {
	return l.Base + "/requests/" + l.StatusToken(r, held)
}

// Verify is the page on which the person proves the address.
func (l Links) Verify(r Request) string {
	return l.Base + "/verify/" + l.Tokens.Mint(Claims{Audience: ForVerify, Request: r.ID, Serial: r.Proof.Serial, Expires: r.Proof.ExpiresAt})
}

// Download is the address of one stored file, for one click until then.
func (l Links) Download(id ID, name string, until time.Time) string {
	return l.Base + "/download/" + l.Tokens.Mint(Claims{Audience: ForDownload, Request: id, Object: name, Expires: until})
}

// Callback is where a system answers later.
func (l Links) Callback(t Task) string {
	return l.Base + "/v1/systems/" + url.PathEscape(t.System) + "/callbacks/" + url.PathEscape(string(t.ID))
}
