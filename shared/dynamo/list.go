package dynamo

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rightful/rightful/shared/rights"
)

// List implements rights.Requests. The index knows deadlines and little else: a page
// holds what fits the filter of so many requests. It follows its table within a
// second or so.
func (s *Store) List(ctx context.Context, f rights.Filter) ([]rights.Request, string, error) {
	limit := min(f.Limit, 500)
	if limit <= 0 {
		limit = 50
	}
	after, err := openCursor(f.Cursor)
	if err != nil {
		return nil, "", err
	}
	listed, err := s.candidates(ctx, f, after, limit+1)
	if err != nil {
		return nil, "", err
	}
	slices.SortFunc(listed, func(a, b candidate) int { return cmp.Compare(a.order, b.order) })
	next := ""
	if len(listed) > limit {
		listed = listed[:limit]
		next = base64.RawURLEncoding.EncodeToString([]byte(listed[limit-1].order))
	}
	found, err := s.requests(ctx, listed)
	if err != nil {
		return nil, "", err
	}
	found = slices.DeleteFunc(found, func(r rights.Request) bool { return !matches(f, r) })
	slices.SortFunc(found, func(a, b rights.Request) int { return cmp.Compare(expected(a), expected(b)) })
	if workList(f) {
		next = ""
	}
	return found, next, nil
}

// workList tells whether f asks for what is to be done, which is read by its own
// date and has no second page: what was done is gone from it.
func workList(f rights.Filter) bool { return !f.EraseAfter.IsZero() || !f.ExportBefore.IsZero() }

// candidate is a request as an index knows it.
type candidate struct {
	id    rights.ID
	order string
}

// candidates asks the index that serves f best, every shard of it.
func (s *Store) candidates(ctx context.Context, f rights.Filter, after string, most int) ([]candidate, error) {
	switch {
	case !f.EraseAfter.IsZero():
		return s.sharded(ctx, byRetention, []string{"RETAIN"}, "#sort <= :to", item{":to": number(f.EraseAfter.Unix())}, most)
	case !f.ExportBefore.IsZero():
		return s.sharded(ctx, byExport, []string{"EXPORT"}, "#sort <= :to", item{":to": number(f.ExportBefore.Unix())}, most)
	case f.SubjectKey != "":
		return s.query(ctx, bySubject, f.SubjectKey, "#sort > :after", item{":after": text(after)}, most)
	}
	open := []string{"OPEN", "REVIEW"}
	kinds := append(open, "CLOSED")
	switch {
	case f.Reason == rights.NeedsReview:
		kinds = []string{"REVIEW"}
	case f.Status != "" && f.Status.Closed():
		kinds = []string{"CLOSED"}
	case f.Status != "" || !f.DueBefore.IsZero():
		kinds = open
	}
	if !f.DueBefore.IsZero() {
		// A sort key takes one condition only: "~" is behind every id.
		bounds := item{":after": text(after + " "), ":to": text(deadline(f.DueBefore.Unix()-1) + "#~")}
		if str(bounds, ":after") > str(bounds, ":to") {
			return nil, nil
		}
		return s.sharded(ctx, byDeadline, kinds, "#sort BETWEEN :after AND :to", bounds, most)
	}
	return s.sharded(ctx, byDeadline, kinds, "#sort > :after", item{":after": text(after)}, most)
}

func (s *Store) sharded(ctx context.Context, x Index, kinds []string, condition string, values item, most int) ([]candidate, error) {
	var all []candidate
	for _, kind := range kinds {
		for shard := range shards {
			found, err := s.query(ctx, x, shardKey(kind, shard), condition, values, most)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
		}
	}
	return all, nil
}

