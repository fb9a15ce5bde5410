package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"

	"golang.org/x/perf/benchfmt"
)

const roundsFlag = "how often it is measured; the medians count"

// result is the medians of one benchmark of a package, by unit: those that
// "go test" prints, so ns/op.
type result map[string]float64

// benched runs "go test" for benchmarks alone, and returns the results by
// name, without "Benchmark".
func benched(ctx context.Context, out io.Writer, args ...string) (map[string]result, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-buildvcs=false", "-run", "^$", "-timeout", "30m"}, args...)...)
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&text, out), os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w", cmd, err)
	}
	return parsed(&text)
}

// parsed reads what "go test -bench" prints, and takes the median of what
// was measured several times.
func parsed(text io.Reader) (map[string]result, error) {
	all := map[string]map[string][]float64{}
	r := benchfmt.NewReader(text, "go test")
	for r.Scan() {
		one, ok := r.Result().(*benchfmt.Result)
		if !ok {
			continue // what else a test prints
		}
		name, _, _ := bytes.Cut(one.Name, []byte("-")) // with the number of processors
		values := all[string(name)]
		if values == nil {
			values = map[string][]float64{}
			all[string(name)] = values
		}
		for _, v := range one.Values {
			if v.OrigUnit != "" {
				v.Value, v.Unit = v.OrigValue, v.OrigUnit
			}
			values[v.Unit] = append(values[v.Unit], v.Value)
		}
	}
	medians := map[string]result{}
	for name, values := range all {
		medians[name] = result{}
		for unit, list := range values {
			medians[name][unit] = median(list)
		}
	}
	return medians, r.Err()
}

// planner measures how time and memory of a plan grow with the people.
func planner(ctx context.Context, args []string, out io.Writer) ([]row, error) {
	var rounds int
	f := flag.NewFlagSet("planner", flag.ContinueOnError)
	f.IntVar(&rounds, "rounds", 3, roundsFlag)
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	results, err := benched(ctx, out, "-bench", "^BenchmarkStream$", "-benchtime", "1x", "-count", fmt.Sprint(rounds), "orgflow/internal/planner")
	if err != nil {
		return nil, err
	}
	return plannerRows(results)
}

// plannerRows compares each number of people with the smallest.
func plannerRows(results map[string]result) (rows []row, err error) {
	const nanos, memory = "ns/op", "peak-MB"
	sizes := []int64{10_000, 100_000, 1_000_000}
	var first [2]float64
	for i, n := range sizes {
		r := results[fmt.Sprintf("Stream/%d", n)]
		time, bytes := r[nanos]/float64(n), r[memory]*(1<<20)/float64(n)
		if time == 0 || bytes == 0 {
			return nil, fmt.Errorf("the planner has no result with %s people", count(n))
		}
		if i == 0 {
			first = [2]float64{time, bytes}
		}
		what := fmt.Sprintf("plan of %s people, 1%% changed: ", count(n))
		beside := fmt.Sprintf("with %s: ", count(sizes[0]))
		rows = append(rows,
			row{what + "time a person", fmt.Sprintf("%.1f µs", time/1e3), beside + fmt.Sprintf("%.1f µs", first[0]/1e3), time / first[0], aim{}},
			row{what + "peak memory a person", fmt.Sprintf("%.0f B", bytes), beside + fmt.Sprintf("%.0f B", first[1]), bytes / first[1], aim{}})
	}
	largest := results[fmt.Sprintf("Stream/%d", slices.Max(sizes))]
	what := fmt.Sprintf("plan of %s people, 1%% changed: ", count(slices.Max(sizes)))
	return append(rows,
		allowed(what+"time", largest[nanos]/1e9, 60, seconds),
		allowed(what+"peak memory", largest[memory], 2048, megabytes)), nil
}

// loads measures a load of ERP rows beside a plain loop and beside COPY.
func loads(ctx context.Context, args []string, out io.Writer) ([]row, error) {
	var rounds, rows int
	f := flag.NewFlagSet("erp", flag.ContinueOnError)
	f.IntVar(&rounds, "rounds", 3, roundsFlag)
	f.IntVar(&rows, "rows", 1_000_000, "rows of the form: 10000, 100000 or 1000000; beside COPY alone up to 100000")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	results, err := benched(ctx, out, "-bench", fmt.Sprintf("^BenchmarkLoad$/^%d$", rows), "-benchtime", fmt.Sprintf("%dx", rounds), "orgflow/activities")
	if err != nil {
		return nil, err
	}
	return loadRows(results, rows)
}

func loadRows(results map[string]result, n int) ([]row, error) {
	r := results[fmt.Sprintf("Load/%d", n)]
	if r["x-plain"] == 0 {
		return nil, errors.New("no load was measured: it needs PostgreSQL, and 10000, 100000 or 1000000 rows")
	}
	took := r["ns/op"] / 1e9
	what := fmt.Sprintf("ERP load of %s rows: ", count(int64(n)))
	rows := []row{{what + "time", seconds(took), "plain loop and one COPY: " + seconds(took/r["x-plain"]), r["x-plain"], aim{most: 1.5}}}
	if x := r["x-copy"]; x > 0 {
		rows = append(rows, row{what + "time", seconds(took), "COPY alone, rows in memory: " + seconds(took/x), x, aim{}})
	}
	return append(rows, allowed(what+"resident memory", max(r["MB"], r["resident-MB"]), 300, megabytes)), nil
}
