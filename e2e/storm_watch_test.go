package e2e

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// series are the values of one thing that was looked at, in order.
type series []float64

// median of a part of the series; NaN of none.
func (s series) median() float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[len(sorted)/2]
}

// fifth is the n-th of five equal parts.
func (s series) fifth(n int) series { return s[len(s)*(n-1)/5 : len(s)*n/5] }

// bound is how much a thing may have grown between the second and the last
// fifth of the time.
type bound struct {
	what   string  // the beginning of its name
	share  float64 // of what it was
	amount float64 // besides
}

// bounds say what may grow, and how far. The work of a soak is the same in
// every turn, on organisations of about the same size; what is needed for it
// has been taken by the second fifth.
//
//   - Memory is noisy: a heap may double before it is collected, and the
//     runtime gives pages back late. Medians over two minutes even that out; a
//     request that leaves 1 KB behind makes 15 MB in six minutes at 40 a second.
//   - Goroutines and descriptors follow what is under way: a turn more of each
//     strand, and connections that idle. One left per run or flow is dozens.
//   - Connections have pools whose limits are far above what idles.
//   - Workflows end with their work; one that stays for each flow is dozens.
//   - A message is sent within seconds, with a fault within half a minute.
//   - Rows of tables that hold what is, and not what was, follow the size of
//     the organisations; a pull under way holds what it has read, some 120.
var bounds = []bound{
	{"memory", 0.25, 24 << 20},
	{"goroutines", 0.2, 30},
	{"descriptors", 0.2, 15},
	{"connections", 0.2, 8},
	{"workflows", 0.2, 12},
	{"outbox", 0, 30},
	{"rows", 0.1, 150},
}

// grown says of each series what its two medians are where it has grown by
// more than its bound. A series that is too short to tell is left out: of a
// process that was killed and replaced.
func grown(all map[string]series) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s := all[name]
		i := slices.IndexFunc(bounds, func(b bound) bool { return strings.HasPrefix(name, b.what) })
		if i < 0 || len(s) < enough {
			continue
		}
		before, after := s.fifth(2).median(), s.fifth(5).median()
		if most := before*(1+bounds[i].share) + bounds[i].amount; after > most {
			out = append(out, fmt.Sprintf("%s grew from %.0f to %.0f, at most %.0f was expected", name, before, after, most))
		}
	}
	return out
}

// enough is how many looks a comparison needs: five of each fifth.
const enough = 25

// trail are the tables in which every turn leaves rows, until retention
// removes them after days. Every other table holds what is: it must not grow
// while the organisations keep their size.
var trail = []string{
	"sync_run", "sync_plan", "sync_change", "snapshot", "base_sync_data", "remote_read", "remote_queue", "remote_record", "provisioning_log", "audit_log",
	"idempotency_key", "org_pull", "org_identity", "org_version", "org_unit", "org_member", "org_membership",
	"flow_instance", "flow_node_visit", "flow_task", "flow_audit", "flow_event", "board_row", "outbox",
	"erp_run", "erp_window", "record_failure", "notice_topic",
}

// soak looks at processes, database and Temporal.
type soak struct {
	*cluster
	shown    map[string]string // where processes show their metrics, by name
	temporal client.Client

	mu  sync.Mutex
	all map[string]series
}

// newWatch looks at processes by the metrics they show, which are those of
// /proc and of Go's runtime.
func newWatch(c *cluster, metrics map[string]string) watch {
	c.t.Helper()
	return &soak{cluster: c, shown: metrics, temporal: c.temporalClient(), all: map[string]series{}}
}

// left are the rows to count of tables that runs under way fill: those that
// nobody will remove any more.
var left = map[string]string{
	"erp_seen": `s JOIN erp_run r ON r.id = s.run_id WHERE r.finished_at IS NOT NULL`,
}

// look looks at everything once. What does not answer is not looked at.
func (s *soak) look() {
	ctx, cancel := context.WithTimeout(s.t.Context(), 4*time.Second)
	defer cancel()
	for name, url := range s.shown {
		if status, body, err := call("GET", url, ""); err == nil && status == 200 {
			s.process(name, body)
		}
	}
	s.database(ctx)
	res, err := s.temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: `ExecutionStatus = "Running"`})
	if err == nil {
		s.note("workflows that run", float64(res.GetCount()))
	}
}

