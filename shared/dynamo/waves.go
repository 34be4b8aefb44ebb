package dynamo

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rightful/rightful/shared/record"
	"github.com/rightful/rightful/shared/rights"
)

// A wave's item holds the token and the set of its groups; a group's item holds the
// set of names that are still open. Who ends a task takes its name out of its group,
// the last of a group takes the group out of the wave, and who takes the last group
// out leaves the signal in that write. So the item that every system writes is small,
// and a wave of a thousand systems has no hot one.

const (
	perGroup = 50
	// A wave is looked at again for the first time when its messages should have come.
	firstLook = 5 * time.Minute
	lastLook  = 24 * time.Hour
)

// wave is how a wave's names are laid out.
type wave struct {
	open   []string
	size   int // with those that had nothing to do
	groups int
}

func newWave(open []string, size int) wave {
	return wave{open, size, max(1, (len(open)+perGroup-1)/perGroup)}
}

// group is the group that a name belongs to.
func (w wave) group(name string) int {
	h := fnv.New32a()
	h.Write([]byte(name))
	return 1 + int(h.Sum32()%uint32(w.groups))
}

func groupName(group int) string { return fmt.Sprintf("#%d", group) }

// join puts the wave's token in force and adds the names to its sets, the inner
// ones first: a group that the wave names must have its names.
func (s *Store) join(ctx context.Context, set wave, w rights.Wave) error {
	var groups []string
	members := map[int][]string{}
	for _, name := range set.open {
		members[set.group(name)] = append(members[set.group(name)], name)
	}
	for group, open := range members {
		if _, err := s.commit(ctx, write{update: s.add(w.Request, groupKey(w.Key, group), item{}, open)}); err != nil {
			return err
		}
		groups = append(groups, groupName(group))
	}
	_, err := s.commit(ctx, write{update: s.add(w.Request, waveKey(w.Key), item{
		"token": text(w.Token), "then": text(string(w.Then)), "size": number(int64(set.size)), "opened": number(record.Seconds(w.At)),
		byDue.Partition: text(shardKey("DUE", shardOf(w.Request))), byDue.Sort: number(record.Seconds(w.At.Add(firstLook))),
	}, groups)})
	return err
}

// add sets fields and adds names to the open ones.
func (s *Store) add(id rights.ID, sk string, fields item, open []string) *types.Update {
	u := s.change(requestKey(id), sk, fields, "")
	u.ConditionExpression = nil
	expression := ""
	if len(fields) > 0 {
		expression = *u.UpdateExpression
	} else {
		u.ExpressionAttributeNames = nil
	}
	if len(open) > 0 {
		expression += " ADD open_names :names"
		u.ExpressionAttributeValues[":names"] = names(open...)
	}
	u.UpdateExpression = aws.String(strings.TrimSpace(expression))
	return u
}

// leave takes an ended task out of its wave. Whoever empties the wave leaves its
// signal in the same write and gets it returned.
func (s *Store) leave(ctx context.Context, id rights.ID, key string, group int, name string, at time.Time) ([]rights.Signal, error) {
	if key == "" {
		return nil, nil
	}
	last, err := s.leaveGroup(ctx, id, groupKey(key, group), name)
	if err != nil || !last {
		return nil, err
	}
	name = groupName(group)
	for {
		left, err := s.without(ctx, id, waveKey(key), name)
		if err != nil || left == nil || !slices.Equal(set(left, "open_names"), []string{name}) {
			return nil, err
		}
		signals, err := s.finish(ctx, id, key, left, at)
		if rights.CodeOf(err) != rights.Conflict || err == nil {
			return signals, err
		}
		// Opened again in this instant: look who is in it now.
	}
}

// leaveGroup takes a name out of a group and tells whether it was the last.
func (s *Store) leaveGroup(ctx context.Context, id rights.ID, sk, name string) (bool, error) {
	left, err := s.without(ctx, id, sk, name)
	if err != nil || left == nil {
		return false, err
	}
	// The last name stays: the wave forgets the whole group, which may be repeated.
	return slices.Equal(set(left, "open_names"), []string{name}), nil
}

// without removes a name from a set unless it is the only one. Where it removed
// nothing it returns the item as it is, nil where others were left.
func (s *Store) without(ctx context.Context, id rights.ID, sk, name string) (item, error) {
	u := &types.Update{
		TableName: &s.Table, Key: key(requestKey(id), sk),
		UpdateExpression:          aws.String("DELETE open_names :name"),
		ConditionExpression:       aws.String("attribute_exists(open_names) AND open_names <> :name"),
		ExpressionAttributeValues: item{":name": names(name)},
	}
	left, err := s.commit(ctx, write{update: u, lost: conflict("wave")})
	if rights.CodeOf(err) == rights.Conflict && err != nil {
		if left == nil {
			left = item{}
		}
		return left, nil
	}
	return nil, err
}

