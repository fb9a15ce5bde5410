package main

import (
	"bytes"
	"context"
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
	err := dispatch(t.Context(), strings.Fields("flows -flows 6 -decisions 2 -rounds 2 -callers 1,3 -least 0 -databases "+databases+" -standalone "+programs+"/standalone"), &out)
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
	if err := dispatch(t.Context(), []string{"open-flows", "-flows", "3,6", "-most", "0", "-standalone", programs + "/standalone"}, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if lines := strings.Split(strings.TrimSpace(out.String()), "\n"); len(lines) != 5 || !strings.HasPrefix(strings.TrimSpace(lines[4]), "6 ") {
		t.Errorf("the table is\n%s", out.String())
	}
}

// A benchmark fails where its aim is missed.
func TestAimsAreJudged(t *testing.T) {
	round := func(rate int) sample { return sample{took: time.Second, calls: make([]time.Duration, rate)} }
	table := func(ours ...int) flowTable {
		r := flowRow{what: "launches", callers: 1}
		for _, rate := range ours {
			r.orgflow, r.bare = append(r.orgflow, round(rate)), append(r.bare, round(100))
		}
		return flowTable{"sqlite", []flowRow{r}}
	}
	if missed := table(40, 50, 90).below(0.5); len(missed) != 0 {
		t.Errorf("the median is the aim, and %q", missed)
	}
	if missed := table(90, 49, 40).below(0.5); len(missed) != 1 || !strings.Contains(missed[0], "launches on sqlite with 1 callers: 0.49") {
		t.Errorf("missed is %q", missed)
	}
	grown := func(memory uint64, goroutines int) error {
		marks := []mark{{0, footprint{heap: 1}}, {10, footprint{heap: 60, stacks: 40, goroutines: 100}}, {100, footprint{memory - 40, 40, goroutines}}}
		return openOptions{most: 1.2}.judge(marks, &bytes.Buffer{})
	}
	if err := grown(119, 119); err != nil {
		t.Error(err)
	}
	if grown(125, 100) == nil || grown(100, 125) == nil {
		t.Error("memory or goroutines may grow")
	}
}

func TestAnUnknownBenchmarkIsRefused(t *testing.T) {
	if err := dispatch(t.Context(), []string{"flow"}, nil); err == nil || !strings.Contains(err.Error(), "push, flows, open-flows") {
		t.Error(err)
	}
}
