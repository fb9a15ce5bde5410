package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"orgflow/internal/testpg"
)

// programs is a directory with the programs that are measured.
var programs string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "orgflow-bench-")
	if err == nil {
		err = build(context.Background(), dir, "standalone")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	programs = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// The benchmark of flows runs to its end on both databases and compares what
// it says. What the figures are is no test's business.
func TestFlowsAreMeasured(t *testing.T) {
	databases := "sqlite"
	if testpg.URL(t) != "" { // skips where there is no PostgreSQL
		databases += ",postgres"
	}
	var out bytes.Buffer
	err := dispatch(t.Context(), strings.Fields("flows -flows 6 -decisions 2 -rounds 2 -callers 1,3 -least 0 -databases "+databases+" -programs "+programs), &out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"on sqlite: 6 flows of 2 decisions", "on postgres: 6 flows", "launches         1", "decisions        3"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, out.String())
		}
	}
}

// Memory is looked at with no flows and with each number that is asked for.
func TestOpenFlowsAreMeasured(t *testing.T) {
	var out bytes.Buffer
	if err := dispatch(t.Context(), []string{"open-flows", "-flows", "3,6", "-most", "0", "-programs", programs}, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	details, _, _ := strings.Cut(out.String(), "processors")
	if lines := strings.Split(strings.TrimSpace(details), "\n"); len(lines) < 5 || !strings.HasPrefix(strings.TrimSpace(lines[4]), "6 ") {
		t.Errorf("the table is\n%s", out.String())
	}
}

// Other settings of a worker are measured beside the usual ones; a text picks
// them.
func TestSettingsOfAWorkerAreMeasured(t *testing.T) {
	var out bytes.Buffer
	err := dispatch(t.Context(), []string{"tune", "-only", "2 pollers", "-rounds", "1", "-flows", "2", "-people", "4", "-latency", "0", "-programs", programs}, &out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	_, table, _ := strings.Cut(out.String(), "against the usual ones")
	lines := strings.Split(strings.TrimSpace(table), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[2], "usual ") || !strings.HasPrefix(lines[3], "2 pollers ") {
		t.Errorf("the table is\n%s", out.String())
	}
}

// Rows about flows have the median of the rounds' ratios, and their aim.
func TestFlowsAreCompared(t *testing.T) {
	round := func(rate int) sample { return sample{took: time.Second, calls: make([]time.Duration, rate)} }
	table := func(ours ...int) flowTable {
		r := flowRow{what: "launches", callers: 1}
		for _, rate := range ours {
			r.orgflow, r.bare = append(r.orgflow, round(rate)), append(r.bare, round(100))
		}
		return flowTable{"sqlite", []flowRow{r}}
	}
	if err := missed(table(40, 50, 90).compared(0.5)); err != nil {
		t.Errorf("the median is the aim, and %v", err)
	}
	if err := missed(table(90, 49, 40).compared(0.5)); err == nil || !strings.Contains(err.Error(), "launches: 49.0/s beside bare Temporal: 100.0/s is 0.49, and should be ≥ 0.50") {
		t.Error(err)
	}
}

// Memory and goroutines of a worker are compared with those of the first flows.
func TestOpenFlowsAreCompared(t *testing.T) {
	grown := func(memory uint64, goroutines int) error {
		marks := []mark{{0, footprint{heap: 1}}, {10, footprint{heap: 60, stacks: 40, goroutines: 100}}, {100, footprint{memory - 40, 40, goroutines}}}
		return missed(openOptions{most: 1.2}.rows(marks))
	}
	if err := grown(119, 119); err != nil {
		t.Error(err)
	}
	if grown(125, 100) == nil || grown(100, 125) == nil {
		t.Error("memory or goroutines may grow")
	}
}

func TestAPullIsMeasured(t *testing.T) {
	var out bytes.Buffer
	args := strings.Fields("pull -departments 30 -people 500 -qps 200 -latency 1ms -most 0 -programs " + programs)
	if err := dispatch(t.Context(), args, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	// 30 lists of departments, and 31 pages of members: a quarter of all is in the root.
	for _, want := range []string{"pull of 500 people, 30 departments, 200 calls/s allowed, latency 1ms: time", "calls ÷ rate: 305 ms", "| 61", "| least: 61", "| 1.00  | ≤ 1.01"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, out.String())
		}
	}
}

func TestTheAimsOfAPull(t *testing.T) {
	o := pullOptions{departments: 10, people: 5, qps: 20, most: 1.1}
	judged := func(p pulled) error { return errors.Join(o.whole(p.pullFigures), missed(o.rows(p))) }
	good := pulled{pullFigures: pullFigures{Departments: 10, Members: 5, Calls: 1000}, took: 55 * time.Second, least: 1000}
	if err := judged(good); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*pulled){
		"too slow":       func(p *pulled) { p.took = 56 * time.Second },
		"too many calls": func(p *pulled) { p.least = 980 },
		"too few people": func(p *pulled) { p.Members = 4 },
	} {
		bad := good
		spoil(&bad)
		if judged(bad) == nil {
			t.Errorf("%s: nobody minds", name)
		}
	}
}

func TestAnUnknownBenchmarkIsRefused(t *testing.T) {
	if err := dispatch(t.Context(), []string{"flow"}, nil); err == nil || !strings.Contains(err.Error(), "push, naive, pull") {
		t.Error(err)
	}
}
