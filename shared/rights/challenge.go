package rights

import "time"

// Challenge is the proof that a request waits for: the person shows that mail to
// the address reaches them, by a link or by a code in the same mail.
//
// GDPR Art. 12(6): ask for no more than is needed to be sure. Link and code are
// derived from Serial by Tokens, so nothing secret is stored here.
type Challenge struct {
	Serial    int       // counts the mails; a newer one puts the older out of force
	ExpiresAt time.Time // when link and code stop working
	Wrong     int       // wrong codes since the newest mail
}

// MaxWrong is how many wrong codes one mail survives. A code has 8 digits, so a
// guesser's chance per mail is 5 in 100 million.
const MaxWrong = 5

// Renew puts a new link and code in force, for as long as life says.
func (c Challenge) Renew(now time.Time, life time.Duration) Challenge {
	return Challenge{Serial: c.Serial + 1, ExpiresAt: now.Add(life)}
}

// Check tells whether a link's or code's serial may be used now: Expired where it
// has run out or a newer one replaced it, TooMany where the code was guessed at.
func (c Challenge) Check(serial int, now time.Time) error {
	switch {
	case serial != c.Serial:
		return &Error{Code: Expired, Detail: "A newer mail replaced this link. Use the link or code in the newest one."}
	case !now.Before(c.ExpiresAt):
		return &Error{Code: Expired, Detail: "This link stopped working on " + c.ExpiresAt.Format("2 January 2006") + ". Ask for a new one."}
	}
	return nil
}

// Locked tells whether codes are refused until a new mail is sent.
func (c Challenge) Locked() bool { return c.Wrong >= MaxWrong }
