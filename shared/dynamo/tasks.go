package dynamo

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rightful/rightful/shared/record"
	"github.com/rightful/rightful/shared/rights"
)

// Task implements rights.Tasks.
func (s *Store) Task(ctx context.Context, id rights.TaskID) (rights.Task, error) {
	i, err := s.get(ctx, requestKey(id.Request()), taskKey(id))
	if err == nil && i == nil {
		err = notFound("task")
	}
	if err != nil {
		return rights.Task{}, err
	}
	return taskFrom(i)
}

// TasksOf implements rights.Tasks.
func (s *Store) TasksOf(ctx context.Context, id rights.ID) ([]rights.Task, error) {
	var tasks []rights.Task
	err := s.under(ctx, requestKey(id), taskOf, func(i item) error {
		t, err := taskFrom(i)
		tasks = append(tasks, t)
		return err
	})
	return tasks, err
}

func taskFrom(i item) (rights.Task, error) {
	id := idOf(str(i, partition))
	t := rights.Task{ID: taskID(id, str(i, sort)), Request: id, Version: num(i, "version"), Due: record.Instant(num(i, "due")), Ended: record.Instant(num(i, "ended"))}
	return record.UnpackTask(t, str(i, "body"))
}

// taskTo is what a move writes of a task. A task that was tried before is found by
// its own due time, and so is one without a wave; any other is found through its wave,
// which costs nothing where all goes well.
func (s *Store) taskTo(t rights.Task) (item, error) {
	body, err := record.PackTask(t)
	if err != nil {
		return nil, err
	}
	mark, err := s.writer()
	if err != nil {
		return nil, err
	}
	i := item{
		"version": number(t.Version), "due": number(record.Seconds(t.Due)), "ended": number(record.Seconds(t.Ended)), "body": text(body), "writer": mark,
		byDue.Partition: nil, byDue.Sort: nil,
	}
	if (len(t.Attempts) > 0 || t.ID.OfPerson()) && !t.Due.IsZero() {
		i[byDue.Partition], i[byDue.Sort] = text(shardKey("DUE", shardOf(t.Request))), number(record.Seconds(t.Due))
	}
	return i, nil
}

// OpenWave implements rights.Tasks. The set of open names comes first, so that no
// task is without a set to leave, and every step may be repeated.
func (s *Store) OpenWave(ctx context.Context, w rights.Wave, tasks []rights.Task) ([]rights.Signal, error) {
	var open []string
	for _, t := range tasks {
		if t.Open() {
			open = append(open, t.System)
		}
	}
	set := newWave(open, len(tasks))
	if err := s.join(ctx, set, w); err != nil {
		return nil, err
	}
	known, err := s.putTasks(ctx, w, set, tasks)
	if err != nil {
		return nil, err
	}
	if !known && len(open) > 0 {
		return nil, nil
	}
	// Tasks that were there before keep what they have: those that ended before the
	// set named them again leave it again.
	there, signals, err := s.over(ctx, w.Request, w.Key, w.At)
	if err != nil || signals != nil {
		return signals, err
	}
	return s.leaveAll(ctx, w.Request, w.Key, there, w.At)
}

// putTasks stores the tasks that aren't there yet, and tells whether any was.
func (s *Store) putTasks(ctx context.Context, w rights.Wave, set wave, tasks []rights.Task) (bool, error) {
	const atOnce = 4 // a partition takes 1,000 writes a second, and each takes some 5 ms
	var mu sync.Mutex
	var group sync.WaitGroup
	var failed error
	known := false
	places := make(chan struct{}, atOnce)
	for _, t := range tasks {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			there, err := s.putTask(ctx, w, set, t)
			mu.Lock()
			defer mu.Unlock()
			known, failed = known || there, cmp.Or(failed, err)
		})
	}
	group.Wait()
	return known, failed
}

func (s *Store) putTask(ctx context.Context, w rights.Wave, set wave, t rights.Task) (bool, error) {
	t.Version = 1
	i, err := s.taskTo(t)
	if err != nil {
		return false, err
	}
	for name, value := range i {
		if value == nil {
			delete(i, name)
		}
	}
	i[partition], i[sort] = text(requestKey(t.Request)), text(taskKey(t.ID))
	i["wave"], i["group"] = text(w.Key), number(int64(set.group(t.System)))
	_, err = s.commit(ctx, write{put: s.putNew(i), lost: conflict("task")})
	if rights.CodeOf(err) == rights.Conflict && err != nil {
		return true, nil
	}
	return false, err
}

// MoveTask implements rights.Tasks.
func (s *Store) MoveTask(ctx context.Context, t rights.Task, d *rights.Decision) (rights.Task, []rights.Signal, error) {
	was := t.Version
	t.Version++
	to, err := s.taskTo(t)
	if err != nil {
		return t, nil, err
	}
	update := s.change(requestKey(t.Request), taskKey(t.ID), to, "version = :was AND ended = :open")
	update.ExpressionAttributeValues[":was"], update.ExpressionAttributeValues[":open"] = number(was), number(0)
	writes := []write{{update: update, lost: conflict("system's share")}}
	if d != nil {
		decided, err := s.move(d.Request, rights.Change{Events: d.Events})
		if err != nil {
			return t, nil, err
		}
		writes = append(writes, decided...)
	}
	row, err := s.commit(ctx, writes...)
	if err == nil && row == nil && !t.Open() {
		row, err = s.get(ctx, requestKey(t.Request), taskKey(t.ID))
	}
	if err != nil {
		t.Version = was
		return t, nil, err
	}
	if t.Open() {
		return t, nil, nil
	}
	// A crash here leaves an ended task in its wave's set: CheckWaves finds it.
	signals, err := s.leave(ctx, t.Request, str(row, "wave"), int(num(row, "group")), t.System, t.Ended)
	return t, signals, err
}

// DueTasks implements rights.Tasks.
func (s *Store) DueTasks(ctx context.Context, until time.Time, limit int) ([]rights.TaskID, error) {
	looked, err := s.due(ctx, "DUE", until.Unix(), limit)
	if err != nil {
		return nil, err
	}
	due := map[rights.TaskID]time.Time{}
	for _, i := range looked {
		id, sk := idOf(str(i, partition)), str(i, sort)
		if strings.HasPrefix(sk, taskOf) {
			due[taskID(id, sk)] = record.Instant(num(i, byDue.Sort))
			continue
		}
		tasks, err := s.inWave(ctx, id, strings.TrimPrefix(sk, waveOf))
		if err != nil {
			return nil, err
		}
		for _, t := range tasks {
			if t.Open() && !t.Due.IsZero() && !t.Due.After(until) {
				due[t.ID] = t.Due
			}
		}
	}
	ids := make([]rights.TaskID, 0, len(due))
	for id := range due {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b rights.TaskID) int { return cmp.Or(due[a].Compare(due[b]), cmp.Compare(a, b)) })
	return ids[:min(limit, len(ids))], nil
}

// inWave reads the tasks of one wave.
func (s *Store) inWave(ctx context.Context, id rights.ID, wave string) ([]rights.Task, error) {
	var tasks []rights.Task
	err := s.under(ctx, requestKey(id), taskOf, func(i item) error {
		if str(i, "wave") != wave {
			return nil
		}
		t, err := taskFrom(i)
		tasks = append(tasks, t)
		return err
	})
	return tasks, err
}
