package main

import (
	"fmt"
	"io"
	"time"
)

// flowTable is what was measured on one database.
type flowTable struct {
	database string
	rows     []flowRow
}

// flowRow is one kind of call with one number of callers.
type flowRow struct {
	what          string // launches, decisions
	callers       int
	orgflow, bare samples
}

func (t flowTable) print(out io.Writer, o flowOptions) {
	fmt.Fprintf(out, "\napproval flows on %s: %d flows of %d decisions per round, %d rounds in turn\n", t.database, o.flows, o.decisions, o.rounds)
	fmt.Fprintf(out, "%-10s %7s   %-21s  %-40s  %s\n", "", "callers", "ratio (least-most)", "orgflow: per s, p50, p99, cpu", "bare: per s, p50, p99, cpu")
	for _, r := range t.rows {
		middle, least, most := ratios(r.orgflow, r.bare)
		fmt.Fprintf(out, "%-10s %7d   %.2f (%.2f-%.2f)      %s  %s\n", r.what, r.callers, middle, least, most, r.orgflow, r.bare)
	}
}

// String is rate and percentiles.
func (s samples) String() string {
	round := func(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
	return fmt.Sprintf("%7.1f %9v %9v %9v  ", s.rate(), round(s.percentile(50)), round(s.percentile(99)), round(s.cpu()))
}

// compared are the medians, which should not be below so much of the bare
// workflow's.
func (t flowTable) compared(least float64) (out []row) {
	for _, r := range t.rows {
		middle, _, _ := ratios(r.orgflow, r.bare)
		out = append(out, row{
			fmt.Sprintf("flows on %s, %d at a time: %s", t.database, r.callers, r.what),
			fmt.Sprintf("%.1f/s", r.orgflow.rate()), fmt.Sprintf("bare Temporal: %.1f/s", r.bare.rate()), middle, aim{least: least},
		})
	}
	return out
}
