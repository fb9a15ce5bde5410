package activities_test

import (
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/erp"
	"orgflow/internal/testpg"
)

// mostLoadMB is what a load may need at most, however many rows it is about:
// client, simulator and heap of the whole process.
const mostLoadMB = 300

// A create over the simulator into PostgreSQL, beside a plain loop that reads
// the same pages one after the other and copies the same rows with one COPY
// into a table without a key. The second line of each size is the ratio.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := newShop(b, testpg.URL(b))
			w.at = time.Now() // the simulator's rows end now
			w.form = erp.Config{FormID: "SAL_SaleOrder", DateField: "FModifyDate"}
			client, _ := w.kingdee(b, n)
			var plain, ours time.Duration
			b.Run("plain", func(b *testing.B) {
				for b.Loop() {
					plain = measured(b, func() { w.plain(b, client, n) })
				}
			})
			b.Run("orgflow", func(b *testing.B) {
				for b.Loop() {
					ours = measured(b, func() {
						if run := w.loadFrom(client, orgflow.LoadCreate); run.Rows != int64(n) {
							b.Fatalf("%+v", run)
						}
					})
				}
				b.ReportMetric(ours.Seconds()/plain.Seconds(), "x-plain")
				b.ReportMetric(float64(n)/ours.Seconds(), "rows/s")
			})
		})
	}
}

// measured reports the time and the most bytes of the heap meanwhile.
func measured(b *testing.B, f func()) time.Duration {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64())
			select {
			case <-done:
				peak <- most
				return
			case <-tick.C:
			}
		}
	}()
	began := time.Now()
	f()
	spent := time.Since(began)
	close(done)
	mb := float64(<-peak) / (1 << 20)
	b.ReportMetric(mb, "MB")
	if mb > mostLoadMB {
		b.Errorf("%.0f MB at most, which is more than %d", mb, mostLoadMB)
	}
	return spent
}

// plain reads the same pages in a loop and copies the rows with one COPY.
func (w *shop) plain(t testing.TB, client connectors.ERP, n int) {
	ctx := context.Background()
	form, err := client.Form(ctx, w.form.FormID)
	w.must(err)
	tables, _ := erp.Tables(w.form, form)
	table := tables[0]
	names, defs := make([]string, len(table.Columns)), make([]string, len(table.Columns))
	types := map[orgflow.ERPType]string{
		orgflow.ERPText: "text", orgflow.ERPLongText: "text", orgflow.ERPInteger: "bigint", orgflow.ERPDecimal: "numeric",
		orgflow.ERPFloat: "double precision", orgflow.ERPBoolean: "boolean", orgflow.ERPDate: "date", orgflow.ERPTime: "timestamp",
	}
	for i, c := range table.Columns {
		names[i] = `"` + c.Name + `"`
		defs[i] = names[i] + " " + types[c.Type]
	}
	w.exec(`DROP TABLE IF EXISTS plain`)
	w.exec(`CREATE TABLE plain (` + strings.Join(defs, ", ") + `)`)
	tx, err := w.db.DB().BeginTx(ctx, nil)
	w.must(err)
	stmt, err := tx.PrepareContext(ctx, `COPY plain (`+strings.Join(names, ", ")+`) FROM STDIN`)
	w.must(err)
	rows := 0
	for _, window := range erp.Windows(orgflow.LoadCreate, false, w.form, w.now().In(time.FixedZone("", 8*3600))) {
		for start := 0; ; start += 2000 {
			page, err := client.Rows(ctx, connectors.ERPQuery{
				FormID: table.Form, Fields: table.Fields(), OrderBy: table.KeyFields(), DateField: "FModifyDate",
				From: window.From, Until: window.Until, Start: start, Limit: 2000,
			})
			w.must(err)
			for _, cells := range page.Rows {
				values, err := table.DecodeRow(cells)
				w.must(err)
				_, err = stmt.ExecContext(ctx, values...)
				w.must(err)
				rows++
			}
			if len(page.Rows) < 2000 {
				break
			}
		}
	}
	_, err = stmt.ExecContext(ctx)
	w.must(err)
	w.must(stmt.Close())
	w.must(tx.Commit())
	if rows != n {
		t.Fatalf("the loop reads %d rows of %d", rows, n)
	}
}
