package dynamo

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rightful/rightful/shared/record"
	"github.com/rightful/rightful/shared/rights"
)

// A person's choices are one item: one read before a mail, one write for a click. An
// attribute is a topic's choice, as "out|one_click|objection", and another its time.
// While somebody is to be told, the topics stand in a set, with the sealed address,
// and the item in the index.

const (
	personOf = "PERSON#"
	choices  = "CHOICES"
	choiceOf = "choice_"
	chosenAt = "at_"
	latestOf = "latest_" // when the same was chosen last
	newsOf   = "news"
	sharedOf = "shares_open" // the shares of the news are open
)

var ways = map[bool]string{true: "out|", false: "in|"}

// Prefer implements rights.Preferences.
func (s *Store) Prefer(ctx context.Context, p rights.Preference, news *rights.News) (bool, error) {
	set, add := "SET #choice = :choice, #at = :at, #latest = :at", ""
	condition := "(attribute_not_exists(#at) OR (#latest <= :at AND (NOT begins_with(#choice, :way) OR #at <= :long)))"
	naming := map[string]string{"#choice": choiceOf + p.Topic, "#at": chosenAt + p.Topic, "#latest": latestOf + p.Topic}
	values := item{":choice": text(ways[p.OptedOut] + string(p.Source) + "|" + string(p.Basis)), ":at": number(record.Seconds(p.At)), ":way": text(ways[p.OptedOut])}
	values[":long"] = number(math.MinInt64)
	if p.Repeats() {
		values[":long"] = number(record.Seconds(p.At.Add(-rights.RepeatAfter)))
	}
	if p.Source == rights.ByImport && !p.OptedOut {
		condition += " AND NOT begins_with(#choice, :out) AND NOT begins_with(#every, :out)"
		naming["#every"], values[":out"] = choiceOf+rights.EveryTopic, text(ways[true])
	}
	if news != nil {
		set, add = set+", "+byDue.Partition+" = :shard, "+byDue.Sort+" = :at", " REMOVE "+sharedOf+" ADD "+newsOf+" :topic"
		values[":shard"], values[":topic"] = text(shardKey("NEWS", shardOf(rights.ID(p.Person)))), names(p.Topic)
		if news.Address != nil {
			set, values[":address"] = set+", address = :address", blob(news.Address)
		}
	}
	u := &types.Update{
		TableName: &s.Table, Key: key(personOf+p.Person, choices), UpdateExpression: aws.String(set + add), ConditionExpression: &condition,
		ExpressionAttributeNames: naming, ExpressionAttributeValues: values,
	}
	_, err := s.commit(ctx, write{update: u, lost: conflict("choice")})
	if rights.CodeOf(err) == rights.Conflict {
		return false, s.again(ctx, p)
	}
	return err == nil, err
}

// again keeps when the same was chosen last: what comes late from before it is still
// before it. Where something else was chosen since, it changes nothing.
func (s *Store) again(ctx context.Context, p rights.Preference) error {
	u := &types.Update{
		TableName: &s.Table, Key: key(personOf+p.Person, choices), UpdateExpression: aws.String("SET #latest = :at"),
		ConditionExpression:       aws.String("begins_with(#choice, :way) AND #latest < :at"),
		ExpressionAttributeNames:  map[string]string{"#choice": choiceOf + p.Topic, "#latest": latestOf + p.Topic},
		ExpressionAttributeValues: item{":way": text(ways[p.OptedOut]), ":at": number(record.Seconds(p.At))},
	}
	_, err := s.commit(ctx, write{update: u})
	return err
}

// PreferencesOf implements rights.Preferences.
func (s *Store) PreferencesOf(ctx context.Context, person string) ([]rights.Preference, error) {
	i, err := s.get(ctx, personOf+person, choices)
	if err != nil {
		return nil, err
	}
	return chosen(person, i)
}

// chosen reads a person's item, in order of topics.
func chosen(person string, i item) ([]rights.Preference, error) {
	var all []rights.Preference
	for name := range i {
		topic, ok := strings.CutPrefix(name, choiceOf)
		if !ok {
			continue
		}
		parts := strings.Split(str(i, name)+"||", "|")
		if parts[0] != "in" && parts[0] != "out" {
			return nil, fmt.Errorf("a choice about %s can't be read: %s", topic, strconv.Quote(parts[0]))
		}
		all = append(all, rights.Preference{
			Person: person, Topic: topic, OptedOut: parts[0] == "out", At: record.Instant(num(i, chosenAt+topic)),
			Source: rights.ChoiceSource(parts[1]), Basis: rights.Basis(parts[2]), Untold: slices.Contains(set(i, newsOf), topic),
		})
	}
	slices.SortFunc(all, func(a, b rights.Preference) int { return cmp.Compare(a.Topic, b.Topic) })
	return all, nil
}

