package activities_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/erp"
	"orgflow/internal/testpg"
)

// mostLoadMB is what a process that loads may need at most, however many rows
// it is about.
const mostLoadMB = 300

// A create over the simulator, which is a process of its own, into PostgreSQL,
// beside a plain loop that reads the same pages one after the other, decodes
// them alike, and copies the rows with one COPY into a table whose primary key
// is built at the end, and beside that COPY alone, of rows that are in memory
// already (x-copy; up to 100,000 of them). All are done in each iteration, and
// who begins changes. Reported are medians: the ratios of the time (x-plain) and of the processor
// time that this process and PostgreSQL took together (x-plain-cpu), that
// processor time in parts, and the most memory: objects on the heap (MB), and
// all that the process had of the machine's (resident-MB).
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := newShop(b, testpg.URL(b))
			w.form = erp.Config{FormID: "SAL_SaleOrder", DateField: "FModifyDate"}
			client := w.client(servedKingdee(b, n))
			w.at = time.Now() // behind all of the simulator's rows
			var plain, ours, bare []effort
			turns := []func(){
				func() {
					plain = append(plain, w.measured(func() { w.plain(b, client, n) }))
					w.exec(`DROP TABLE plain`)
				},
				func() {
					ours = append(ours, w.measured(func() {
						if run := w.loadFrom(client, orgflow.LoadCreate); run.Rows != int64(n) {
							b.Fatalf("%+v", run)
						}
					}))
					w.exec(`DROP TABLE "ERP_SAL_SaleOrder"`)
				},
			}
			if n <= mostCopied {
				turns = append(turns, func() {
					rows := w.read(b, client, n)
					bare = append(bare, w.measured(func() { rows.copied(w) }))
					w.exec(`DROP TABLE plain`)
				})
			}
			for b.Loop() {
				for _, turn := range turns {
					turn()
				}
				slices.Reverse(turns) // who begins changes
			}
			report(b, n, plain, ours)
			if len(bare) > 0 {
				b.ReportMetric(medianRatio(ours, bare, func(e effort) float64 { return e.wall }), "x-copy")
			}
		})
	}
}

// medianRatio is the median of the rounds' ratios.
func medianRatio(ours, theirs []effort, part func(effort) float64) float64 {
	var out []float64
	for i, o := range ours {
		out = append(out, part(o)/part(theirs[i]))
	}
	return median(out)
}

func report(b *testing.B, n int, plain, ours []effort) {
	of := func(list []effort, part func(effort) float64) float64 {
		var out []float64
		for _, e := range list {
			out = append(out, part(e))
		}
		return median(out)
	}
	took := of(ours, func(e effort) float64 { return e.wall })
	b.ReportMetric(took*1e9, "ns/op")
	b.ReportMetric(float64(n)/took, "rows/s")
	b.ReportMetric(medianRatio(ours, plain, func(e effort) float64 { return e.wall }), "x-plain")
	if ours[0].server > 0 {
		b.ReportMetric(medianRatio(ours, plain, func(e effort) float64 { return e.own + e.server }), "x-plain-cpu")
	}
	for _, side := range []struct {
		name string
		list []effort
	}{{"", ours}, {"plain-", plain}} {
		b.ReportMetric(of(side.list, func(e effort) float64 { return e.own }), side.name+"own-cpu-s")
		b.ReportMetric(of(side.list, func(e effort) float64 { return e.server }), side.name+"pg-cpu-s")
		b.ReportMetric(of(side.list, func(e effort) float64 { return e.mb }), side.name+"MB")
		b.ReportMetric(of(side.list, func(e effort) float64 { return e.resident }), side.name+"resident-MB")
	}
	for _, e := range ours {
		if mb := max(e.mb, e.resident); mb > mostLoadMB {
			b.Errorf("%.0f MB at most, which is more than %d", mb, mostLoadMB)
		}
	}
}

// serveKingdee tells a test binary to be the ERP's simulator with so many
// rows: in a process of its own, so that its work is not counted as ours.
const serveKingdee = "ORGFLOW_TEST_SERVE_KINGDEE"

func TestServeKingdee(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv(serveKingdee))
	if err != nil {
		t.Skip("is the benchmark's ERP")
	}
	sim, err := salesOrders(n, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	defer server.Close()
	fmt.Println("listening", server.URL)
	_, _ = bufio.NewReader(os.Stdin).ReadByte() // until the benchmark ends
}

// servedKingdee starts the simulator and returns its address.
func servedKingdee(b *testing.B, n int) string {
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestServeKingdee$", "-test.v")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", serveKingdee, n))
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if url, ok := strings.CutPrefix(lines.Text(), "listening "); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return url
		}
	}
	b.Fatal("the simulator does not begin")
	return ""
}
