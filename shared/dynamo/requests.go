package dynamo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rightful/rightful/shared/record"
	"github.com/rightful/rightful/shared/rights"
)

const bound = "personal"

var (
	errKeyTaken = errors.New("the idempotency key is taken")
	errClosed   = errors.New("this process has no key to personal fields")
)

// Create implements rights.Requests.
func (s *Store) Create(ctx context.Context, n rights.Creation) (rights.Request, error) {
	// A replay must not leave a data key behind for an id that is never stored.
	if first, err := s.Replayed(ctx, n.Key, n.Fingerprint); err != nil || first.ID != "" {
		return first, err
	}
	r := n.Request
	r.Version = 1
	whole, err := s.metaOf(r)
	if err != nil {
		return rights.Request{}, err
	}
	whole[partition], whole[sort] = text(requestKey(r.ID)), text(meta)
	whole["subject"] = text(r.SubjectKey)
	if n.Key != "" {
		whole["idempotency"] = text(hashed(n.Key))
	}
	personal, err := s.personal(ctx, r.ID, n.Personal)
	if err != nil {
		return rights.Request{}, err
	}
	writes := []write{{put: s.putNew(whole), lost: conflict("request's id")}, personal}
	along, err := s.along(n.Events, n.Signals)
	if err != nil {
		return rights.Request{}, err
	}
	writes = append(writes, along...)
	if n.Key != "" {
		known := key("KEY#"+hashed(n.Key), single)
		known["request"], known["fingerprint"] = text(string(r.ID)), text(n.Fingerprint)
		writes = append(writes, write{put: s.putNew(known), lost: errKeyTaken})
		// Both conditions fail where the same call comes twice: the key speaks first.
		writes[0], writes[len(writes)-1] = writes[len(writes)-1], writes[0]
	}
	_, err = s.commit(ctx, writes...)
	if errors.Is(err, errKeyTaken) {
		return s.Replayed(ctx, n.Key, n.Fingerprint)
	}
	return r, err
}

// hashed keeps what a caller chose as a key out of the table: it may be an address.
func hashed(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

func (s *Store) putNew(i item) *types.Put {
	return &types.Put{TableName: &s.Table, Item: i, ConditionExpression: aws.String("attribute_not_exists(pk)")}
}

// Replayed implements rights.Requests.
func (s *Store) Replayed(ctx context.Context, key, fingerprint string) (rights.Request, error) {
	if key == "" {
		return rights.Request{}, nil
	}
	known, err := s.get(ctx, "KEY#"+hashed(key), single)
	if err != nil || known == nil {
		return rights.Request{}, err
	}
	if str(known, "fingerprint") != fingerprint {
		return rights.Request{}, &rights.Error{Code: rights.KeyReused, Detail: "This Idempotency-Key came before with another body. Nothing was stored now. Use a new key for a new request."}
	}
	return s.Get(ctx, rights.ID(str(known, "request")))
}

// Get implements rights.Requests.
func (s *Store) Get(ctx context.Context, id rights.ID) (rights.Request, error) {
	i, err := s.get(ctx, requestKey(id), meta)
	if err == nil && i == nil {
		err = notFound("request")
	}
	if err != nil {
		return rights.Request{}, err
	}
	return requestOf(i)
}

// kindOf is the part of the index of deadlines that a request is in.
func kindOf(r rights.Request) string {
	switch {
	case r.Status.Closed():
		return "CLOSED"
	case r.Reason == rights.NeedsReview:
		return "REVIEW"
	}
	return "OPEN"
}

// metaOf is what a move writes of a request. An empty shard leaves its index.
func (s *Store) metaOf(r rights.Request) (item, error) {
	body, err := record.PackRequest(r)
	if err != nil {
		return nil, err
	}
	mark, err := s.writer()
	if err != nil {
		return nil, err
	}
	i := item{
		"version": number(r.Version), "status": text(string(r.Status)), "reason": text(string(r.Reason)), "right": text(string(r.Right)),
		"expected": text(expected(r)), "closed": number(record.Seconds(r.ClosedAt)), "body": text(body), "writer": mark,
		byDeadline.Partition: text(shardKey(kindOf(r), shardOf(r.ID))),
		byExport.Partition:   nil, byExport.Sort: nil, byRetention.Partition: nil, byRetention.Sort: nil,
	}
	if r.Export != "" {
		i[byExport.Partition], i[byExport.Sort] = text(shardKey("EXPORT", shardOf(r.ID))), number(record.Seconds(r.ExportAt))
	}
	if !r.RetainUntil.IsZero() {
		i[byRetention.Partition], i[byRetention.Sort] = text(shardKey("RETAIN", shardOf(r.ID))), number(record.Seconds(r.RetainUntil))
	}
	if r.Version == 1 {
		for name, value := range i {
			if value == nil {
				delete(i, name)
			}
		}
	}
	return i, nil
}

func requestOf(i item) (rights.Request, error) {
	r := rights.Request{
		ID: idOf(str(i, partition)), Version: num(i, "version"), Right: rights.Right(str(i, "right")),
		Status: rights.Status(str(i, "status")), Reason: rights.Reason(str(i, "reason")),
		ClosedAt: record.Instant(num(i, "closed")), RetainUntil: record.Instant(num(i, byRetention.Sort)), SubjectKey: str(i, "subject"),
	}
	seconds, _, _ := strings.Cut(str(i, "expected"), "#")
	by, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return r, fmt.Errorf("request %s has no deadline that can be read", r.ID)
	}
	r.ExpectedBy = record.Instant(by)
	return record.UnpackRequest(r, str(i, "body"))
}

