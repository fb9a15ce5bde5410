//go:build linux

package e2e

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// aPort is what differs between reasons that are the same.
var aPort = regexp.MustCompile(`:\d+`)

// stormReport counts what was injected and what was lost.
type stormReport struct {
	mu      sync.Mutex
	faults  map[string]*spell
	strands map[string]*spell
	losses  map[string][]string
	met     map[string]string // what came instead of answers
	ends    map[string]int    // by program and reason
	growth  []string
}

// spell is how often, and how long in all.
type spell struct {
	times         int
	took, longest time.Duration
}

func (l *spell) add(took time.Duration) {
	l.times++
	l.took += took
	l.longest = max(l.longest, took)
}

func newStormReport() *stormReport {
	return &stormReport{faults: map[string]*spell{}, strands: map[string]*spell{}, losses: map[string][]string{}, met: map[string]string{}, ends: map[string]int{}}
}

func (r *stormReport) injected(kind string, took time.Duration) { r.add(r.faults, kind, took) }

func (r *stormReport) turned(strand string, took time.Duration) { r.add(r.strands, strand, took) }

func (r *stormReport) add(to map[string]*spell, name string, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if to[name] == nil {
		to[name] = &spell{}
	}
	to[name].add(took)
}

// lost notes a strand's losses.
func (r *stormReport) lost(strand string, losses []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.losses[strand] = losses
}

// told notes what a strand has met that an undisturbed one would not have.
func (r *stormReport) told(strand, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.met[strand] = what
}

// ended notes a program that ended by itself and was started again.
func (r *stormReport) ended(program, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ends[program+", "+aPort.ReplaceAllString(why, ":…")]++
}

// print shows the report, writes it where it is wanted, and fails the test
// where something was lost.
func (r *stormReport) print(t *testing.T, p plan) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	text := r.text(p)
	t.Logf("\n%s", text)
	if p.report != "" {
		if err := os.WriteFile(p.report, []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}
	for strand, list := range r.losses {
		for _, loss := range list {
			t.Errorf("%s: %s", strand, loss)
		}
	}
	for _, what := range r.growth {
		t.Errorf("grown: %s", what)
	}
}

func (r *stormReport) text(p plan) string {
	var b strings.Builder
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		load = []byte("unknown")
	}
	total := 0
	fmt.Fprintf(&b, "seed %d, %s, load of the machine %s\n", p.seed, p.length, strings.TrimSpace(string(load)))
	fmt.Fprintf(&b, "\n%-44s %6s %8s\n", "fault", "times", "seconds")
	for _, name := range slices.Sorted(maps.Keys(r.faults)) {
		f := r.faults[name]
		total += f.times
		fmt.Fprintf(&b, "%-44s %6d %8.0f\n", name, f.times, f.took.Seconds())
	}
	fmt.Fprintf(&b, "%-44s %6d\n", "all", total)
	fmt.Fprintf(&b, "\n%-20s %6s %9s %9s %7s\n", "strand", "turns", "mean s", "longest s", "losses")
	for _, name := range slices.Sorted(maps.Keys(r.strands)) {
		f := r.strands[name]
		losses := "not told"
		if list, told := r.losses[name]; told {
			losses = fmt.Sprint(len(list))
		}
		fmt.Fprintf(&b, "%-20s %6d %9.1f %9.1f %7s\n", name, f.times, f.took.Seconds()/float64(f.times), f.longest.Seconds(), losses)
	}
	for _, name := range slices.Sorted(maps.Keys(r.met)) {
		fmt.Fprintf(&b, "%s met: %s\n", name, r.met[name])
	}
	b.WriteString("\nprocesses that ended by themselves and were started again:\n")
	if len(r.ends) == 0 {
		b.WriteString("none\n")
	}
	for _, why := range slices.Sorted(maps.Keys(r.ends)) {
		fmt.Fprintf(&b, "%5d × %s\n", r.ends[why], why)
	}
	return b.String()
}
