package main

import (
	"fmt"
	"testing"

	"github.com/rightful/rightful/shared/rights"
)

// BenchmarkRequests carries access requests from POST to fulfilled with three
// systems on SQLite, eight at a time, and reports how many that is a second.
func BenchmarkRequests(b *testing.B) {
	h := newHouse(b, func(s *settings) { s.PerAddress, s.PerClient, s.DemoAnswer = 1e9, 1e9, 1 })
	const each = 100
	for b.Loop() {
		places, done := make(chan struct{}, 8), make(chan struct{}, each)
		for n := range each {
			places <- struct{}{}
			go func() {
				defer func() { <-places; done <- struct{}{} }()
				id, _ := h.file(b, "access", fmt.Sprintf("bench%d-%d@example.org", b.N, n))
				r := h.until(b, id, rights.InProgress, rights.NeedsProof)
				h.do(b, "POST", "/v1/requests/"+string(id)+"/verification", `{"token":"`+h.verifyToken(r)+`"}`)
				h.until(b, id, rights.Fulfilled, "")
			}()
		}
		for range each {
			<-done
		}
	}
	b.ReportMetric(float64(each*b.N)/b.Elapsed().Seconds(), "requests/s")
}
