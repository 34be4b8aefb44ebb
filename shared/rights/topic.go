package rights

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Topic is something that people are mailed about.
type Topic struct {
	Name  string // "product-news"
	Title string // "Product news"
}

var topicName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`) })

// ParseTopics reads "product-news=Product news, tips=Tips and tricks".
func ParseTopics(text string) ([]Topic, error) {
	var all []Topic
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, title, _ := strings.Cut(part, "=")
		t := Topic{strings.TrimSpace(name), strings.TrimSpace(title)}
		switch {
		case !topicName().MatchString(t.Name) || t.Name == EveryTopic || t.Name == SaleTopic || t.Title == "":
			return nil, fmt.Errorf("%q is no topic: write product-news=Product news, with commas between them", part)
		case slices.ContainsFunc(all, func(o Topic) bool { return o.Name == t.Name }):
			return nil, fmt.Errorf("the topic %s is there twice", t.Name)
		}
		all = append(all, t)
	}
	return all, nil
}

// TopicTitle is what a person reads of a topic; its name where the policy has none.
func (p Policy) TopicTitle(name string) string {
	for _, t := range p.Topics {
		if t.Name == name {
			return t.Title
		}
	}
	if name == EveryTopic {
		return "all marketing mail"
	}
	return name
}

// ConsentRule says whose agreement a first marketing mail needs.
type ConsentRule string

const (
	ConsentNone ConsentRule = "none" // nobody's
	ConsentEU   ConsentRule = "eu"   // where electronic mail needs it by law: Directive 2002/58/EC Art. 13, PECR reg. 22, Swiss UWG Art. 3(1)(o)
	ConsentAll  ConsentRule = "all"  // everybody's
)

// NeedsConsent tells whether somebody in a country has to agree before the first mail.
// Where the country isn't known, only ConsentAll says so: name it.
func (p Policy) NeedsConsent(country string) bool {
	switch p.Consent {
	case ConsentAll:
		return true
	case ConsentEU:
		return country == "GB" || country == "CH" || slices.ContainsFunc(p.Regimes.Rows, func(g Regime) bool { return g.OptIn && slices.Contains(g.Places, country) })
	}
	return false
}
