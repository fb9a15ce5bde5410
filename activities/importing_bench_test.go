package activities

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/wecom"
	wcsim "orgflow/connectors/wecom/sim"
)

// serveWeCom tells a test binary to be WeCom's simulator: in a process of its
// own, so that what it holds is not counted as ours.
const serveWeCom = "ORGFLOW_TEST_SERVE_WECOM"

func TestServeWeCom(t *testing.T) {
	if os.Getenv(serveWeCom) == "" {
		t.Skip("is the benchmark's vendor")
	}
	sim := wcsim.New(wcsim.Options{})
	if err := sim.SetOptions([]byte(`{"per_minute": 0, "per_hour": 0}`)); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	defer server.Close()
	fmt.Println("listening", server.URL)
	_, _ = bufio.NewReader(os.Stdin).ReadByte() // until the benchmark ends
}

// served starts the simulator and returns its address.
func served(b *testing.B) string {
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestServeWeCom$", "-test.v")
	cmd.Env = append(os.Environ(), serveWeCom+"=1")
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
			go func() { _, _ = bufio.NewReader(out).WriteTo(bytes.NewBuffer(nil)) }()
			return url
		}
	}
	b.Fatal("the simulator does not begin")
	return ""
}

// plain is a crowd of whom a file can carry everything.
type plain struct{ crowd }

func (p plain) ReadPage(ctx context.Context, q connectors.Query, cursor string) (connectors.Page, error) {
	page, err := p.crowd.ReadPage(ctx, q, cursor)
	for i, row := range page.Rows {
		page.Rows[i] = bytes.Replace(row, []byte(`"gender":1,`), nil, 1)
	}
	return page, err
}

// New members to WeCom by import jobs and by single calls: seconds of the
// sending, MB on the heap at most while it goes on, and calls.
func BenchmarkImport(b *testing.B) {
	for _, way := range []struct {
		name  string
		above int
	}{{"jobs", 1000}, {"calls", 0}} {
		for _, n := range []int{10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", way.name, n), func(b *testing.B) {
				for b.Loop() {
					importMembers(b, n, way.above)
				}
			})
		}
	}
}

func importMembers(b *testing.B, n, above int) {
	w := newWeCom(b).importing(above)
	set := wcsim.DefaultSettings()
	cfg := wecom.Config{BaseURL: served(b), CorpID: set.CorpID, CorpSecret: set.Secrets[0].Secret, QPS: new(float64(0))}
	client, err := wecom.New(cfg, wecom.Options{Transport: http.DefaultTransport})
	if err != nil {
		b.Fatal(err)
	}
	w.sync.Connectors = registry("we_com", always(client), plain{crowd{n, "工程师"}})
	run, planned := w.planned(w.job(""))
	runtime.GC()
	runtime.GC()
	calls := client.Stats().Calls
	for _, wave := range planned.Waves {
		began := time.Now()
		peak := peakOf(func() {
			for from := wave.From; from <= wave.To; {
				size := max(wave.Import, 64)
				page := wave
				page.From, page.To = from, min(from+size-1, wave.To)
				if _, err := w.apply(task{}, run, page); err != nil {
					b.Fatal(err)
				}
				from = page.To + 1
			}
		})
		if wave.Phase == "person_insert" {
			reportPeak(b, peak, "MB")
			b.ReportMetric(time.Since(began).Seconds(), "s")
			b.ReportMetric(float64(client.Stats().Calls-calls), "calls")
		}
		calls = client.Stats().Calls
	}
	if s := w.finish(FinishParams{RunID: run}); s.Status != orgflow.StatusCompleted {
		b.Fatalf("%s %+v", s.Status, s.Applied)
	}
}
