package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	_ "github.com/lib/pq" // the lanes' database
	"go.temporal.io/sdk/client"

	dtsim "orgflow/connectors/dingtalk/sim"
	hcmsim "orgflow/connectors/hcm/sim"
	"orgflow/connectors/simctl"
	"orgflow/internal/testpg"
)

// site is what all lanes share: one Temporal, one PostgreSQL.
type site struct {
	temporal    client.Client
	addr        string // Temporal's
	databaseURL string
	db          *sql.DB
}

// newSite starts them and applies the schema.
func newSite(t *testing.T) *site {
	t.Helper()
	host := newWorld(t)
	host.serve()
	s := &site{temporal: host.temporalClient(), addr: host.temporal, databaseURL: testpg.URL(t)}
	db, err := sql.Open("postgres", s.databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s.db = db
	if got := run(t, append(host.environment(), "ORGFLOW_DATABASE_URL="+s.databaseURL), "starter", "migrate"); got.code != 0 {
		t.Fatalf("starter migrate ended with %d: %s", got.code, got.err)
	}
	return s
}

// plant is one company at a site: its vendors, in this process, and its task
// queue.
type plant struct {
	*world
	site *site
	id   int // company
	sim  *dtsim.Sim
	runs int
}

// newPlant starts the vendors, behind a handler where one is given.
func newPlant(t *testing.T, s *site, id int, qps float64, front func(http.Handler) http.Handler) *plant {
	t.Helper()
	p := &plant{world: newWorld(t), site: s, id: id, sim: dtsim.New(dtsim.Options{})}
	var handler http.Handler = simctl.NewHost(p.sim, hcmsim.New(hcmsim.Options{}))
	if front != nil {
		handler = front(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.CloseClientConnections)
	p.sims, p.temporal = server.Listener.Addr().String(), s.addr
	p.company(id, func(_, ding object) { ding["qps"] = qps })
	p.unlimited()
	p.env["HCM_TOKEN"], p.env["DINGTALK_APPKEY"], p.env["DINGTALK_APPSECRET"] = hcmToken, appKey, appSecret
	p.env["ORGFLOW_DATABASE_URL"], p.env["ORGFLOW_TEMPORAL_TASK_QUEUE"] = s.databaseURL, p.queue()
	return p
}

func (p *plant) queue() string { return fmt.Sprintf("orgflow-e2e-%d", p.id) }

// workflowID is the current run's.
func (p *plant) workflowID() string { return fmt.Sprintf("e2e-%d-%d", p.id, p.runs) }

// plantJob syncs everything; no delete is parked.
const plantJob = `{"services": ["org_new", "person_new"], "consumer": "ding_talk", "company_id": %d, "params": {"delete_limit": {"percent": 100, "count": 100000}}}`

// begin starts a run.
func (p *plant) begin(ctx context.Context) client.WorkflowRun {
	p.t.Helper()
	p.runs++
	run, err := p.site.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: p.workflowID(), TaskQueue: p.queue()},
		"SyncRun", json.RawMessage(fmt.Sprintf(plantJob, p.id)))
	if err != nil {
		p.t.Fatalf("start the run: %v", err)
	}
	return run
}

// lane is a company whose worker process is killed and replaced, while its
// source goes to and fro between two shapes.
type lane struct {
	*plant
	gate  *gate
	dir   string
	now   *process         // the worker
	shape orgShape         // what the source holds
	known map[int64]string // dept_id → source id, of the run, those deleted included
}

// newLane starts the lane's vendors and worker and brings the organisation
// to its first shape.
func newLane(t *testing.T, s *site, id int) *lane {
	t.Helper()
	l := &lane{dir: t.TempDir()}
	l.gate = &gate{sources: l.sources}
	l.plant = newPlant(t, s, id, 0, func(vendor http.Handler) http.Handler { l.gate.vendor = vendor; return l.gate })
	l.spawn()
	t.Cleanup(func() {
		l.now.kill()
		if t.Failed() {
			t.Logf("the last worker wrote:\n%s", tail(l.now.err.String()))
		}
	})
	l.shape = shapeB // so that the first turn is to A
	l.turn(nil, "")
	return l
}

// spawn starts a worker in place of the last.
func (l *lane) spawn() {
	p, err := launch(l.dir, l.environment(), "worker")
	if err != nil {
		l.t.Fatalf("start a worker: %v", err)
	}
	l.now = p
}

// sources tells which department is which, as the vendor has it now.
func (l *lane) sources() map[int64]string {
	ids := map[int64]string{}
	for _, d := range l.sim.State().(dtsim.State).Departments {
		ids[d.ID] = sourceID(d.SourceIdentifier)
	}
	return ids
}

// turn gives the source its other shape and runs a sync, whose worker is
// killed at the point, if any. It returns what came of it.
func (l *lane) turn(at *operation, m moment) observed {
	l.t.Helper()
	l.shape = l.shape.other()
	l.load(l.shape.rows(l.t))
	l.forget()
	// Deletes count for seven days against the limit: let a week go by.
	l.exec(`UPDATE provisioning_log SET at = at - interval '8 days' WHERE company_id = $1`, l.id)
	l.known = l.sources()
	trap := l.gate.arm(at, m)
	began := time.Now()
	ctx, cancel := context.WithTimeout(l.t.Context(), 4*time.Minute)
	defer cancel()
	run := l.begin(ctx)
	if trap != nil {
		l.kill(ctx, trap)
	}
	var s summary
	if err := run.Get(ctx, &s); err != nil {
		l.t.Fatalf("the run: %v\n%s", err, tail(l.now.err.String()))
	}
	return l.observe(s, time.Since(began))
}

// kill waits for the moment, kills the worker and starts another one.
func (l *lane) kill(ctx context.Context, t *trap) {
	l.t.Helper()
	select {
	case <-t.sprung:
	case <-ctx.Done():
		l.t.Fatalf("the write %s never came", t.at)
	}
	if t.moment == recorded {
		l.awaitRecord(t.at)
	}
	l.now.kill()
	close(t.dead)
	l.spawn()
}

// awaitRecord waits until the database knows an operation's outcome.
func (l *lane) awaitRecord(op operation) {
	l.t.Helper()
	const query = `SELECT count(*) FROM provisioning_log l JOIN sync_run r ON r.id = l.run_id
		WHERE l.company_id = $1 AND r.workflow_id = $2 AND l.kind || ':' || l.source_id = $3 AND l.op = $4`
	eventually(l.t, 20*time.Second, 5*time.Millisecond, "the record of "+op.String(), func() error {
		var n int
		err := l.site.db.QueryRow(query, l.id, l.workflowID(), recordOf(op), opOf(op.Path)).Scan(&n)
		if err == nil && n < op.Nth {
			err = errNotYet
		}
		return err
	})
}

// recordOf is the record an operation is about, by source id: people's
// userid is their number, E and the id.
func recordOf(op operation) string {
	if id, ok := strings.CutPrefix(op.Key, "person:E"); ok {
		return "person:" + id
	}
	return op.Key
}

// opOf is what a path does to its record.
func opOf(path string) string {
	switch path[strings.LastIndexByte(path, '/')+1:] {
	case "create":
		return "insert"
	case "update":
		return "update"
	}
	return "delete"
}

func (l *lane) exec(query string, args ...any) {
	l.t.Helper()
	if _, err := l.site.db.ExecContext(l.t.Context(), query, args...); err != nil {
		l.t.Fatal(err)
	}
}
