package dynamo_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"

	"github.com/rightful/rightful/shared/dynamo"
	"github.com/rightful/rightful/shared/rights"
)

var errCrash = errors.New("the process died here")

// crash makes a client fail at the n-th call of an operation: before it takes effect,
// or after it did.
type crash struct {
	operation string
	at        int
	after     bool
}

func (c *crash) watch(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("crash", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			hit := middleware.GetOperationName(ctx) == c.operation
			if hit {
				c.at--
			}
			if hit && c.at == 0 && !c.after {
				return middleware.InitializeOutput{}, middleware.Metadata{}, errCrash
			}
			out, metadata, err := next.HandleInitialize(ctx, in)
			if hit && c.at == 0 && err == nil {
				err = errCrash
			}
			return out, metadata, err
		}), middleware.After)
	})
}

// TestCheckWaves: wherever a crash comes while tasks end, the wave is over once all
// have ended, with one signal.
func TestCheckWaves(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	id := rights.ID("DR-TEST-2222-2222")
	for name, c := range map[string]crash{
		"BeforeTheNameLeaves":  {"UpdateItem", 4, false},
		"AfterTheNameLeft":     {"UpdateItem", 4, true},
		"BeforeTheLastLeaves":  {"UpdateItem", 6, false},
		"BeforeTheGroupLeaves": {"UpdateItem", 7, false},
		"BeforeTheSignal":      {"TransactWriteItems", 1, false},
		"AfterTheSignal":       {"TransactWriteItems", 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, local(t, c.watch))
			var tasks []rights.Task
			for _, system := range []string{"billing", "crm"} {
				tasks = append(tasks, rights.Task{ID: rights.NewTaskID(id, rights.Erase, system), Request: id, System: system, Action: rights.Erase, Wave: 1, Version: 1, Due: at})
			}
			if _, err := s.OpenWave(t.Context(), rights.Wave{Key: "w", Request: id, Token: "token", At: at}, tasks); err != nil {
				t.Fatal(err)
			}
			died := false
			for _, task := range tasks {
				if _, _, err := s.MoveTask(t.Context(), task.End(rights.Done, at), nil); err != nil {
					died = errors.Is(err, errCrash)
				}
			}
			if !died {
				t.Fatal("nothing died: this test shows nothing")
			}
			// Nothing is due any more before the first look, and one look is enough.
			for range 2 {
				if _, err := s.CheckWaves(t.Context(), at.Add(5*time.Minute)); err != nil {
					t.Fatal(err)
				}
			}
			pending, err := s.PendingSignals(t.Context(), 10)
			if err != nil || len(pending) != 1 || pending[0].Token != "token" {
				t.Errorf("pending: %+v, %v", pending, err)
			}
		})
	}
}

// TestCheckWaves_HalfOpened: a wave whose rows aren't all there is not over, though
// every row that is there has ended.
func TestCheckWaves_HalfOpened(t *testing.T) {
	c := crash{"PutItem", 2, false}
	s := open(t, local(t, c.watch))
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	id := rights.ID("DR-TEST-2222-2222")
	share := func(system string) rights.Task {
		return rights.Task{ID: rights.NewTaskID(id, rights.Erase, system), Request: id, System: system, Action: rights.Erase, Wave: 1, Due: at}
	}
	w := rights.Wave{Key: "w", Request: id, Token: "token", At: at}
	tasks := []rights.Task{share("billing").End(rights.NoData, at), share("crm")}
	if _, err := s.OpenWave(t.Context(), w, tasks); !errors.Is(err, errCrash) {
		t.Fatalf("nothing died: %v", err)
	}
	signals, err := s.CheckWaves(t.Context(), at.Add(time.Hour))
	if err != nil || len(signals) > 0 {
		t.Errorf("%d signals, %v", len(signals), err)
	}
	w.Token = "new"
	if signals, err := s.OpenWave(t.Context(), w, tasks); err != nil || len(signals) > 0 {
		t.Errorf("opened again: %d signals, %v", len(signals), err)
	}
	crm, err := s.Task(t.Context(), tasks[1].ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, signals, err := s.MoveTask(t.Context(), crm.End(rights.Done, at), nil); err != nil || len(signals) != 1 || signals[0].Token != "new" {
		t.Errorf("signals %+v, %v", signals, err)
	}
}

// TestCheckWaves_PutsTheNextLookOff: a wave that waits for weeks is looked at rarely.
func TestCheckWaves_PutsTheNextLookOff(t *testing.T) {
	s := open(t, local(t))
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	id := rights.ID("DR-TEST-2222-2222")
	task := rights.Task{ID: rights.NewTaskID(id, rights.Erase, "crm"), Request: id, System: "crm", Action: rights.Erase, Wave: 1, Version: 1, Due: at}
	if _, err := s.OpenWave(t.Context(), rights.Wave{Key: "w", Request: id, Token: "token", At: at}, []rights.Task{task}); err != nil {
		t.Fatal(err)
	}
	looks := 0
	for now := at; now.Before(at.Add(45 * 24 * time.Hour)); now = now.Add(30 * time.Minute) {
		out, err := s.Client.Query(t.Context(), &dynamodb.QueryInput{TableName: &s.Table, IndexName: aws.String("due"),
			KeyConditionExpression: aws.String("due_shard = :s AND look_at <= :now"), ExpressionAttributeValues: dynamo.DueNow(id, now)})
		if err != nil {
			t.Fatal(err)
		}
		if out.Count == 0 {
			continue
		}
		looks++
		if signals, err := s.CheckWaves(t.Context(), now); err != nil || len(signals) > 0 {
			t.Fatalf("%d signals, %v", len(signals), err)
		}
	}
	if looks < 5 || looks > 60 {
		t.Errorf("%d looks in 45 days", looks)
	}
	if _, _, err := s.MoveTask(t.Context(), task.End(rights.Done, at), nil); err != nil {
		t.Fatal(err)
	}
}