func (s *soak) note(name string, value float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[name] = append(s.all[name], value)
}

// process reads what a process shows of itself. One that was started again is
// another one.
func (s *soak) process(name, metrics string) {
	of := sampled(metrics, "process_start_time_seconds", "process_resident_memory_bytes", "process_open_fds", "go_goroutines")
	life := fmt.Sprintf(" of %s since %s", name, time.Unix(int64(of["process_start_time_seconds"]), 0).Format(time.TimeOnly))
	s.note("memory"+life, of["process_resident_memory_bytes"])
	s.note("goroutines"+life, of["go_goroutines"])
	s.note("descriptors"+life, of["process_open_fds"])
}

// sampled reads samples that have no labels.
func sampled(metrics string, names ...string) map[string]float64 {
	out := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(metrics)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if !slices.Contains(names, name) {
			continue
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			out[name] = v
		}
	}
	return out
}

const nowCounts = `SELECT 'connections to the database ' || count(*) FROM pg_stat_activity WHERE datname = current_database()
	UNION ALL SELECT 'outbox: seconds its oldest message waits ' || coalesce(extract(epoch FROM now() - min(created_at)), 0) FROM outbox WHERE state = 'pending'`

// database reads connections, messages that wait and rows.
func (s *soak) database(ctx context.Context) {
	query := []string{nowCounts}
	tables, err := texts(ctx, s.db, `SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT LIKE 'ERP%' AND tablename NOT LIKE 'goose%'`)
	if err != nil {
		return // it is away
	}
	for _, table := range tables {
		if !slices.Contains(trail, table) {
			query = append(query, fmt.Sprintf(`SELECT 'rows of %[1]s ' || count(*) FROM %[1]s %s`, table, left[table]))
		}
	}
	found, err := texts(ctx, s.db, strings.Join(query, " UNION ALL "))
	if err != nil {
		return
	}
	for _, line := range found {
		i := strings.LastIndexByte(line, ' ')
		if v, err := strconv.ParseFloat(line[i+1:], 64); err == nil {
			s.note(line[:i], v)
		}
	}
}

// growth says what grew by more than it may.
func (s *soak) growth() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return grown(s.all)
}

// String is a table of the medians.
func (s *soak) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, name := range slices.SortedFunc(maps.Keys(s.all), cmp.Compare[string]) {
		if v := s.all[name]; len(v) >= enough {
			fmt.Fprintf(&b, "%-60s %14.0f %14.0f\n", name, v.fifth(2).median(), v.fifth(5).median())
		}
	}
	return b.String()
}

// What grows by more than its bound is named; noise, what came with the first
// fifth, short lives and what shrinks are not.
func TestGrowth(t *testing.T) {
	flat := func(n int, v float64) series { return slices.Repeat(series{v}, n) }
	noisy := slices.Repeat(series{100 << 20, 160 << 20, 130 << 20, 90 << 20, 135 << 20}, 10)
	rising := make(series, 50)
	for i := range rising {
		rising[i] = float64(100<<20 + i*2<<20)
	}
	all := map[string]series{
		"memory of a":     noisy,
		"memory of b":     rising,
		"memory of c":     slices.Concat(flat(10, 1<<20), flat(40, 200<<20)), // at the start
		"memory of d":     rising[:enough-1],
		"goroutines of a": slices.Concat(flat(40, 100), flat(10, 151)),
		"goroutines of b": slices.Concat(flat(40, 100), flat(10, 149)),
		"rows of x":       slices.Concat(flat(25, 0), flat(25, 151)),
		"rows of y":       slices.Concat(flat(25, 1000), flat(25, 4)),
		"something else":  slices.Concat(flat(25, 0), flat(25, 1e9)),
	}
	want := []string{
		"goroutines of a grew from 100 to 151, at most 150 was expected",
		"memory of b grew from 136314880 to 199229440, at most 195559424 was expected",
		"rows of x grew from 0 to 151, at most 150 was expected",
	}
	if got := grown(all); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
