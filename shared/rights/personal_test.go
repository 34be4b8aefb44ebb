package rights_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rightful/rightful/shared/rights"
)

// wrongFields are the names of the fields that Clean can't take.
func wrongFields(t *testing.T, p rights.Personal) []string {
	t.Helper()
	_, err := p.Clean()
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*rights.Error](err)
	if !ok || e.Code != rights.Invalid {
		t.Fatalf("got %v", err)
	}
	var names []string
	for _, f := range e.Fields {
		if !strings.HasSuffix(f.Detail, ".") {
			t.Errorf("%s: %q is no sentence", f.Name, f.Detail)
		}
		names = append(names, f.Name)
	}
	return names
}

func TestClean_NamesTheField(t *testing.T) {
	t.Parallel()
	many := map[string]string{}
	for n := range rights.MaxIdentifiers + 1 {
		many[fmt.Sprint("n", n)] = "1"
	}
	for name, c := range map[string]struct {
		spoil func(*rights.Personal)
		want  string
	}{
		"NoAddress":            {func(p *rights.Personal) { p.Subject.Email = " " }, "subject.email"},
		"AddressWithoutAt":     {func(p *rights.Personal) { p.Subject.Email = "ada.example.com" }, "subject.email"},
		"AddressWithoutHost":   {func(p *rights.Personal) { p.Subject.Email = "ada@" }, "subject.email"},
		"AddressWithoutDot":    {func(p *rights.Personal) { p.Subject.Email = "ada@localhost" }, "subject.email"},
		"AddressEndsInDot":     {func(p *rights.Personal) { p.Subject.Email = "ada@example.com." }, "subject.email"},
		"TwoAddresses":         {func(p *rights.Personal) { p.Subject.Email = "ada@example.com, eve@example.org" }, "subject.email"},
		"AddressWithName":      {func(p *rights.Personal) { p.Subject.Email = "Ada <ada@example.com>" }, "subject.email"},
		"AddressQuoted":        {func(p *rights.Personal) { p.Subject.Email = `"a da"@example.com` }, "subject.email"},
		"AddressOfALiteral":    {func(p *rights.Personal) { p.Subject.Email = "ada@[127.0.0.1]" }, "subject.email"},
		"AddressWithHeader":    {func(p *rights.Personal) { p.Subject.Email = "ada@example.com\r\nBcc: eve@example.org" }, "subject.email"},
		"AddressTooLong":       {func(p *rights.Personal) { p.Subject.Email = strings.Repeat("a", 250) + "@example.com" }, "subject.email"},
		"NameOnTwoLines":       {func(p *rights.Personal) { p.Subject.Name = "Ada\nExample" }, "subject.name"},
		"NameReversed":         {func(p *rights.Personal) { p.Subject.Name = "Ada\u202egpj.exe" }, "subject.name"},
		"NameNotUTF8":          {func(p *rights.Personal) { p.Subject.Name = "\xff\xfe" }, "subject.name"},
		"NameTooLong":          {func(p *rights.Personal) { p.Subject.Name = strings.Repeat("ü", rights.MaxName+1) }, "subject.name"},
		"CountryInWords":       {func(p *rights.Personal) { p.Subject.Country = "Germany" }, "subject.country"},
		"CountryWithUmlaut":    {func(p *rights.Personal) { p.Subject.Country = "Ä" }, "subject.country"},
		"RegionWithCountry":    {func(p *rights.Personal) { p.Subject.Region = "US-CA" }, "subject.region"},
		"AgentWithEscape":      {func(p *rights.Personal) { p.Agent = "a\x1b[31m" }, "agent"},
		"DetailsWithNul":       {func(p *rights.Personal) { p.Details = "a\x00b" }, "details"},
		"DetailsTooLong":       {func(p *rights.Personal) { p.Details = strings.Repeat("ü", rights.MaxDetails+1) }, "details"},
		"ExplanationTooLong":   {func(p *rights.Personal) { p.Explanation = strings.Repeat("x", rights.MaxExplanation+1) }, "explanation"},
		"IdentifiersTooMany":   {func(p *rights.Personal) { p.Subject.Identifiers = many }, "subject.identifiers"},
		"IdentifierUnnamed":    {func(p *rights.Personal) { p.Subject.Identifiers = map[string]string{"": "1"} }, "subject.identifiers"},
		"IdentifierNameOdd":    {func(p *rights.Personal) { p.Subject.Identifiers = map[string]string{"Customer No": "1"} }, "subject.identifiers"},
		"IdentifierNameLong":   {func(p *rights.Personal) { p.Subject.Identifiers = map[string]string{strings.Repeat("n", 41): "1"} }, "subject.identifiers"},
		"IdentifierOnTwoLines": {func(p *rights.Personal) { p.Subject.Identifiers = map[string]string{"no": "1\n2"} }, "subject.identifiers.no"},
	} {
		t.Run(name, func(t *testing.T) {
			p := rights.Personal{Subject: rights.Subject{Email: "ada@example.com"}}
			c.spoil(&p)
			if diff := cmp.Diff([]string{c.want}, wrongFields(t, p)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestClean_NamesEveryWrongFieldInOneOrder(t *testing.T) {
	t.Parallel()
	p := rights.Personal{Details: "\x00", Subject: rights.Subject{Name: "\x00", Country: "Germany", Identifiers: map[string]string{"a": "\n\x00", "b": "\x00", "c": "\x00", "d": "\x00"}}}
	want := []string{"subject.email", "subject.name", "subject.country", "details", "subject.identifiers.a", "subject.identifiers.b", "subject.identifiers.c", "subject.identifiers.d"}
	for range 20 {
		if diff := cmp.Diff(want, wrongFields(t, p)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

func TestClean_TakesAsItIsStored(t *testing.T) {
	t.Parallel()
	identifiers := map[string]string{"customer_number": " 81 "}
	got, err := rights.Personal{
		Subject: rights.Subject{Email: " Ada.Example@EXAMPLE.Com ", Name: " Ada ", Country: "de", Region: " by ", Identifiers: identifiers},
		Details: "one\r\ntwo\tthree\n", Agent: strings.Repeat("ü", rights.MaxName),
	}.Clean()
	if err != nil {
		t.Fatal(err)
	}
	want := rights.Personal{
		Subject: rights.Subject{Email: "Ada.Example@example.com", Name: "Ada", Country: "DE", Region: "BY", Identifiers: map[string]string{"customer_number": "81"}},
		Details: "one\ntwo\tthree", Agent: strings.Repeat("ü", rights.MaxName),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if identifiers["customer_number"] != " 81 " {
		t.Error("the caller's own map was changed")
	}
}

// FuzzClean_TwiceIsOnce: what was taken once is taken again and stays as it is.
func FuzzClean_TwiceIsOnce(f *testing.F) {
	f.Add("ada@example.com", "Ada", "DE", "BY", "one\r\ntwo", "customer_number", "81")
	f.Add("ada@EXAMPLE.İo", "\u00a0x\u2003", "ı2", "ſ", "\r\r\n", "", "\u0085")
	f.Add("ä@bücher.example", "مهدی\u200cزاده", "us", "ca", "\n\n", "n", " ")
	f.Fuzz(func(t *testing.T, email, name, country, region, details, kind, value string) {
		p := rights.Personal{Details: details, Subject: rights.Subject{Email: email, Name: name, Country: country, Region: region, Identifiers: map[string]string{kind: value}}}
		once, err := p.Clean()
		if err != nil {
			return
		}
		twice, err := once.Clean()
		if err != nil {
			t.Fatalf("what was taken once is refused: %v", err)
		}
		if !slices.Equal(fields(once), fields(twice)) || !maps.Equal(once.Subject.Identifiers, twice.Subject.Identifiers) {
			t.Errorf("%q became %q", fields(once), fields(twice))
		}
		for _, line := range []string{once.Subject.Email, once.Subject.Name, once.Subject.Country, once.Subject.Region, once.Subject.Identifiers[kind]} {
			if strings.ContainsAny(line, "\r\n\x00\u2028\u202e") || strings.TrimSpace(line) != line {
				t.Errorf("%q was taken", line)
			}
		}
	})
}

func fields(p rights.Personal) []string {
	return []string{p.Subject.Email, p.Subject.Name, p.Subject.Country, p.Subject.Region, p.Details, p.Agent, p.Explanation}
}
