package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/workflows"
)

// Quotas of the services, from their documentation, November 2026.
const (
	historyEvents    = 25_000
	payloadBytes     = 256 << 10
	partitionWrites  = 1_000 // units a second
	startsPerSecond  = 150   // outside the three largest regions
	resumesPerSecond = 300
	openExecutions   = 1_000_000
)

// What the deployment sets: infra/cdk/web.go and work.go.
const (
	intakePerSecond = 10
	workers         = 20
	perBatch        = 10
)

func used(t *testing.T, s scenario) usage {
	t.Helper()
	if os.Getenv("RIGHTFUL_DYNAMODB") == "" {
		t.Skip("no DynamoDB Local: run .ci/with-dynamodb go test ./infra/cost")
	}
	u, err := s.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestThousandSystems: a request of a thousand systems takes no more of the workflow
// than one of ten, and its partition isn't asked for more than it takes.
func TestThousandSystems(t *testing.T) {
	few := used(t, scenario{Name: "few", Right: rights.Erasure, Systems: 10, Seconds: 1.5})
	many := used(t, scenario{Name: "many", Right: rights.Erasure, Systems: 1000, Seconds: 1.5})
	t.Logf("10 systems: %d transitions, %d events, payloads of %d bytes at most, %.0f writes", few.Transitions, few.Events, few.Payload, few.Write)
	t.Logf("1,000 systems: %d transitions, %d events, payloads of %d bytes at most, %.0f writes", many.Transitions, many.Events, many.Payload, many.Write)
	if many.Transitions != few.Transitions || many.Events != few.Events || many.Resumes != few.Resumes {
		t.Errorf("%d transitions, %d events and %d resumes become %d, %d and %d", few.Transitions, few.Events, few.Resumes, many.Transitions, many.Events, many.Resumes)
	}
	if many.Events*10 > historyEvents || many.Payload*10 > payloadBytes {
		t.Errorf("%d events and %d bytes are too near to the limits", many.Events, many.Payload)
	}
	// A thousand systems write a hundred times as much, not ten thousand times.
	if perSystem := (many.Write - few.Write) / 990; perSystem > 8 {
		t.Errorf("each system costs %.1f writes", perSystem)
	}
	// Each worker ends a share in a second at best: the task, and its name in a group,
	// all in the request's partition.
	if hottest := float64(workers * perBatch * 2); hottest > partitionWrites {
		t.Errorf("a partition is asked for %.0f writes a second", hottest)
	}
}

// TestMillionRequests: what a million open requests need of the services.
func TestMillionRequests(t *testing.T) {
	u := used(t, scenario{Name: "one", Right: rights.Erasure, Systems: 10, Seconds: 1.5})
	const million = 1_000_000
	if million > openExecutions {
		t.Error("open executions have to be raised")
	}
	if intakePerSecond > startsPerSecond {
		t.Errorf("%d starts a second", intakePerSecond)
	}
	// In a steady state every request that comes in causes its resumes.
	if rate := intakePerSecond * u.Resumes; rate > resumesPerSecond {
		t.Errorf("%d resumes a second", rate)
	}
	// An index is spread over eight partitions; a request changes its place in one of
	// deadlines three times at most.
	if hottest := float64(intakePerSecond) * 3 * 2 / 8; hottest > partitionWrites {
		t.Errorf("an index's partition is asked for %.0f writes a second", hottest)
	}
	if u.Payload > payloadBytes/10 || u.Write > 1000 {
		t.Errorf("%+v", u)
	}
	t.Logf("a request resumes its workflow %d times: %d a second at %d requests a second", u.Resumes, intakePerSecond*u.Resumes, intakePerSecond)
}

// TestWorkflow_HasNoWidth: nothing in the workflow file goes over systems or tries.
func TestWorkflow_HasNoWidth(t *testing.T) {
	for _, wide := range []string{`"Map"`, `"Parallel"`, `"DISTRIBUTED"`} {
		if strings.Contains(string(workflows.Request), wide) {
			t.Errorf("the workflow has a %s", wide)
		}
	}
}

// TestBeatsTheModel: what has a model costs less than the modelled optimum.
func TestBeatsTheModel(t *testing.T) {
	for _, s := range scenarios {
		if sum := total(used(t, s).dollars()); optimum[s.Name] > 0 && sum > optimum[s.Name] {
			t.Errorf("%s costs $%.3f for 1,000, the model $%.2f", s.Name, sum, optimum[s.Name])
		}
	}
}
