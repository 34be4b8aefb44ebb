package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestKill kills the process at random moments under load, as often as it says,
// and starts it again. Every accepted request ends, none is lost, and no demo
// system saw two different effects of one task. RIGHTFUL_LONG=1 runs the long one.
func TestKill(t *testing.T) {
	requests, kills := 40, 5
	if os.Getenv("RIGHTFUL_LONG") != "" {
		requests, kills = 200, 30
	}
	const seed = 20261123
	random := rand.New(rand.NewPCG(seed, 0))
	k := &killing{data: filepath.Join(t.TempDir(), "data"), accepted: map[string]string{}}
	k.start(t)
	defer func() { k.now().kill() }()

	var load sync.WaitGroup
	work := make(chan int)
	for range 8 {
		load.Go(func() {
			for n := range work {
				k.file(t, n)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		for n := range requests {
			work <- n
		}
		close(work)
		load.Wait()
		close(done)
	}()
	for range kills {
		time.Sleep(time.Duration(100+random.IntN(700)) * time.Millisecond)
		k.now().kill()
		k.start(t)
	}
	<-done
	k.check(t, requests)
	if t.Failed() {
		return
	}
	fmt.Printf("kill -9: %d requests, %d kills, seed %d: all ended, none lost, no task with two effects\n", requests, kills, seed)
}

// killing is a server that is killed and started again under its callers.
type killing struct {
	data     string
	mu       sync.Mutex
	server   *server
	accepted map[string]string // access token by id
}

func (k *killing) start(t *testing.T) {
	environment := []string{"RIGHTFUL_PER_ADDRESS=100000", "RIGHTFUL_PER_CLIENT=1000000"}
	if k.server != nil {
		// Systems answer to the address that they were given.
		environment = append(environment, "RIGHTFUL_ADDR="+strings.TrimPrefix(k.server.base, "http://"))
	}
	s, err := startServer(k.data, environment...)
	if err != nil {
		t.Fatal(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.server = s
}

func (k *killing) now() *server {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.server
}

// try makes a call until it is answered with the status.
func (k *killing) try(t *testing.T, method, path, token string, body any, status int, key string) []byte {
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		got, answer, err := k.now().call(method, path, token, body, "Idempotency-Key", key)
		if err == nil && got == status {
			return answer
		}
		if err == nil && got < 500 && got != http.StatusConflict {
			t.Errorf("%s answered %d: %s", method, got, answer)
			return nil
		}
	}
	t.Errorf("%s was never answered with %d", method, status)
	return nil
}

// file hands in one request and proves it: people of the demo first erased, then
// asked for, and strangers.
func (k *killing) file(t *testing.T, n int) {
	right, email := "erasure", fmt.Sprintf("person%02d@example.org", n%60)
	switch {
	case n%60 == 0:
		email = "ada@example.com"
	case n >= 120:
		email = fmt.Sprintf("stranger%d@example.org", n)
	case n >= 60:
		right = "access"
	}
	body := map[string]any{"right": right, "subject": map[string]string{"email": email, "country": "DE"}}
	answer := k.try(t, "POST", "/v1/requests", "", body, http.StatusAccepted, fmt.Sprintf("kill-%d", n))
	var receipt struct{ ID, Access_token string }
	if err := json.Unmarshal(answer, &receipt); err != nil {
		t.Error(err)
		return
	}
	k.mu.Lock()
	k.accepted[receipt.ID] = receipt.Access_token
	k.mu.Unlock()
	code := k.code(receipt.ID, email)
	if code == "" {
		t.Errorf("there is no mail about an accepted request")
		return
	}
	k.try(t, "POST", "/v1/requests/"+receipt.ID+"/verification", "", map[string]string{"token": code}, http.StatusOK, "")
}

func (k *killing) code(id, email string) string {
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		l := &life{server: k.now(), id: id}
		if l.find(email, "Confirm your request") {
			return l.link
		}
	}
	return ""
}

// check waits until every request has ended and looks at what the systems did.
func (k *killing) check(t *testing.T, requests int) {
	if len(k.accepted) != requests {
		t.Errorf("%d requests were accepted, want %d", len(k.accepted), requests)
	}
	// What was under way when the last process died goes on after its pause.
	k.try(t, "POST", "/dev/clock", "", map[string]string{"advance": "1h"}, http.StatusOK, "")
	ended := map[string]int{}
	for id, token := range k.accepted {
		var v view
		if !eventually(func() bool {
			_, answer, err := k.now().call("GET", "/v1/requests/"+id, token, nil)
			return err == nil && json.Unmarshal(answer, &v) == nil && v.Status != "in_progress" && v.Status != "open"
		}) {
			t.Fatalf("request %s is lost: it is %s %s %+v", id, v.Status, v.Reason, v.Systems)
		}
		ended[v.Status]++
	}
	t.Logf("ended: %v", ended)
	for _, system := range []string{"crm", "billing", "mailing"} {
		var effects []struct{ Task, Effect string }
		answer := k.try(t, "GET", "/dev/systems/"+system+"/effects", "", nil, http.StatusOK, "")
		if err := json.Unmarshal(answer, &effects); err != nil || len(effects) == 0 {
			t.Errorf("%s shows no effects: %v", system, err)
		}
		seen := map[string]string{}
		for _, e := range effects {
			if first, twice := seen[e.Task]; twice && first != e.Effect {
				t.Errorf("%s saw two effects of %s: %q and %q", system, e.Task, first, e.Effect)
			}
			seen[e.Task] = e.Effect
		}
	}
}
