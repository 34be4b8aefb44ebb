package disk_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/bundle"
	"github.com/rightful/rightful/shared/disk"
	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/rights"
	"github.com/rightful/rightful/shared/sqlite"
)

const id = rights.ID("DR-TEST-2222-2222")

func vault(t testing.TB) disk.Vault {
	t.Helper()
	dir := t.TempDir()
	master, err := envelope.OpenFile(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := sqlite.OpenKeys(t.Context(), filepath.Join(dir, "keys.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keys.Close() })
	return disk.Vault{Dir: filepath.Join(dir, "vault"), Sealer: &envelope.Sealer{Master: master, Keys: keys}}
}

func store(t testing.TB, v disk.Vault, name, text string) {
	t.Helper()
	w, err := v.Create(t.Context(), id, name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, v disk.Vault, name string) (string, error) {
	t.Helper()
	r, err := v.Open(t.Context(), id, name)
	if err != nil {
		return "", err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	return string(text), err
}

func TestVault(t *testing.T) {
	v := vault(t)
	store(t, v, "parts/crm.ndjson", "some of Ada's data")
	if got, err := load(t, v, "parts/crm.ndjson"); err != nil || got != "some of Ada's data" {
		t.Errorf("%q %v", got, err)
	}

	t.Run("SealedAndForTheOwnerAlone", func(t *testing.T) {
		seen := 0
		filepath.WalkDir(v.Dir, func(path string, d fs.DirEntry, err error) error {
			info, _ := d.Info()
			if info.Mode().Perm()&0o077 != 0 {
				t.Errorf("others can read %s", d.Name())
			}
			if !d.IsDir() {
				text, _ := os.ReadFile(path)
				if bytes.Contains(text, []byte("some of Ada")) {
					t.Error("a file holds its plaintext")
				}
				seen++
			}
			return err
		})
		if seen != 1 {
			t.Errorf("%d files were looked at", seen)
		}
	})
	t.Run("AbortLeavesTheOldOne", func(t *testing.T) {
		w, err := v.Create(t.Context(), id, "parts/crm.ndjson")
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, "half")
		if err := w.Abort(); err != nil {
			t.Error(err)
		}
		if got, _ := load(t, v, "parts/crm.ndjson"); got != "some of Ada's data" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("ReplacedAsAWhole", func(t *testing.T) {
		store(t, v, "parts/crm.ndjson", "new")
		if got, _ := load(t, v, "parts/crm.ndjson"); got != "new" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("NamesStayInside", func(t *testing.T) {
		for _, name := range []string{"../x", "/etc/x", "a/../../../x"} {
			if _, err := v.Create(t.Context(), id, name); err == nil {
				t.Errorf("%q was taken", name)
			}
		}
	})
	t.Run("RemovedIsNotFound", func(t *testing.T) {
		for range 2 {
			if err := v.Remove(t.Context(), id); err != nil {
				t.Error(err)
			}
		}
		if _, err := load(t, v, "parts/crm.ndjson"); rights.CodeOf(err) != rights.NotFound {
			t.Errorf("got %v", err)
		}
	})
}

// record is one line of a made-up export.
type record int

func (r record) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `{"id":%d,"email":"person%d@example.org","text":"Some words that a system holds about somebody, number %d."}`, int(r), int(r)%50, int(r)), nil
}

// BenchmarkExport packs a sealed part into a sealed archive. RIGHTFUL_LONG=1 takes
// one of a gigabyte; the peak of the heap must not grow with it.
func BenchmarkExport(b *testing.B) {
	size := 32 << 20
	if os.Getenv("RIGHTFUL_LONG") != "" {
		size = 1 << 30
	}
	v := vault(b)
	w, err := v.Create(b.Context(), id, bundle.PartName("shop"))
	if err != nil {
		b.Fatal(err)
	}
	part, written := bundle.NewPart(w), 0
	for n := 0; written < size; n++ {
		if err := part.Add("orders", record(n)); err != nil {
			b.Fatal(err)
		}
		text, _ := record(n).MarshalJSON()
		written += len(text)
	}
	if err := part.Close(); err != nil {
		b.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		b.Fatal(err)
	}
	stop, peak := make(chan struct{}), make(chan uint64)
	go watch(stop, peak)
	b.ResetTimer()
	for b.Loop() {
		out, err := v.Create(b.Context(), id, "export.zip")
		if err != nil {
			b.Fatal(err)
		}
		share := bundle.Share{Name: "shop", Title: "Shop", Outcome: rights.Done, Open: func() (io.ReadCloser, error) { return v.Open(b.Context(), id, bundle.PartName("shop")) }}
		if _, err := bundle.Write(b.Context(), out, bundle.Bundle{Request: id, Right: rights.Access, Company: "Example", MadeAt: time.Unix(0, 0), Systems: []bundle.Share{share}}); err != nil {
			b.Fatal(err)
		}
		if err := out.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(written))
	close(stop)
	b.ReportMetric(float64(<-peak)/(1<<20), "MB-peak-heap")
}

// watch samples the heap and sends its peak.
func watch(stop <-chan struct{}, peak chan<- uint64) {
	var most uint64
	for {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
		select {
		case <-stop:
			peak <- most
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}
