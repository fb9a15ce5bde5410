package activities_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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
	"orgflow/activities"
	"orgflow/connectors"
	"orgflow/connectors/dingtalk"
	dtsim "orgflow/connectors/dingtalk/sim"
	"orgflow/connectors/wecom"
	wcsim "orgflow/connectors/wecom/sim"
	"orgflow/internal/store"
	"orgflow/meta"
)

// here is the organisation that is pulled in these tests.
var here = orgflow.Target{CompanyID: 9, Consumer: "ding_talk"}

// office is a company whose organisation stands at a simulator, and the
// workers that pull it.
type office struct {
	t     *testing.T
	sim   *dtsim.Sim
	wsim  *wcsim.Sim
	db    *store.Store
	files *meta.Store
	// company is the file of the company's settings.
	company string
	alive   map[string]bool // workflow id → still running

	mu   sync.Mutex
	at   time.Time
	told []string // superseded workflows
	runs int
	// onCall is called before each call at DingTalk; an error is what the wire
	// answers instead.
	onCall func(path string) error
}

func newOffice(t *testing.T) *office {
	t.Helper()
	w := &office{
		t: t, sim: dtsim.New(dtsim.Options{}), wsim: wcsim.New(wcsim.Options{}), alive: map[string]bool{},
		at: time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC),
	}
	w.must(w.sim.SetOptions(json.RawMessage(`{"qps": 0}`)))
	ding, wecom := httptest.NewServer(w.sim), httptest.NewServer(w.wsim)
	t.Cleanup(ding.Close)
	t.Cleanup(wecom.Close)
	dir := t.TempDir()
	w.must(os.MkdirAll(filepath.Join(dir, "companies/9"), 0o700))
	w.company = filepath.Join(dir, "companies/9/company.json")
	w.must(os.WriteFile(w.company, fmt.Appendf(nil, `{
		"company_id": 9, "name": "测试公司",
		"consumers": {
			"ding_talk": {"base_url": %q, "api_base_url": %q, "appkey": "dingsim-app", "appsecret": "dingsim-secret", "root_department_id": 1, "qps": 100},
			"we_com": {"base_url": %q, "corpid": "wwsim0000000000001", "corpsecret": "wecomsim-contacts", "root_department_id": 1, "qps": 100}}}`,
		ding.URL, ding.URL, wecom.URL), 0o600))
	var err error
	w.files, err = meta.Open(dir, nil)
	w.must(err)
	w.db, err = store.Open(context.Background(), "sqlite://"+filepath.Join(t.TempDir(), "orgflow.db"), store.Options{Now: w.now})
	w.must(err)
	t.Cleanup(func() { w.must(w.db.Close()) })
	w.must(w.db.Migrate(context.Background()))
	return w
}

func (w *office) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *office) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(time.Second)
	return w.at
}

func (w *office) Running(_ context.Context, workflowID, _ string) (bool, error) {
	return w.alive[workflowID], nil
}

func (w *office) Supersede(_ context.Context, workflowID, _ string) (bool, error) {
	w.told = append(w.told, workflowID)
	return w.alive[workflowID], nil
}

