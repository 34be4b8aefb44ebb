package notice

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/rightful/rightful/shared/rights"
)

// words is a letter as the templates see it: every field is text that stays
// within its line.
type words struct {
	Letter
	Name, Company, Contact, ReferTo string
	ID                              rights.ID
	Asked                           string // `"Delete my data"`
	Received, Due                   string
	Code, Until                     string // of the proof
	ExportUntil                     string
	Headline                        string
	Lines                           []string // one for each system and each thing kept
	Ground                          string
	Quote                           string // the explanation, marked as a quotation
	Ladder                          bool   // whether the person is told where to complain
}

func (l Letter) words() words {
	w := words{
		Letter: l, Name: oneLine(l.Name), Company: oneLine(l.Company), Contact: oneLine(l.Contact), ReferTo: oneLine(l.ReferTo),
		ID: l.Request.ID, Asked: `"` + l.Request.Right.Name() + `"`,
		Received: day(l.Request.ReceivedAt), Due: day(l.Request.ExpectedBy),
		ExportUntil: instant(l.ExportUntil), Headline: l.headline(), Ground: l.ground(), Quote: quote(l.Explanation),
		Ladder: l.has(rights.Kept) || l.has(rights.Skipped),
	}
	if l.Proof != nil {
		w.Code, w.Until = grouped(l.Proof.Code), instant(l.Proof.Until)
	}
	for _, s := range l.Systems {
		w.Lines = append(w.Lines, l.lines(s)...)
	}
	return w
}

// headline is the first sentence of the letter that ends a request.
func (l Letter) headline() string {
	asked := `"` + l.Request.Right.Name() + `"`
	switch {
	case l.has(rights.Skipped):
		return "Part of your request " + asked + " is done."
	case l.has(rights.Kept):
		return "Your request " + asked + " is done, except for data that we have to keep."
	case !l.ExportUntil.IsZero():
		return "Your data is ready: your request " + asked + " is done."
	}
	return "Your request " + asked + " is done."
}

func (l Letter) lines(s SystemLine) []string {
	title := oneLine(s.Title)
	all := []string{title + ": " + l.did(s.Outcome)}
	for _, k := range s.Keeps {
		all = append(all, title+": "+kept(k))
	}
	return all
}

// did is an outcome in plain words, which depend on what was to be done.
func (l Letter) did(o rights.Outcome) string {
	switch o {
	case rights.Done:
		switch l.Request.Right.Action() {
		case rights.Erase:
			return "your data is deleted."
		case rights.Export:
			if l.Kind == WithdrawnByPerson {
				return "a copy was made, and we have thrown it away."
			}
			return "your data is in the download."
		}
		return "done."
	case rights.NoData:
		return "it holds no data about you."
	case rights.Kept:
		return "done, but some of your data has to stay."
	case rights.ByHand:
		return "done by hand by our team."
	case rights.Skipped:
		if l.Kind == WithdrawnByPerson {
			return "left out, because you took the request back."
		}
		return "left out. Write to us if you want to know why."
	}
	return "not finished yet."
}

func kept(k rights.Keep) string {
	what := oneLine(k.What)
	if k.Count > 0 {
		what += fmt.Sprintf(" (%d)", k.Count)
	}
	until := "No end date is set for this."
	if !k.Until.IsZero() {
		until = "Kept until " + day(k.Until) + "."
	}
	return strings.Join(strings.Fields("we keep "+what+". "+oneLine(k.Why)+" "+until), " ")
}

// ground says why a request was refused, and what would change it.
func (l Letter) ground() string {
	switch l.Request.Reason {
	case rights.Fraud:
		return "We have reason to believe that it was not made by the person whose data it is about. If you made it, write to us and we will find a way to be sure."
	case rights.Unproven:
		return "We could not be sure that the data is yours. Make a new request and confirm it with the link in our mail, or write to us for another way."
	case rights.NoMatch:
		return "We found nobody under what you gave us. If you use another address with us, make a new request with that address."
	case rights.NotCovered:
		return "The law does not give this right for what you asked, or an exception to it applies (" + oneLine(l.Regime.Name) + ")."
	case rights.OutsideLaw:
		return "It falls under another law than the one we work under, or is another company's to answer."
	case rights.TooFrequent:
		if l.Request.Duplicate != "" {
			return "You made the same request before, and we are still carrying that one out. Its reference is " + string(l.Request.Duplicate) + ", and you get the answer to it."
		}
		return "You have made the same request too often in a short time. You can make it again later."
	}
	if strings.TrimSpace(l.Explanation) == "" {
		return "Write to us and we will tell you the reason."
	}
	return "" // the explanation says it all
}

// day spells a date out, so that nobody takes the month for the day.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2 January 2006")
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2 January 2006 at 15:04 UTC")
}

func grouped(code string) string {
	if len(code) != 8 {
		return code
	}
	return code[:4] + " " + code[4:]
}

// quote marks foreign text line by line, as mail has always done: no line of it
// can pass for one of ours.
func quote(text string) string {
	var quoted []string
	for line := range strings.Lines(strings.ReplaceAll(text, "\r", "\n")) {
		if line = oneLine(line); line != "" {
			quoted = append(quoted, "> "+line)
		}
	}
	return strings.Join(quoted, "\n")
}

// oneLine makes s one printable line without the marks that turn the writing
// direction.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0xFEFF:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.Join(strings.Fields(s), " ")
}
