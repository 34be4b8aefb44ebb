package rights

import (
	"slices"
	"time"
)

// RegimeID names a law: "eu_gdpr".
type RegimeID string

// Regime is one law as a row of data. No code asks for a regime by name; another
// law is another row.
type Regime struct {
	ID        RegimeID
	Name      string   // "GDPR"
	Law       string   // as a letter cites it
	Places    []string // ISO 3166-1 "DE", or 3166-2 "US-CA"
	Ack       Term     // zero where the law sets none
	Respond   Term
	Extend    Term   // counted from the same start, on top of Respond
	Complaint string // whom the person may turn to
	OptIn     bool   // whether marketing mail needs consent first
}

// Term is a span of the law, counted from the day of receipt, which is day 0.
type Term struct {
	Months       int // the same day of a later month, or its last day where there is none
	Days         int
	BusinessDays int
	Roll         bool // a last day that nobody works on moves to the next working day
	Cite         string
}

// Regimes is the policy table, and the law that holds where no row names the place.
type Regimes struct {
	Rows     []Regime
	Fallback RegimeID
}

// DefaultRegimes are the laws that Rightful knows. Sources are cited by row.
func DefaultRegimes() Regimes {
	return Regimes{Fallback: "eu_gdpr", Rows: []Regime{
		{
			ID: "eu_gdpr", Name: "GDPR", Law: "Regulation (EU) 2016/679, Art. 12(3)",
			Places:    []string{"AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IT", "LV", "LT", "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE", "IS", "LI", "NO"},
			OptIn:     true, // Directive 2002/58/EC Art. 13
			Respond:   Term{Months: 1, Roll: true, Cite: "GDPR Art. 12(3); Regulation 1182/71 Art. 3"},
			Extend:    Term{Months: 2, Roll: true, Cite: "GDPR Art. 12(3)"},
			Complaint: "You can complain to the data protection authority where you live, where you work, or where you think the rule was broken (GDPR Art. 77). You can also go to court (Art. 79).",
		},
		{
			ID: "us_ca_ccpa", Name: "CCPA", Law: "California Civil Code § 1798.130",
			Places:    []string{"US-CA"},
			Ack:       Term{BusinessDays: 10, Cite: "11 CCR § 7021(a)"},
			Respond:   Term{Days: 45, Cite: "11 CCR § 7021(b)"},
			Extend:    Term{Days: 45, Cite: "11 CCR § 7021(b)"},
			Complaint: "You can complain to the California Privacy Protection Agency or the Attorney General of California.",
		},
	}}
}

// For picks the regime of a place: the region's own, else the country's, else the
// fallback.
func (t Regimes) For(country, region string) Regime {
	for _, place := range []string{country + "-" + region, country} {
		for _, row := range t.Rows {
			if slices.Contains(row.Places, place) {
				return row
			}
		}
	}
	return t.Named(t.Fallback)
}

// Named is the row of an id, or the fallback's where a row was taken away after a
// request had been filed under it.
func (t Regimes) Named(id RegimeID) Regime {
	for _, name := range []RegimeID{id, t.Fallback} {
		for _, row := range t.Rows {
			if row.ID == name {
				return row
			}
		}
	}
	return t.Rows[0]
}

// AcknowledgeBy is the end of the last day for the acknowledgement; zero where
// the law sets none.
func (g Regime) AcknowledgeBy(received time.Time, country string) time.Time {
	return g.Ack.end(received, calendarOf(country))
}

// ExpectedBy is the end of the last day for the answer.
func (g Regime) ExpectedBy(received time.Time, country string) time.Time {
	return g.Respond.end(received, calendarOf(country))
}

// ExtendedTo is the end of the last day for the answer after an extension. It is
// counted from the day of receipt, never from the day that it replaces.
func (g Regime) ExtendedTo(received time.Time, country string) time.Time {
	t := g.Respond
	t.Months, t.Days = t.Months+g.Extend.Months, t.Days+g.Extend.Days
	return t.end(received, calendarOf(country))
}

func (t Term) end(from time.Time, c calendar) time.Time {
	if t == (Term{}) {
		return time.Time{}
	}
	y, m, d := from.UTC().Date()
	day := time.Date(y, m+time.Month(t.Months), 1, 0, 0, 0, 0, time.UTC)
	if last := day.AddDate(0, 1, -1).Day(); d > last {
		d = last
	}
	day = day.AddDate(0, 0, d-1+t.Days)
	for left := t.BusinessDays; left > 0; {
		day = day.AddDate(0, 0, 1)
		if c.works(day) {
			left--
		}
	}
	for t.Roll && !c.works(day) {
		day = day.AddDate(0, 0, 1)
	}
	return day.Add(24*time.Hour - time.Second)
}
