package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"orgflow/internal/testpg"
)

// The way it runs in production: Temporal elsewhere, PostgreSQL, two workers
// that may come and go, and the API in a process of its own.
func TestSeparateProcesses(t *testing.T) {
	t.Parallel()
	const rate = 60
	host := newWorld(t) // Temporal and nothing else that matters
	w := newWorld(t)
	w.temporal = host.temporal
	w.company(129, func(_, ding object) { ding["qps"] = rate })
	w.vendors()
	w.unlimited()
	w.load(demo(t))
	host.serve()

	w.env["ORGFLOW_DATABASE_URL"] = testpg.URL(t)
	traces := w.traced()
	w.env["ORGFLOW_TEMPORAL_TASK_QUEUE"] = "orgflow-e2e"
	if got := run(t, w.environment(), "worker"); got.code != 1 || len(lines(got.err)) > 2 {
		t.Errorf("a worker on an empty database: %d %s", got.code, got.err)
	}
	for _, what := range []string{"first", "second"} {
		if got := run(t, w.environment(), "starter", "migrate"); got.code != 0 {
			t.Fatalf("the %s starter migrate ended with %d: %s", what, got.code, got.err)
		}
	}
	api := start(t, w.environment(), "starter", "serve")
	one, two := w.worker(), w.worker()
	w.up(api)
	for _, url := range []string{"http://" + w.http, one.metrics, two.metrics} {
		healthy(t, url)
	}
	w.asked(one, 0)

	id := w.begin(demoJob)
	n := w.reached(points[1])
	began := time.Now()
	one.signal(syscall.SIGTERM)
	if code := one.exit(40 * time.Second); code != 0 {
		t.Errorf("the worker ended with %d", code)
	}
	t.Logf("one worker stopped at %d people, ended after %s", n, time.Since(began).Round(100*time.Millisecond))
	s := w.await(id, 2*time.Minute)
	w.completed(s)
	w.inStep()
	r := w.requests("dingtalk")
	createdOnce(t, r)
	if s.Applied["person"]["insert"].Done != 300 {
		t.Errorf("applied %+v", s.Applied)
	}
	// The budget is the consumer's, not each worker's. Where other tests keep
	// the machine busy, a call may be seen late and meet one more than it
	// should; TestTheRateBudgetOverWorkers runs alone and allows none.
	t.Logf("at most %d calls in a second, %d are configured", r.MaxRate, rate)
	if r.MaxRate > rate+1 {
		t.Errorf("%d calls in one second, %d are configured", r.MaxRate, rate)
	}

	two.signal(syscall.SIGTERM)
	api.signal(syscall.SIGTERM)
	if a, b := two.exit(40*time.Second), api.exit(40*time.Second); a != 0 || b != 0 {
		t.Errorf("worker and server ended with %d and %d", a, b)
	}
	w.asked(two, 1)
	oneTrace(t, traces.spans())
}

type workerProcess struct {
	*process
	metrics string // URL
}

// worker starts a worker and waits until it is healthy.
func (w *world) worker() workerProcess {
	w.t.Helper()
	addr := freeAddr(w.t)
	p := workerProcess{start(w.t, w.environment("ORGFLOW_METRICS_ADDR="+addr), "worker"), "http://" + addr}
	eventually(w.t, 30*time.Second, 50*time.Millisecond, "the worker", func() error {
		if p.ended() {
			w.t.Fatalf("the worker ended:\n%s", p.err.String())
		}
		status, body, err := call("GET", p.metrics+"/healthz", "")
		if err != nil || status != 200 {
			return fmt.Errorf("%d %s %v", status, body, err)
		}
		return nil
	})
	return p
}

// asked wants those to end with a code that containers have ask a worker and
// the server how they are.
func (w *world) asked(worker workerProcess, want int) {
	w.t.Helper()
	env := w.environment("ORGFLOW_METRICS_ADDR=" + strings.TrimPrefix(worker.metrics, "http://"))
	for _, command := range [][]string{{"worker", "--health"}, {"starter", "health"}, {"starter", "health", "--ready"}} {
		if got := run(w.t, env, command[0], command[1:]...); got.code != want || got.out != "" || (got.err == "") != (want == 0) {
			w.t.Errorf("%v ended with %d, want %d: %s%s", command, got.code, want, got.out, got.err)
		}
	}
}

// healthy wants /healthz and /metrics of a process to answer.
func healthy(t *testing.T, url string) {
	t.Helper()
	for _, path := range []string{"/healthz", "/metrics"} {
		if status, body, err := call("GET", url+path, ""); err != nil || status != 200 || body == "" {
			t.Errorf("%s%s answered %d %v", url, path, status, err)
		}
	}
}
