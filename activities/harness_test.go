package activities

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
	"orgflow/internal/testpg"
	"orgflow/meta"
)

func TestMain(m *testing.M) { testpg.Main(m) }

// company is a tenant that only these tests have.
const company = 7

const companyJSON = `{
  "company_id": 7, "name": "测试公司", "time_zone": "Asia/Shanghai",
  "source": {"type": "hcm", "base_url": "http://127.0.0.1:1/hcm", "auth": {"mode": "bearer", "token": "t"}, "page_size": 500},
  "consumers": {"ding_talk": {"base_url": "http://127.0.0.1:1/d", "api_base_url": "http://127.0.0.1:1/d", "api": "v2",
    "appkey": "k", "appsecret": "s", "root_department_id": 1, "qps": 18}}
}`

// world is everything a sync run meets: a real database, real meta files, a
// source and a remote directory that can be told to misbehave, and a clock
// that nobody waits for.
type world struct {
	t       testing.TB
	db      *store.Store
	overlay string
	files   *meta.Store
	remote  *directory
	source  *gateway
	sync    *Sync
	url     string          // of the database
	revive  func() *Sync    // the worker after one that was killed
	alive   map[string]bool // workflow id → still running

	mu     sync.Mutex
	at     time.Time
	slept  []time.Duration
	beats  map[string]any // last heartbeat by activity
	number int            // of runs
}

// newWorld opens a fresh SQLite file.
func newWorld(t testing.TB) *world {
	t.Helper()
	return openWorld(t, freshDatabase(t))
}

// eachDatabase runs a test on SQLite and on PostgreSQL.
func eachDatabase(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newWorld(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, openWorld(t, testpg.URL(t))) })
}

func openWorld(t testing.TB, url string) *world {
	t.Helper()
	w := &world{
		t: t, url: url, overlay: t.TempDir(), remote: newDirectory(), source: newGateway(),
		alive: map[string]bool{}, beats: map[string]any{},
		at: time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC),
	}
	w.write("company.json", companyJSON)
	var err error
	if w.files, err = meta.Open(w.overlay, nil); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(context.Background(), url, store.Options{Now: w.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if !strings.HasPrefix(url, "sqlite:") { // those come migrated
		if err := db.Migrate(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	w.db = db
	w.sync = w.worker(db, w.remote)
	return w
}

// write puts a file into the company's own folder.
func (w *world) write(name, content string) {
	w.t.Helper()
	dir := filepath.Join(w.overlay, "companies", "7")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// worker is a process that just started: it shares the database and the
// remote systems with others, and nothing else.
func (w *world) worker(db Store, consumer connectors.Consumer) *Sync {
	return &Sync{
		Store: db, Files: w.files, Now: w.now, Sleep: w.sleep, Executions: executions(w.alive),
		Connectors: registry("ding_talk", always(consumer), w.source),
	}
}

// registry knows one consumer and one source.
func registry(code string, consumer connectors.ConsumerFactory, source connectors.Source) *connectors.Registry {
	return connectors.NewRegistry(
		map[string]connectors.ConsumerFactory{code: consumer},
		map[string]connectors.SourceFactory{"hcm": func(connectors.Settings) (connectors.Source, error) { return source, nil }},
	)
}

func always(c connectors.Consumer) connectors.ConsumerFactory {
	return func(connectors.Settings) (connectors.Consumer, error) { return c, nil }
}

// now moves by a millisecond with every look, so that order in time is certain.
func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(time.Millisecond)
	return w.at
}

// sleep notes how long somebody wanted to wait.
func (w *world) sleep(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	w.slept = append(w.slept, d)
	w.mu.Unlock()
	return ctx.Err()
}

// wait is a sleep that makes the time pass.
func (w *world) wait(ctx context.Context, d time.Duration) error {
	w.pass(d)
	return w.sleep(ctx, d)
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

// executions are the workflows that still run, by workflow id.
type executions map[string]bool

func (e executions) Running(_ context.Context, workflowID, _ string) (bool, error) {
	return e[workflowID], nil
}

// Supersede ends a waiting run's workflow, which would then say so itself.
func (e executions) Supersede(_ context.Context, workflowID, by string) (bool, error) {
	alive := e[workflowID]
	delete(e, workflowID)
	e["superseded "+workflowID+" by "+by] = true
	return alive, nil
}

// task is one attempt of an activity as Temporal hands it out.
type task struct {
	attempt   int32
	ctx       context.Context // of the worker; cancelled like an activity's
	stopping  chan struct{}   // the worker's stop channel
	heartbeat any             // details of the last attempt
}

// perform runs one attempt of an activity in Temporal's test environment.
func (w *world) perform(k task, name string, params, result any) error {
	w.t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{
		BackgroundActivityContext: k.ctx,
		Interceptors:              []interceptor.WorkerInterceptor{&observer{w: w, attempt: max(k.attempt, 1)}},
	})
	w.sync.Register(env)
	if k.stopping != nil {
		env.SetWorkerStopChannel(k.stopping)
	}
	if k.heartbeat != nil {
		env.SetHeartbeatDetails(k.heartbeat)
	}
	value, err := env.ExecuteActivity(name, params)
	if err == nil && result != nil {
		return value.Get(result)
	}
	return err
}

// observer gives an activity its attempt number and notes its heartbeats,
// which Temporal's test environment cannot.
type observer struct {
	interceptor.WorkerInterceptorBase
	w       *world
	attempt int32
}

func (o *observer) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &observedInbound{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next}, o: o}
}

type observedInbound struct {
	interceptor.ActivityInboundInterceptorBase
	o *observer
}

func (i *observedInbound) Init(out interceptor.ActivityOutboundInterceptor) error {
	return i.Next.Init(&observedOutbound{ActivityOutboundInterceptorBase: interceptor.ActivityOutboundInterceptorBase{Next: out}, o: i.o})
}

type observedOutbound struct {
	interceptor.ActivityOutboundInterceptorBase
	o *observer
}

func (out *observedOutbound) GetInfo(ctx context.Context) activity.Info {
	info := out.Next.GetInfo(ctx)
	info.Attempt = out.o.attempt
	return info
}

func (out *observedOutbound) RecordHeartbeat(ctx context.Context, details ...any) {
	if len(details) > 0 {
		// Temporal keeps the encoded details: what changes later is not seen.
		if raw, err := json.Marshal(details[0]); err == nil {
			out.o.w.mu.Lock()
			out.o.w.beats[out.Next.GetInfo(ctx).ActivityType.Name] = json.RawMessage(raw)
			out.o.w.mu.Unlock()
		}
	}
	out.Next.RecordHeartbeat(ctx, details...)
}

var target = orgflow.Target{CompanyID: company, Consumer: "ding_talk"}