// RoundTrip is the wire to DingTalk.
func (w *office) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.onCall != nil {
		if err := w.onCall(r.URL.Path); err != nil {
			return nil, err
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

// worker is a process of its own: its connectors know no token yet.
func (w *office) worker(db activities.OrgStore) *activities.Org {
	registry := connectors.NewRegistry(map[string]connectors.ConsumerFactory{
		"ding_talk": func(s connectors.Settings) (connectors.Consumer, error) {
			var cfg dingtalk.Config
			if err := json.Unmarshal(s.JSON, &cfg); err != nil {
				return nil, err
			}
			cfg.QPS = new(float64(0))
			return dingtalk.New(cfg, dingtalk.Options{Transport: w})
		},
		"we_com": func(s connectors.Settings) (connectors.Consumer, error) {
			cfg, err := wecom.ParseConfig(s.JSON)
			if err != nil {
				return nil, err
			}
			cfg.QPS = new(float64(0))
			return wecom.New(cfg, wecom.Options{})
		},
	}, nil)
	return &activities.Org{
		Store: db, Files: w.files, Connectors: registry, Executions: w, Now: w.now,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

// do runs one activity as Temporal would.
func do[P, R any](ctx context.Context, activity func(context.Context, P) (R, error), p P) (R, error) {
	return doUntil(ctx, nil, activity, p)
}

// doUntil is do in a worker that begins to stop with the channel.
func doUntil[P, R any](ctx context.Context, stopping chan struct{}, activity func(context.Context, P) (R, error), p P) (R, error) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{
		BackgroundActivityContext: ctx,
		Interceptors:              []interceptor.WorkerInterceptor{&attempts{}},
	})
	env.SetWorkerStopChannel(stopping)
	env.RegisterActivity(activity)
	var out R
	value, err := env.ExecuteActivity(activity, p)
	if err == nil {
		err = value.Get(&out)
	}
	return out, err
}

// pull is the workflow in plain Go, without its waiting.
func (w *office) pull(input string) orgflow.PullSummary {
	w.t.Helper()
	return w.pullWith(w.worker(w.db), input)
}

func (w *office) pullWith(org *activities.Org, input string) orgflow.PullSummary {
	w.t.Helper()
	id := w.prepare(org, input)
	w.must(w.read(context.Background(), org, id))
	merged, err := do(context.Background(), org.MergePull, activities.PullParams{PullID: id})
	w.must(err)
	if merged.Summary.ParkedRemovals > 0 {
		w.must(org.ParkPull(context.Background(), activities.PullParams{PullID: id}))
		pull, err := w.db.GetPull(context.Background(), id)
		w.must(err)
		pull.Summary.Notes = merged.Notes
		return pull.Summary
	}
	return w.finish(org, id, merged.Notes)
}

func (w *office) prepare(org *activities.Org, input string) string {
	w.t.Helper()
	w.runs++
	id := fmt.Sprintf("pull-%d", w.runs)
	share, err := do(context.Background(), org.PreparePull, activities.PullStart{
		Input: json.RawMessage(input), WorkflowID: id, FirstRunID: "first-" + id,
	})
	w.must(err)
	w.alive[id] = true
	return share.Summary.ID
}

func (w *office) read(ctx context.Context, org *activities.Org, id string) error {
	for {
		share, err := do(ctx, org.ReadOrganisation, activities.PullParams{PullID: id})
		if err != nil || share.Done {
			return err
		}
	}
}

func (w *office) finish(org *activities.Org, id string, notes []string) orgflow.PullSummary {
	w.t.Helper()
	s, err := do(context.Background(), org.FinishPull, activities.PullEnd{PullID: id, Notes: notes})
	w.must(err)
	delete(w.alive, id)
	return s
}

const ask = `{"company_id": 9}`

// dept and person are state of the simulator.
func dept(id, parent int64, name string, managers ...string) dtsim.Department {
	return dtsim.Department{ID: id, ParentID: parent, Name: name, Managers: managers, SourceIdentifier: fmt.Sprintf("other-%d", id)}
}

func person(n int, depts ...int64) dtsim.StateUser {
	return dtsim.StateUser{User: dtsim.User{
		UserID: "E" + strconv.Itoa(n), Name: "员工" + strconv.Itoa(n), Mobile: fmt.Sprintf("100%08d", n),
		JobNumber: "N" + strconv.Itoa(n), Title: "工程师", DeptIDs: depts, Active: n%2 == 0,
	}}
}

// holds makes DingTalk hold an organisation.
func (w *office) holds(depts []dtsim.Department, people []dtsim.StateUser) {
	w.t.Helper()
	depts = append([]dtsim.Department{{ID: 1, Name: "示例公司", Order: 1}}, depts...)
	raw, err := json.Marshal(dtsim.State{Departments: depts, Users: people})
	w.must(err)
	w.must(w.sim.PutState(raw))
	w.sim.Desk().ClearRequests()
}

// small is an organisation of four departments and five people.
func (w *office) small() ([]dtsim.Department, []dtsim.StateUser) {
	depts := []dtsim.Department{dept(10, 1, "研发部", "E1"), dept(20, 1, "销售部"), dept(11, 10, "平台组")}
	people := []dtsim.StateUser{person(1, 10), person(2, 11, 20), person(3, 20), person(4, 1), person(5, 11)}
	return depts, people
}

// picture is a tree as a person would compare it.
func picture(t orgflow.OrgTree) []string {
	var out []string
	for _, u := range t.Units {
		out = append(out, fmt.Sprintf("dept %s %s below %s", u.RemoteID, u.Name, u.ParentRemoteID))
	}
	for _, m := range t.Members {
		line := fmt.Sprintf("person %s %s %s %s %v reports to %q", m.UserID, m.Name, m.JobNumber, m.Mobile, m.Active, m.Supervisor)
		var in []string
		for _, s := range t.Seats {
			if s.UserID == m.UserID {
				in = append(in, fmt.Sprintf(" in %s leader %v main %v", s.UnitRemoteID, s.Leader, s.Main))
			}
		}
		slices.Sort(in)
		out = append(out, line+strings.Join(in, ""))
	}
	slices.Sort(out)
	return out
}

// truth is the picture of what DingTalk holds.
func (w *office) truth() []string {
	state := w.sim.State().(dtsim.State)
	var t orgflow.OrgTree
	for _, d := range state.Departments {
		parent := ""
		if d.ID != 1 {
			parent = strconv.FormatInt(d.ParentID, 10)
		}
		t.Units = append(t.Units, orgflow.OrgUnit{RemoteID: strconv.FormatInt(d.ID, 10), ParentRemoteID: parent, Name: d.Name})
	}
	for _, u := range state.Users {
		t.Members = append(t.Members, orgflow.OrgMember{UserID: u.UserID, Name: u.Name, JobNumber: u.JobNumber, Mobile: u.Mobile, Active: u.Active})
		for i, id := range u.DeptIDs {
			t.Seats = append(t.Seats, orgflow.OrgSeat{UnitRemoteID: strconv.FormatInt(id, 10), UserID: u.UserID, Leader: u.Leader[i].Leader, Main: i == 0})
		}
	}
	return picture(t)
}

func (w *office) tree() orgflow.OrgTree {
	w.t.Helper()
	v, err := w.db.LatestVersion(context.Background(), here)
	w.must(err)
	t, err := w.db.OrgTree(context.Background(), here, v.Version)
	w.must(err)
	return t
}

// ids are orgflow's own, by the origin's.
func ids(t orgflow.OrgTree) map[string]int64 {
	out := map[string]int64{}
	for _, u := range t.Units {
		out["dept "+u.RemoteID] = u.ID
	}
	for _, m := range t.Members {
		out["person "+m.UserID] = m.ID
	}
	return out
}

// asked counts the calls at DingTalk by path.
func (w *office) asked(path string) (n int) {
	for _, count := range w.sim.Desk().Requests().Paths[path] {
		n += int(count)
	}
	return n
}

// readAttempt reads to the end as the n-th attempt of the activity.
func (w *office) readAttempt(org *activities.Org, id string, attempt int32) error {
	ctx := context.WithValue(context.Background(), attemptKey{}, attempt)
	return w.read(ctx, org, id)
}

type attemptKey struct{}

// attempts tells an activity its attempt, which the test environment cannot.
type attempts struct {
	interceptor.WorkerInterceptorBase
}

func (*attempts) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &attemptsIn{interceptor.ActivityInboundInterceptorBase{Next: next}}
}

type attemptsIn struct {
	interceptor.ActivityInboundInterceptorBase
}

func (i *attemptsIn) Init(out interceptor.ActivityOutboundInterceptor) error {
	return i.Next.Init(&attemptsOut{interceptor.ActivityOutboundInterceptorBase{Next: out}})
}

type attemptsOut struct {
	interceptor.ActivityOutboundInterceptorBase
}

func (o *attemptsOut) GetInfo(ctx context.Context) activity.Info {
	info := o.Next.GetInfo(ctx)
	if n, ok := ctx.Value(attemptKey{}).(int32); ok {
		info.Attempt = n
	}
	return info
}
