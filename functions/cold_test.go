package functions_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"testing"
	"time"

	"github.com/rightful/rightful/infra/runtime"
)

// settings are values that every function can start with.
func settings() map[string]string {
	env := map[string]string{}
	for _, name := range []string{"TABLE", "KEYS", "KMS_KEY", "STAGE", "BASE_URL", "FROM", "CONFIGURATION_SET", "COMPANY", "CONTACT", "BUCKET", "QUEUE", "SECRETS", "STATE_MACHINE", "REVIEW", "REFER_TO", "ALLOW_PRIVATE", "EVENT_BUS"} {
		env["RIGHTFUL_"+name] = "x"
	}
	for name, value := range map[string]string{"PROOF_LIFE": "168h", "EXPORT_LIFE": "336h", "RETENTION": "17520h", "PROCESSOR": "false", "LINK_KEY": "1", "CONSENT": "eu", "DOUBLE_OPT_IN": "false", "PER_ADDRESS": "5", "PER_CLIENT": "30"} {
		env["RIGHTFUL_"+name] = value
	}
	return env
}

type start struct {
	name         string
	inits, cpus  []time.Duration
	memory, size int64
}

func (s start) init() time.Duration { return median(s.inits) }

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// BenchmarkColdStart measures from the start of a process to its first poll, every
// function beside one that does nothing, in turns, so that both meet the same noise.
func BenchmarkColdStart(b *testing.B) {
	dir, err := built()
	if err != nil {
		b.Fatal(err)
	}
	empty := filepath.Join(b.TempDir(), "empty")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w", "-o", empty, "../infra/runtime/empty")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v", out, err)
	}
	programs := map[string]string{"(empty)": empty}
	folders, err := filepath.Glob("*/main.go")
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range folders {
		programs[filepath.Dir(f)] = filepath.Join(dir, filepath.Dir(f))
	}
	starts := map[string]*start{}
	const rounds = 15
	for range rounds {
		for name, program := range programs {
			f, err := runtime.Start(context.Background(), program, settings(), io.Discard)
			if err != nil {
				b.Fatalf("%s: %v", name, err)
			}
			cpu := f.Stop()
			s := starts[name]
			if s == nil {
				s = &start{name: name}
				starts[name] = s
			}
			s.inits, s.cpus, s.memory = append(s.inits, f.Init), append(s.cpus, cpu), max(s.memory, f.Memory)
			if info, err := os.Stat(program); err == nil {
				s.size = info.Size()
			}
		}
	}
	var all []*start
	for _, s := range starts {
		all = append(all, s)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].init() < all[j].init() })
	base := starts["(empty)"].init()
	fmt.Printf("%-16s %8s %6s %8s %8s %8s\n", "function", "init ms", "ratio", "cpu ms", "RSS MB", "size MB")
	for _, s := range all {
		fmt.Printf("%-16s %8.2f %6.2f %8.1f %8.1f %8.1f\n", s.name, ms(s.init()), float64(s.init())/float64(base), ms(median(s.cpus)), float64(s.memory)/1e6, float64(s.size)/1e6)
	}
	slowest := all[len(all)-1]
	b.ReportMetric(float64(slowest.init())/float64(base), "slowest-ratio")
	trace(b, programs[slowest.name])
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

var inits = regexp.MustCompile(`init (\S+) @\S+ ms, (\S+) ms clock, (\d+) bytes`)

// trace prints what the dearest package inits of a program cost.
func trace(b *testing.B, program string) {
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
	defer cancel()
	var log bytes.Buffer
	env := settings()
	env["GODEBUG"] = "inittrace=1"
	f, err := runtime.Start(ctx, program, env, &log)
	if err != nil {
		b.Fatal(err)
	}
	f.Stop()
	type cost struct {
		name  string
		ms    float64
		bytes string
	}
	var costs []cost
	for _, line := range inits.FindAllStringSubmatch(log.String(), -1) {
		took, _ := strconv.ParseFloat(line[2], 64)
		costs = append(costs, cost{line[1], took, line[3]})
	}
	sort.Slice(costs, func(i, j int) bool { return costs[i].ms > costs[j].ms })
	fmt.Printf("package inits of %s, the dearest of %d:\n", filepath.Base(program), len(costs))
	for _, c := range costs[:min(10, len(costs))] {
		fmt.Printf("  %6.2f ms %9s bytes  %s\n", c.ms, c.bytes, c.name)
	}
}