// query reads one partition of an index until it has as many as are wanted.
func (s *Store) query(ctx context.Context, x Index, pk, condition string, values item, most int) ([]candidate, error) {
	in := &dynamodb.QueryInput{
		TableName: &s.Table, IndexName: &x.Name, Limit: aws.Int32(int32(most)),
		KeyConditionExpression:    aws.String("#partition = :pk AND " + condition),
		ExpressionAttributeNames:  map[string]string{"#partition": x.Partition, "#sort": x.Sort},
		ExpressionAttributeValues: item{":pk": text(pk)},
	}
	for name, value := range values {
		in.ExpressionAttributeValues[name] = value
	}
	var found []candidate
	pages := dynamodb.NewQueryPaginator(s.Client, in)
	for pages.HasMorePages() && len(found) < most {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("couldn't read the index %s: %w", x.Name, err)
		}
		for _, i := range page.Items {
			c := candidate{idOf(str(i, partition)), str(i, x.Sort)}
			if x.Number {
				c.order = deadline(num(i, x.Sort)) + "#" + string(c.id)
			}
			found = append(found, c)
		}
	}
	return found[:min(most, len(found))], nil
}

// requests reads what was listed, 100 a call as DynamoDB allows.
func (s *Store) requests(ctx context.Context, listed []candidate) ([]rights.Request, error) {
	var wanted []item
	for _, c := range listed {
		wanted = append(wanted, key(requestKey(c.id), meta))
	}
	var found []rights.Request
	for len(wanted) > 0 {
		page := wanted[:min(100, len(wanted))]
		wanted = wanted[len(page):]
		out, err := s.Client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{s.Table: {Keys: page, ConsistentRead: aws.Bool(true)}}})
		if err != nil {
			return nil, fmt.Errorf("couldn't read the listed requests: %w", err)
		}
		for _, i := range out.Responses[s.Table] {
			r, err := requestOf(i)
			if err != nil {
				return nil, err
			}
			found = append(found, r)
		}
		wanted = append(wanted, out.UnprocessedKeys[s.Table].Keys...)
	}
	return found, nil
}

func matches(f rights.Filter, r rights.Request) bool {
	return (f.Status == "" || r.Status == f.Status) &&
		(f.Reason == "" || r.Reason == f.Reason) &&
		(f.Right == "" || r.Right == f.Right) &&
		(f.SubjectKey == "" || r.SubjectKey == f.SubjectKey) &&
		(f.DueBefore.IsZero() || r.ExpectedBy.Before(f.DueBefore) && r.ClosedAt.IsZero()) &&
		(f.EraseAfter.IsZero() || !r.RetainUntil.IsZero() && !r.RetainUntil.After(f.EraseAfter)) &&
		(f.ExportBefore.IsZero() || r.Export != "" && !r.ExportAt.After(f.ExportBefore))
}

// openCursor is the last order of the page before, "" for the first page.
func openCursor(cursor string) (string, error) {
	if cursor == "" {
		return " ", nil // before every order; an empty key is none
	}
	plain, err := base64.RawURLEncoding.DecodeString(cursor)
	seconds, id, found := strings.Cut(string(plain), "#")
	_, err2 := strconv.ParseInt(seconds, 10, 64)
	if err != nil || err2 != nil || !found || !strings.HasPrefix(id, "DR-") {
		return "", foreignCursor()
	}
	return string(plain), nil
}

// due reads the keys of a kind in the index of due times whose time has come, the
// earliest first in each shard.
func (s *Store) due(ctx context.Context, kind string, until int64, most int) ([]item, error) {
	var all []item
	for shard := range shards {
		pages := dynamodb.NewQueryPaginator(s.Client, &dynamodb.QueryInput{
			TableName: &s.Table, IndexName: &byDue.Name, Limit: aws.Int32(int32(most)),
			KeyConditionExpression:    aws.String(byDue.Partition + " = :pk AND " + byDue.Sort + " <= :to"),
			ExpressionAttributeValues: item{":pk": text(shardKey(kind, shard)), ":to": number(until)},
		})
		for n := 0; pages.HasMorePages() && n < most; {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("couldn't read the index %s: %w", byDue.Name, err)
			}
			all, n = append(all, page.Items...), n+len(page.Items)
		}
	}
	return all, nil
}

func foreignCursor() error {
	return &rights.Error{Code: rights.Invalid, Detail: "The cursor is not one of this list. Start again without it.", Fields: []rights.Field{{Name: "cursor", Detail: "Use the cursor of the page before, unchanged."}}}
}
