package e2e

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// killPoint is one kill: a moment of an operation of the turn to a shape.
type killPoint struct {
	number int
	to     orgShape
	at     operation
	moment moment
}

func (p killPoint) String() string {
	return fmt.Sprintf("point %d, to %s: %s %s", p.number, p.to, p.moment, p.at)
}

// A worker process is killed with SIGKILL at operation boundaries: before
// the vendor sees a call, after the vendor has done it, after its outcome is
// recorded. Another worker goes on, and nothing tells the run from one that
// nobody interrupted: not the vendor's data, not the writes it saw, not
// summary, changes, log and bindings.
//
// The plan has about 200 operations, and another 200 on the way back. A
// sample of 12 points is killed, with ORGFLOW_CHAOS=all every point, with
// CHAOS_POINTS=1-50 those of that range; CHAOS_LANES says how many runs are
// under way at a time. See "make killpoints".
func TestKilledAtEveryOperationBoundary(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	measure := map[orgShape]observed{}
	first := newLane(t, s, 1000)
	for range 2 {
		o := first.turn(nil, "")
		if err := o.trouble(); err != nil {
			t.Fatalf("the uninterrupted turn to %s is no measure: %v", first.shape, err)
		}
		if d := cmp.Diff(wanted(t, first.source()), o.Picture); d != "" {
			t.Fatalf("the uninterrupted turn to %s (-want +got):\n%s", first.shape, d)
		}
		measure[first.shape] = o
		t.Logf("uninterrupted turn to %s: %d operations in %s", first.shape, len(o.ops), o.took.Round(10*time.Millisecond))
	}
	points, lanes := chosenPoints(t, measure)
	work := newWork(points)
	report := newReport(t)
	var all sync.WaitGroup
	for n := range min(lanes, len(points)) {
		// Lanes mostly wait for a heartbeat timeout, so there may be more of
		// them than tests may run in parallel.
		all.Go(func() {
			t.Run(fmt.Sprintf("lane %d", n+1), func(t *testing.T) {
				var l *lane
				for p, ok := work.next(shapeB); ok; p, ok = work.next(l.shape.other()) {
					if l == nil {
						l = newLane(t, s, 1001+n)
					}
					took, same := l.strike(p, measure[p.to])
					report.add(p, took, same)
				}
			})
		})
	}
	all.Wait()
	report.print()
}

// strike runs to a point's shape, killed at the point, and compares with the
// uninterrupted run.
func (l *lane) strike(p killPoint, want observed) (took time.Duration, same bool) {
	l.t.Helper()
	if p.to == l.shape {
		l.turn(nil, "") // only points of the other way are left
	}
	o := l.turn(&p.at, p.moment)
	d := cmp.Diff(want, o, cmpopts.IgnoreUnexported(observed{}))
	if d != "" {
		l.t.Errorf("%s (-uninterrupted +killed):\n%s", p, d)
	}
	return o.took, d == ""
}

// chosenPoints lists the points to kill at, and how many lanes share them.
func chosenPoints(t *testing.T, measure map[orgShape]observed) ([]killPoint, int) {
	t.Helper()
	all := everyPoint(measure)
	if os.Getenv("ORGFLOW_CHAOS") != "all" {
		return sample(all), 12
	}
	lanes := 24
	if s := os.Getenv("CHAOS_LANES"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			t.Fatalf("CHAOS_LANES is %q: a number above 0 is needed", s)
		}
		lanes = n
	}
	s := os.Getenv("CHAOS_POINTS")
	if s == "" {
		return all, lanes
	}
	var from, to int
	if _, err := fmt.Sscanf(s, "%d-%d", &from, &to); err != nil || from < 1 || to < from || from > len(all) {
		t.Fatalf("CHAOS_POINTS is %q: a range within 1-%d is needed, such as 1-50", s, len(all))
	}
	return all[from-1 : min(to, len(all))], lanes
}

// everyPoint lists each moment of each operation, the two ways in turn: a
// lane goes to and fro.
func everyPoint(measure map[orgShape]observed) []killPoint {
	var ways [2][]killPoint
	for i, to := range []orgShape{shapeB, shapeA} {
		for _, op := range measure[to].ops {
			for _, m := range moments {
				ways[i] = append(ways[i], killPoint{to: to, at: op, moment: m})
			}
		}
	}
	var all []killPoint
	for i := range max(len(ways[0]), len(ways[1])) {
		for _, way := range ways {
			if i < len(way) {
				p := way[i]
				p.number = len(all) + 1
				all = append(all, p)
			}
		}
	}
	return all
}

// sample takes the middle operation of every path and way, at moments that
// take turns.
func sample(all []killPoint) []killPoint {
	var out []killPoint
	for i, path := range []string{deptCreate, deptUpdate, userCreate, userUpdate, userDelete, deptDelete} {
		for _, to := range []orgShape{shapeB, shapeA} {
			var of []killPoint
			for _, p := range all {
				if p.at.Path == path && p.to == to && p.moment == moments[(i+int(to))%len(moments)] {
					of = append(of, p)
				}
			}
			out = append(out, of[len(of)/2])
		}
	}
	return out
}

// work hands points out to lanes.
type work struct {
	mu   sync.Mutex
	left []killPoint
}

func newWork(points []killPoint) *work { return &work{left: slices.Clone(points)} }

// next returns a point of the way to a shape, or if none is left one of the
// other way.
func (w *work) next(to orgShape) (killPoint, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.left) == 0 {
		return killPoint{}, false
	}
	i := max(0, slices.IndexFunc(w.left, func(p killPoint) bool { return p.to == to }))
	p := w.left[i]
	w.left = slices.Delete(w.left, i, i+1)
	return p, true
}

// report prints a line per point and a table in the end.
type report struct {
	t     *testing.T
	mu    sync.Mutex
	began time.Time
	rows  map[string]*reportRow
}

type reportRow struct {
	points, differ int
	took           []time.Duration
}

func newReport(t *testing.T) *report {
	return &report{t: t, began: time.Now(), rows: map[string]*reportRow{}}
}

func (r *report) add(p killPoint, took time.Duration, same bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := fmt.Sprintf("%-32s %-9s", p.at.Path, p.moment)
	row := r.rows[key]
	if row == nil {
		row = &reportRow{}
		r.rows[key] = row
	}
	row.points++
	row.took = append(row.took, took)
	if !same {
		row.differ++
	}
	if os.Getenv("ORGFLOW_CHAOS") == "all" {
		fmt.Printf("%6.0f s  %s: %s, same: %v\n", time.Since(r.began).Seconds(), p, took.Round(100*time.Millisecond), same)
	}
}

func (r *report) print() {
	var b strings.Builder
	fmt.Fprintf(&b, "%-32s %-9s %7s %9s %9s %9s\n", "operation", "killed", "points", "differ", "median", "longest")
	keys := make([]string, 0, len(r.rows))
	points, differ := 0, 0
	for k, row := range r.rows {
		keys = append(keys, k)
		points += row.points
		differ += row.differ
	}
	slices.Sort(keys)
	for _, k := range keys {
		row := r.rows[k]
		slices.Sort(row.took)
		fmt.Fprintf(&b, "%s %7d %9d %8.1fs %8.1fs\n", k, row.points, row.differ, row.took[len(row.took)/2].Seconds(), row.took[len(row.took)-1].Seconds())
	}
	r.t.Logf("%d points killed, %d differ, %s\n%s", points, differ, time.Since(r.began).Round(time.Second), b.String())
}
