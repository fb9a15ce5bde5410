package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"strconv"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/aiguanhuai"
)

// crowd is a source of n persons in n/50 departments that keeps none of them.
type crowd struct {
	n     int
	title string
}

func (c crowd) ReadPage(_ context.Context, q connectors.Query, cursor string) (connectors.Page, error) {
	from, _ := strconv.Atoi(cursor)
	total := c.n
	if q.Model == "Organization" {
		total = c.n/50 + 1
	}
	to := min(from+q.PageSize, total)
	page := connectors.Page{Declared: total, Calls: 1}
	for i := from; i < to; i++ {
		page.Rows = append(page.Rows, c.row(q.Model, i))
	}
	if to < total {
		page.Next = strconv.Itoa(to)
	}
	return page, nil
}

func (c crowd) row(model string, i int) json.RawMessage {
	if model == "Organization" {
		parent := fmt.Sprintf(`"parent_id":%d,`, 1+max(0, i-1)/20)
		if i == 0 {
			parent = ""
		}
		return fmt.Appendf(nil, `{"id":%d,%s"name":"部门%d"}`, i+1, parent, i)
	}
	return fmt.Appendf(nil, `{"id":%d,"number":"E%d","name":"员工%d","mobile":"100%08d","email":"e%d@example.com","gender":1,"birthday":"1990-01-01",
		"departments":[{"id":%d}],"position":{"name":"%s"},"job_info":{"begin_date":"2020-01-01"}}`, i, i, i, i, i, 2+i/50, c.title)
}

// obliging is a vendor who takes everything and keeps nothing.
func obliging(calls *int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		*calls++
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"errno":0,"body":{"taskId":"t1"}}`)
	}
}

// peakOf runs f and returns the most bytes of live and dead objects on the
// heap meanwhile.
func peakOf(f func()) float64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	done, result := make(chan struct{}), make(chan uint64)
	go func() {
		var peak uint64
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(sample)
			peak = max(peak, sample[0].Value.Uint64())
			select {
			case <-done:
				result <- peak
				return
			case <-tick.C:
			}
		}
	}()
	f()
	close(done)
	return float64(<-result) / (1 << 20)
}

// mostMB is what a run may need at most, however many records it is about.
const mostMB = 400

func reportPeak(b *testing.B, peak float64, unit string) {
	b.ReportMetric(peak, unit)
	if peak > mostMB {
		b.Errorf("%.0f %s at most, which is more than %d", peak, unit, mostMB)
	}
}

// The push of everybody to 爱关怀, stage by stage: seconds, and MB on the heap
// at most. Source and vendor keep nothing.
func BenchmarkPushEverybody(b *testing.B) {
	for _, push := range []string{"full", "incremental"} {
		for _, n := range []int{10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", push, n), func(b *testing.B) {
				for b.Loop() {
					pushEverybody(b, n, push)
				}
			})
		}
	}
}

func pushEverybody(b *testing.B, n int, push string) {
	w := newGuanHuai(b, push)
	calls := 0
	server := httptest.NewServer(obliging(&calls))
	defer server.Close()
	client, err := aiguanhuai.New(aiguanhuai.Config{BaseURL: server.URL, CorpID: "c", QPS: new(float64(0)), Push: push}, aiguanhuai.Options{})
	if err != nil {
		b.Fatal(err)
	}
	w.sync.Connectors = registry("ai_guan_huai", always(client), crowd{n, "工程师"})
	stage := func(name string, f func()) {
		runtime.GC() // what the stage before left behind is not its own
		runtime.GC()
		began := time.Now()
		reportPeak(b, peakOf(f), name+"-MB")
		b.ReportMetric(time.Since(began).Seconds(), name+"-s")
	}
	p := w.begin(w.job(""))
	stage("fetch", func() { w.fetch(p) })
	var planned Planned
	stage("plan", func() { planned = w.plan(p.RunID) })
	stage("send", func() {
		for _, wave := range inPages(planned) {
			if planned.Push {
				break
			}
			if _, err := w.apply(task{}, p.RunID, wave); err != nil {
				b.Fatal(err)
			}
		}
		if planned.Push {
			pushAll(func(name string, params, result any) {
				if err := w.perform(task{}, name, params, result); err != nil {
					b.Fatal(err)
				}
			}, p.RunID)
		}
	})
	if s := w.finish(FinishParams{RunID: p.RunID}); s.Status != orgflow.StatusCompleted {
		b.Fatalf("%s %+v", s.Status, s.Applied)
	}
	b.ReportMetric(float64(calls), "calls")
}

// inPages cuts waves as the workflow does.
func inPages(p Planned) (pages []Wave) {
	for _, w := range p.Waves {
		for from := w.From; from <= w.To; from += p.PageSize {
			pages = append(pages, Wave{No: w.No, Phase: w.Phase, From: from, To: min(from+p.PageSize-1, w.To)})
		}
	}
	return pages
}
