package rights

import "time"

// calendar knows the days on which a place does not work.
type calendar struct {
	holiday func(y int, m time.Month, d int, easter int) bool // easter: the day counted from Easter Sunday
	moved   bool                                              // a holiday on Saturday is kept on Friday, one on Sunday on Monday
}

// calendarOf is the country's calendar; Saturdays and Sundays alone where the
// table has no row, which never makes a deadline later than the law's.
func calendarOf(country string) calendar {
	if c, ok := calendars[country]; ok {
		return c
	}
	return calendar{holiday: func(int, time.Month, int, int) bool { return false }}
}

var calendars = map[string]calendar{
	"DE": {holiday: germanFederal},
	"US": {holiday: usFederal, moved: true},
}

func (c calendar) works(day time.Time) bool {
	if w := day.Weekday(); w == time.Saturday || w == time.Sunday {
		return false
	}
	if c.observed(day) {
		return false
	}
	if c.moved && day.Weekday() == time.Friday && c.observed(day.AddDate(0, 0, 1)) {
		return false
	}
	return !(c.moved && day.Weekday() == time.Monday && c.observed(day.AddDate(0, 0, -1)))
}

func (c calendar) observed(day time.Time) bool {
	y, m, d := day.Date()
	return c.holiday(y, m, d, int(day.Sub(easterSunday(y)).Hours()/24))
}

// germanFederal: the holidays that all sixteen states share.
func germanFederal(_ int, m time.Month, d int, easter int) bool {
	switch {
	case easter == -2, easter == 1, easter == 39, easter == 50: // Good Friday, Easter Monday, Ascension, Whit Monday
		return true
	}
	return m == 1 && d == 1 || m == 5 && d == 1 || m == 10 && d == 3 || m == 12 && (d == 25 || d == 26)
}

// usFederal: 5 U.S.C. § 6103.
func usFederal(y int, m time.Month, d int, _ int) bool {
	weekday := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Weekday()
	nth := (d-1)/7 + 1
	switch m {
	case time.January:
		return d == 1 || weekday == time.Monday && nth == 3
	case time.February:
		return weekday == time.Monday && nth == 3
	case time.May:
		return weekday == time.Monday && d > 24
	case time.June:
		return d == 19
	case time.July:
		return d == 4
	case time.September:
		return weekday == time.Monday && nth == 1
	case time.October:
		return weekday == time.Monday && nth == 2
	case time.November:
		return d == 11 || weekday == time.Thursday && nth == 4
	case time.December:
		return d == 25
	}
	return false
}

// easterSunday by the Gregorian rule (Meeus, Astronomical Algorithms, ch. 8).
func easterSunday(y int) time.Time {
	a, b, c := y%19, y/100, y%100
	d, e := b/4, b%4
	g := (8*b + 13) / 25
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 19*l) / 433
	month := (h + l - 7*m + 90) / 25
	day := (h + l - 7*m + 33*month + 19) % 32
	return time.Date(y, time.Month(month), day, 0, 0, 0, 0, time.UTC)
}