// finish empties the wave and leaves its signal, if it is still as it was read.
func (s *Store) finish(ctx context.Context, id rights.ID, key string, was item, at time.Time) ([]rights.Signal, error) {
	signal := rights.Wave{Key: key, Request: id, Token: str(was, "token"), Then: rights.Code(str(was, "then"))}.Signal(at)
	u := s.change(requestKey(id), waveKey(key), item{"ended": number(record.Seconds(at)), "open_names": nil, byDue.Partition: nil, byDue.Sort: nil}, "#token = :token")
	u.ExpressionAttributeNames["#token"], u.ExpressionAttributeValues[":token"] = "token", was["token"]
	if open := was["open_names"]; open != nil {
		u.ConditionExpression = aws.String("#token = :token AND #open_names = :open")
		u.ExpressionAttributeValues[":open"] = open
	}
	_, err := s.commit(ctx, write{update: u, lost: conflict("wave")}, s.signal(signal))
	if err != nil {
		return nil, err
	}
	return []rights.Signal{signal}, nil
}

// over finishes a wave in which nothing is open any more, whatever its sets say, and
// tells whether it was.
func (s *Store) over(ctx context.Context, id rights.ID, key string, at time.Time) (tasks []rights.Task, signals []rights.Signal, err error) {
	for {
		was, err := s.get(ctx, requestKey(id), waveKey(key))
		if err != nil || was == nil {
			return nil, nil, err
		}
		tasks, err := s.inWave(ctx, id, key)
		// Fewer rows than the wave was opened with: whoever opened it died over it, and
		// the workflow opens it again.
		if err != nil || len(tasks) < int(num(was, "size")) || slices.ContainsFunc(tasks, rights.Task.Open) {
			return tasks, nil, err
		}
		signals, err := s.finish(ctx, id, key, was, at)
		if rights.CodeOf(err) != rights.Conflict || err == nil {
			return tasks, signals, err
		}
	}
}

// leaveAll takes every ended task out of its set.
func (s *Store) leaveAll(ctx context.Context, id rights.ID, key string, tasks []rights.Task, at time.Time) ([]rights.Signal, error) {
	for _, t := range tasks {
		if t.Open() {
			continue
		}
		row, err := s.get(ctx, requestKey(id), taskKey(t.ID))
		if err != nil {
			return nil, err
		}
		if signals, err := s.leave(ctx, id, key, int(num(row, "group")), t.System, at); err != nil || signals != nil {
			return signals, err
		}
	}
	return nil, nil
}

// CheckWaves implements rights.Tasks.
func (s *Store) CheckWaves(ctx context.Context, now time.Time) ([]rights.Signal, error) {
	const most = 1000
	looked, err := s.due(ctx, "DUE", now.Unix(), most)
	if err != nil {
		return nil, err
	}
	var signals []rights.Signal
	for _, i := range looked {
		id, sk := idOf(str(i, partition)), str(i, sort)
		if !strings.HasPrefix(sk, waveOf) {
			continue
		}
		_, left, err := s.over(ctx, id, strings.TrimPrefix(sk, waveOf), now)
		if err != nil {
			return signals, err
		}
		if signals = append(signals, left...); left != nil {
			continue
		}
		if err := s.lookLater(ctx, id, sk, now); err != nil {
			return signals, err
		}
	}
	return signals, nil
}

// lookLater puts the next look at a wave off, twelve times as long as it is open: a
// wave that waits for weeks costs a handful of looks.
func (s *Store) lookLater(ctx context.Context, id rights.ID, sk string, now time.Time) error {
	was, err := s.get(ctx, requestKey(id), sk)
	if err != nil || was == nil {
		return err
	}
	pause := min(max(11*now.Sub(record.Instant(num(was, "opened"))), firstLook), lastLook)
	u := s.change(requestKey(id), sk, item{byDue.Sort: number(now.Add(pause).Unix())}, "#token = :token AND attribute_exists(open_names)")
	u.ExpressionAttributeNames["#token"], u.ExpressionAttributeValues[":token"] = "token", was["token"]
	_, err = s.commit(ctx, write{update: u}) // opened or ended meanwhile: nothing to put off
	return err
}