// PendingNews implements rights.Preferences.
func (s *Store) PendingNews(ctx context.Context, limit int) ([]rights.News, error) {
	looked, err := s.due(ctx, "NEWS", math.MaxInt64, limit)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(looked, func(a, b item) int { return cmp.Compare(num(a, byDue.Sort), num(b, byDue.Sort)) })
	var all []rights.News
	for _, l := range looked[:min(limit, len(looked))] {
		person := strings.TrimPrefix(str(l, partition), personOf)
		i, err := s.get(ctx, personOf+person, choices)
		if err != nil {
			return nil, err
		}
		every, err := chosen(person, i)
		if err != nil {
			return nil, err
		}
		n := rights.News{Person: person, Address: bin(i, "address"), Shared: i[sharedOf] != nil}
		for _, p := range every {
			if p.Untold {
				n.Choices = append(n.Choices, p)
			}
		}
		if len(n.Choices) > 0 { // else it was told on since the index was read
			all = append(all, n)
		}
	}
	return all, nil
}

// ShareNews implements rights.Preferences.
func (s *Store) ShareNews(ctx context.Context, n rights.News) error {
	return s.told(ctx, n, "SET "+sharedOf+" = :told")
}

// ClearNews implements rights.Preferences.
func (s *Store) ClearNews(ctx context.Context, n rights.News) error {
	return s.told(ctx, n, "REMOVE "+newsOf+", "+sharedOf+", address, "+byDue.Partition+", "+byDue.Sort)
}

// told changes what is told of choices that are as they were.
func (s *Store) told(ctx context.Context, n rights.News, change string) error {
	told := make([]string, len(n.Choices))
	condition, naming, values := newsOf+" = :told", map[string]string{}, item{}
	for i, p := range n.Choices {
		told[i] = p.Topic
		choice, at := fmt.Sprintf("choice%d", i), fmt.Sprintf("at%d", i)
		condition += fmt.Sprintf(" AND #%s = :%s AND begins_with(#%s, :%s)", at, at, choice, choice)
		naming["#"+choice], naming["#"+at] = choiceOf+p.Topic, chosenAt+p.Topic
		values[":"+choice], values[":"+at] = text(ways[p.OptedOut]), number(record.Seconds(p.At))
	}
	values[":told"] = names(told...)
	u := &types.Update{
		TableName: &s.Table, Key: key(personOf+n.Person, choices), ConditionExpression: &condition,
		UpdateExpression: &change, ExpressionAttributeNames: naming, ExpressionAttributeValues: values,
	}
	_, err := s.commit(ctx, write{update: u}) // a failed condition: there is newer news
	return err
}

// OptedOut implements rights.Preferences. It reads the whole table: an export is
// rare, and an index would cost every click a write.
func (s *Store) OptedOut(ctx context.Context, cursor string, limit int) ([]rights.Preference, string, error) {
	in := &dynamodb.ScanInput{
		TableName: &s.Table, Limit: aws.Int32(int32(limit)), FilterExpression: aws.String("sk = :sk"), ExpressionAttributeValues: item{":sk": text(choices)},
	}
	if cursor != "" {
		after, err := base64.RawURLEncoding.DecodeString(cursor)
		pk, sk, found := strings.Cut(string(after), "\n")
		if err != nil || !found {
			return nil, "", foreignCursor()
		}
		in.ExclusiveStartKey = key(pk, sk)
	}
	out, err := s.Client.Scan(ctx, in)
	if err != nil {
		return nil, "", fmt.Errorf("couldn't read the table: %w", err)
	}
	var all []rights.Preference
	for _, i := range out.Items {
		every, err := chosen(strings.TrimPrefix(str(i, partition), personOf), i)
		if err != nil {
			return nil, "", err
		}
		all = append(all, slices.DeleteFunc(every, func(p rights.Preference) bool { return !p.OptedOut })...)
	}
	next := ""
	if len(out.LastEvaluatedKey) > 0 {
		next = base64.RawURLEncoding.EncodeToString([]byte(str(out.LastEvaluatedKey, partition) + "\n" + str(out.LastEvaluatedKey, sort)))
	}
	return all, next, nil
}

// Reopen implements rights.Preferences.
func (s *Store) Reopen(ctx context.Context, t rights.Task) error {
	i, err := s.taskTo(t)
	if err != nil {
		return err
	}
	delete(i, "version")
	u := s.change(requestKey(t.Request), taskKey(t.ID), i, "")
	u.UpdateExpression = aws.String(*u.UpdateExpression + " ADD version :one")
	u.ExpressionAttributeValues[":one"] = number(1)
	_, err = s.commit(ctx, write{update: u})
	return err
}
