package rights

import "time"

// What calendar_test.go looks at from outside.
var EasterSunday = easterSunday

// Works tells whether people work on a day in a country.
func Works(country string, day time.Time) bool { return calendarOf(country).works(day) }
