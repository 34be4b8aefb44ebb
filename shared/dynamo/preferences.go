package dynamo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rightful/rightful/shared/record"
	"github.com/rightful/rightful/shared/rights"
)

// A person's choices are one item: one read before a mail, one write for a click. An
// attribute is a topic's choice, as "out|one_click" or "in|page", and another its time.

const (
	choiceOf = "choice_"
	chosenAt = "at_"
)

// Prefer implements rights.Preferences.
func (s *Store) Prefer(ctx context.Context, p rights.Preference) error {
	way := map[bool]string{true: "out", false: "in"}
	value := way[p.OptedOut] + "|" + string(p.Source)
	u := &types.Update{
		TableName: &s.Table, Key: key("PERSON#"+p.Person, "CHOICES"),
		UpdateExpression:          aws.String("SET #choice = :choice, #at = :at"),
		ConditionExpression:       aws.String("attribute_not_exists(#at) OR (#at <= :at AND NOT begins_with(#choice, :way))"),
		ExpressionAttributeNames:  map[string]string{"#choice": choiceOf + p.Topic, "#at": chosenAt + p.Topic},
		ExpressionAttributeValues: item{":choice": text(value), ":at": number(record.Seconds(p.At)), ":way": text(way[p.OptedOut] + "|")},
	}
	_, err := s.commit(ctx, write{update: u}) // a failed condition: it was chosen before, or anew since
	return err
}

// PreferencesOf implements rights.Preferences.
func (s *Store) PreferencesOf(ctx context.Context, person string) ([]rights.Preference, error) {
	i, err := s.get(ctx, "PERSON#"+person, "CHOICES")
	if err != nil {
		return nil, err
	}
	var all []rights.Preference
	for name := range i {
		topic, ok := strings.CutPrefix(name, choiceOf)
		if !ok {
			continue
		}
		way, source, _ := strings.Cut(str(i, name), "|")
		if way != "in" && way != "out" {
			return nil, fmt.Errorf("a choice about %s can't be read: %s", topic, strconv.Quote(way))
		}
		all = append(all, rights.Preference{Person: person, Topic: topic, OptedOut: way == "out", At: record.Instant(num(i, chosenAt+topic)), Source: rights.ChoiceSource(source)})
	}
	slices.SortFunc(all, func(a, b rights.Preference) int { return cmp.Compare(a.Topic, b.Topic) })
	return all, nil
}