// Personal implements rights.Requests.
func (s *Store) Personal(ctx context.Context, id rights.ID) (rights.Personal, error) {
	i, err := s.get(ctx, requestKey(id), person)
	if err == nil && i == nil {
		err = notFound("request")
	}
	if err != nil {
		return rights.Personal{}, err
	}
	if s.Sealer == nil {
		return rights.Personal{}, errClosed
	}
	plain, err := s.Sealer.Open(ctx, id, bin(i, "sealed"), bound)
	if err != nil {
		return rights.Personal{}, err
	}
	return record.UnpackPersonal(plain)
}

func (s *Store) personal(ctx context.Context, id rights.ID, p rights.Personal) (write, error) {
	if s.Sealer == nil {
		return write{}, errClosed
	}
	plain, err := record.PackPersonal(p)
	if err != nil {
		return write{}, err
	}
	sealed, err := s.Sealer.Seal(ctx, id, []byte(plain), bound)
	if err != nil {
		return write{}, err
	}
	i := key(requestKey(id), person)
	i["sealed"] = blob(sealed)
	return write{put: &types.Put{TableName: &s.Table, Item: i}}, nil
}

// Move implements rights.Requests.
func (s *Store) Move(ctx context.Context, r rights.Request, c rights.Change) (rights.Request, error) {
	writes, err := s.move(r, c)
	if err != nil {
		return r, err
	}
	if c.Personal != nil {
		personal, err := s.personal(ctx, r.ID, *c.Personal)
		if err != nil {
			return r, err
		}
		writes = append(writes, personal)
	}
	if _, err := s.commit(ctx, writes...); err != nil {
		return r, err
	}
	r.Version++
	return r, nil
}

func (s *Store) move(r rights.Request, c rights.Change) ([]write, error) {
	was := r.Version
	r.Version++
	changed, err := s.metaOf(r)
	if err != nil {
		return nil, err
	}
	update := s.change(requestKey(r.ID), meta, changed, "version = :was")
	update.ExpressionAttributeValues[":was"] = number(was)
	along, err := s.along(c.Events, c.Signals)
	return append([]write{{update: update, lost: conflict("request")}}, along...), err
}

// change is an update that sets what has a value and removes what is nil.
func (s *Store) change(pk, sk string, to item, condition string) *types.Update {
	u := &types.Update{TableName: &s.Table, Key: key(pk, sk), ExpressionAttributeNames: map[string]string{}, ExpressionAttributeValues: item{}}
	if condition != "" {
		u.ConditionExpression = &condition
	}
	var sets, removes []string
	for name, value := range to {
		u.ExpressionAttributeNames["#"+name] = name
		if value == nil {
			removes = append(removes, "#"+name)
			continue
		}
		u.ExpressionAttributeValues[":"+name] = value
		sets = append(sets, "#"+name+" = :"+name)
	}
	expression := "SET " + strings.Join(sets, ", ")
	if len(removes) > 0 {
		expression += " REMOVE " + strings.Join(removes, ", ")
	}
	u.UpdateExpression = &expression
	return u
}

func (s *Store) along(events []rights.Event, signals []rights.Signal) ([]write, error) {
	var writes []write
	for _, e := range events {
		body, err := record.PackEvent(e)
		if err != nil {
			return nil, err
		}
		i := key(requestKey(e.Request), eventKey(e.Seq))
		i["body"] = text(body)
		writes = append(writes, write{put: s.putNew(i), lost: fmt.Errorf("ledger line %d of %s is written already", e.Seq, e.Request)})
	}
	for _, signal := range signals {
		writes = append(writes, s.signal(signal))
	}
	return writes, nil
}

// Ledger implements rights.Requests.
func (s *Store) Ledger(ctx context.Context, id rights.ID) ([]rights.Event, error) {
	var events []rights.Event
	err := s.under(ctx, requestKey(id), eventOf, func(i item) error {
		seq, err := strconv.ParseInt(strings.TrimPrefix(str(i, sort), eventOf), 10, 64)
		if err != nil {
			return fmt.Errorf("a ledger line of %s has no number: %w", id, err)
		}
		e, err := record.UnpackEvent(id, seq, str(i, "body"))
		events = append(events, e)
		return err
	})
	return events, err
}

// Erase implements rights.Requests.
func (s *Store) Erase(ctx context.Context, id rights.ID) error {
	if s.Sealer == nil {
		return errClosed
	}
	// The key goes first: after a crash here the rest can't be read by anybody.
	if err := s.Sealer.Destroy(ctx, id); err != nil {
		return err
	}
	var gone []item
	var last item
	take := func(i item) error {
		if known := str(i, "idempotency"); known != "" {
			gone = append(gone, key("KEY#"+known, single))
		}
		if i = key(str(i, partition), str(i, sort)); str(i, sort) == meta {
			last = i
		} else {
			gone = append(gone, i)
		}
		return nil
	}
	err := errors.Join(s.under(ctx, requestKey(id), "", take), s.under(ctx, signalPartition(string(id)), string(id)+".", take))
	if err != nil {
		return err
	}
	if err := s.remove(ctx, gone); err != nil || last == nil {
		return err
	}
	// The request itself goes last: until then the sweep finds it again.
	return s.remove(ctx, []item{last})
}

// remove deletes items, 25 a call as DynamoDB allows.
func (s *Store) remove(ctx context.Context, keys []item) error {
	for len(keys) > 0 {
		page := keys[:min(25, len(keys))]
		keys = keys[len(page):]
		var deletes []types.WriteRequest
		for _, k := range page {
			deletes = append(deletes, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: k}})
		}
		out, err := s.Client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{s.Table: deletes}})
		if err != nil {
			return fmt.Errorf("couldn't remove items: %w", err)
		}
		for _, left := range out.UnprocessedItems[s.Table] {
			keys = append(keys, left.DeleteRequest.Key)
		}
	}
	return nil
}
