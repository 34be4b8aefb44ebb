package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/unsubscribe"
)

// TestMint: every row of a CSV gets a link that the server opens; memory stays flat.
func TestMint(t *testing.T) {
	h := newHouse(t, nil)
	status, text, errs := rightful("links", "keys", "--data", filepath.Dir(h.clock.file))
	if status != 0 {
		t.Fatalf("%d: %s", status, errs)
	}
	keys, err := unsubscribe.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	const rows = 20_000
	in, feed := io.Pipe()
	go func() {
		w := bufio.NewWriter(feed)
		fmt.Fprintln(w, "name,Email")
		for n := range rows {
			fmt.Fprintf(w, "\"Reader, %d\",reader%d@example.com\n", n, n)
		}
		w.Flush()
		feed.Close()
	}()
	back, out := io.Pipe()
	go func() {
		_, err := mintCommand{Topic: "news", Base: h.url}.mint(keys, mustRows(t, in), out, func(int) {})
		out.CloseWithError(err)
	}()
	read := csv.NewReader(back)
	if _, err := read.Read(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; ; n++ {
		row, err := read.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		claims, err := h.portal.Choices.Keys.Open(strings.TrimPrefix(row[2], h.url+"/u/"))
		if err != nil || claims.Person != keys.Pseudonym(fmt.Sprintf("reader%d@example.com", n)) || row[3] != "<"+row[2]+">" || row[4] != oneClick {
			t.Fatalf("row %d: %v, %v", n, row, err)
		}
	}
	if n != rows {
		t.Errorf("%d rows came back", n)
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	if memory.HeapInuse > 200<<20 {
		t.Errorf("%d MB of memory", memory.HeapInuse>>20)
	}
}

func mustRows(t testing.TB, in io.Reader) *rowReader {
	t.Helper()
	rows, err := newRows(in, "email")
	if err != nil {
		t.Error(err)
	}
	return rows
}

// TestMint_BadInput: a row that can't be used is named, and so is the fix.
func TestMint_BadInput(t *testing.T) {
	keys := unsubscribe.Keys{Person: []byte("p"), Signing: map[int]ed25519.PrivateKey{1: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))}, Current: 1}
	for in, want := range map[string]string{
		"":                     "the first row",
		"name\nx\n":            "one of them email",
		"email\nnobody\n":      "row 2",
		"email\na@b.de,more\n": "row 2",
	} {
		rows, err := newRows(strings.NewReader(in), "email")
		if err == nil {
			_, err = mintCommand{Topic: "news", Base: "https://x"}.mint(keys, rows, io.Discard, func(int) {})
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "nobody") {
			t.Errorf("%q: %v", in, err)
		}
	}
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := rightful("links", "mint", "--topic", "news", "--base", "https://x", "--keys", file); status != exitUsage || !strings.Contains(errs, "rightful links keys") {
		t.Errorf("%d: %s", status, errs)
	}
}

// BenchmarkMint mints a million links as a sender does, addresses sealed, and then
// opens each of them, as the server does.
func BenchmarkMint(b *testing.B) {
	server := unsubscribe.Derive(func(purpose string) []byte { return fmt.Appendf(nil, "%32s", purpose)[:32] }, 1)
	text, err := server.Export()
	if err != nil {
		b.Fatal(err)
	}
	sender, err := unsubscribe.Read(text)
	if err != nil {
		b.Fatal(err)
	}
	const rows = 1_000_000
	in, feed := io.Pipe()
	go func() {
		w := bufio.NewWriter(feed)
		fmt.Fprintln(w, "email")
		for n := range rows {
			fmt.Fprintf(w, "reader%d@example.com\n", n)
		}
		w.Flush()
		feed.Close()
	}()
	file, err := os.Create(filepath.Join(b.TempDir(), "links.csv"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	start := time.Now()
	if n, err := (mintCommand{Topic: "news", Base: "https://privacy.example.com"}).mint(sender, mustRows(b, in), file, func(int) {}); err != nil || n != rows {
		b.Fatalf("%d, %v", n, err)
	}
	b.ReportMetric(rows/time.Since(start).Seconds(), "links/s")
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	b.ReportMetric(float64(memory.HeapInuse)/1e6, "heap-MB")
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		b.Fatal(err)
	}
	links := mustRows(b, file)
	for n := range rows {
		row, err := links.Next()
		if err != nil {
			b.Fatal(err)
		}
		token := strings.TrimPrefix(links.of(row, "unsubscribe_url"), "https://privacy.example.com/u/")
		if claims, err := server.Open(token); err != nil || claims.Person != server.Pseudonym(row[0]) || claims.Topic != "news" {
			b.Fatalf("link %d: %v", n, err)
		}
	}
}
