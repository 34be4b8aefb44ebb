package rights_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rightful/rightful/shared/rights"
)

func day(t *testing.T, text string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEasterSunday(t *testing.T) {
	t.Parallel()
	// The earliest and the latest date that can be are among them.
	for _, want := range []string{
		"1818-03-22", "1943-04-25", "1961-04-02", "2000-04-23", "2008-03-23", "2011-04-24", "2019-04-21", "2024-03-31", "2025-04-20",
		"2026-04-05", "2027-03-28", "2028-04-16", "2029-04-01", "2030-04-21", "2038-04-25", "2049-04-18", "2076-04-19", "2285-03-22",
	} {
		if got := rights.EasterSunday(day(t, want).Year()).Format(time.DateOnly); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestHolidays compares every day from Monday to Friday on which nobody works.
func TestHolidays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		country string
		year    int
		want    []string
	}{
		{"DE", 2026, []string{"01-01", "04-03", "04-06", "05-01", "05-14", "05-25", "12-25"}},
		{"DE", 2027, []string{"01-01", "03-26", "03-29", "05-06", "05-17"}},
		{"US", 2026, []string{"01-01", "01-19", "02-16", "05-25", "06-19", "07-03", "09-07", "10-12", "11-11", "11-26", "12-25"}},
		// Holidays on a Saturday are kept on the Friday before, even in the old year.
		{"US", 2027, []string{"01-01", "01-18", "02-15", "05-31", "06-18", "07-05", "09-06", "10-11", "11-11", "11-25", "12-24", "12-31"}},
		{"US", 2028, []string{"01-17", "02-21", "05-29", "06-19", "07-04", "09-04", "10-09", "11-10", "11-23", "12-25"}},
		{"BR", 2026, nil},
	} {
		t.Run(c.country, func(t *testing.T) {
			var got []string
			for d := time.Date(c.year, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() == c.year; d = d.AddDate(0, 0, 1) {
				weekend := d.Weekday() == time.Saturday || d.Weekday() == time.Sunday
				switch works := rights.Works(c.country, d); {
				case weekend && works:
					t.Errorf("people work on %s", d.Format("Monday, 2006-01-02"))
				case !weekend && !works:
					got = append(got, d.Format("01-02"))
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%d (-want +got):\n%s", c.year, diff)
			}
		})
	}
}
