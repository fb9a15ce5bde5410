package activities

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/wecom"
	wcsim "orgflow/connectors/wecom/sim"
	"orgflow/internal/store"
)

// weCom is a world whose consumer is the WeCom connector, talking to its
// simulator over HTTP.
type weCom struct {
	*world
	sim *wcsim.Sim
	url string
}

const weComCompany = `{
  "company_id": 7, "name": "测试公司", "time_zone": "Asia/Shanghai",
  "source": {"type": "hcm", "base_url": "http://127.0.0.1:1/hcm", "auth": {"mode": "bearer", "token": "t"}, "page_size": 500},
  "consumers": {"we_com": {"base_url": "http://127.0.0.1:1/w", "corpid": "c", "corpsecret": "s", "root_department_id": 1, "qps": 0}}
}`

func newWeCom(t testing.TB) *weCom { return newWeComOn(t, freshDatabase(t), nil) }

// newWeComOn opens a database and an enterprise that holds state.
func newWeComOn(t testing.TB, path string, state json.RawMessage) *weCom {
	t.Helper()
	w := &weCom{world: openWorld(t, "sqlite://"+path)}
	w.sim = wcsim.New(wcsim.Options{Now: w.now})
	if state != nil {
		if err := w.sim.PutState(state); err != nil {
			t.Fatal(err)
		}
	}
	w.write("company.json", weComCompany)
	server := httptest.NewServer(w.sim)
	t.Cleanup(server.Close)
	w.url = server.URL
	if err := w.sim.SetOptions(json.RawMessage(`{"per_minute": 0, "per_hour": 0}`)); err != nil {
		t.Fatal(err)
	}
	w.sync = w.process(w.db, http.DefaultTransport)
	return w
}

// process is a worker that just started.
func (w *weCom) process(db Store, wire http.RoundTripper) *Sync {
	w.t.Helper()
	set := wcsim.DefaultSettings()
	cfg := wecom.Config{BaseURL: w.url, CorpID: set.CorpID, CorpSecret: set.Secrets[0].Secret, QPS: new(float64(0))}
	client, err := wecom.New(cfg, wecom.Options{Transport: wire})
	if err != nil {
		w.t.Fatal(err)
	}
	s := w.worker(db, nil)
	s.Connectors = connectors.NewRegistry(
		map[string]connectors.ConsumerFactory{"we_com": func(connectors.Settings) (connectors.Consumer, error) { return client, nil }},
		map[string]connectors.SourceFactory{"hcm": func(connectors.Settings) (connectors.Source, error) { return w.source, nil }},
	)
	return s
}

func weComJob(params string) json.RawMessage {
	return json.RawMessage(strings.ReplaceAll(string(bothKinds(params)), "ding_talk", "we_com"))
}

// picture shows the simulated enterprise as the source would describe it:
// departments by their path, people by their number.
func (w *weCom) picture() map[string]string {
	state := w.sim.State().(wcsim.State)
	names := map[int64]string{1: ""}
	for range state.Departments { // parents come in any order
		for _, d := range state.Departments {
			if parent, known := names[d.ParentID]; known && d.ID != 1 {
				names[d.ID] = parent + "/" + d.Name
			}
		}
	}
	out := map[string]string{}
	for _, path := range names {
		out["org "+path] = "there"
	}
	for _, u := range state.Users {
		var places []string
		for i, dept := range u.Department {
			mark := ""
			if u.Leader[i] == 1 {
				mark = "*"
			}
			if dept == u.MainDepartment {
				mark += "!"
			}
			places = append(places, names[dept]+mark)
		}
		labels := ""
		if u.ExtAttr != nil {
			for _, a := range u.ExtAttr.Attrs {
				labels += a.Name + "=" + a.Text.Value
			}
		}
		out["person "+u.UserID] = fmt.Sprintf("%s %s %s in %s under %v, %s", u.Name, u.Mobile, u.Position, strings.Join(places, ","), u.DirectLeader, labels)
	}
	return out
}

// The connector needs nothing of planner or activities that others do not:
// a company is pushed, changed and pushed again, and a run without news
// writes nothing.
func TestACompanyIsPushedToWeCom(t *testing.T) {
	w := newWeCom(t)
	for i, rows := range []func() ([]org, []person){before, laterAtWeCom} {
		w.source.hold(rows())
		s := w.syncOnce(weComJob(""))
		if s.Status != orgflow.StatusCompleted {
			t.Fatalf("run %d ends %s: %+v %s", i, s.Status, s.Applied, w.troubles(s.ID))
		}
		w.sim.Desk().ClearRequests()
		again := w.syncOnce(weComJob(""))
		if n := w.sim.Desk().Requests().Writes; n != 0 || again.Progress.Total != 0 {
			t.Fatalf("the run after run %d writes %d times: %+v", i, n, again.Plan)
		}
	}
	if d := cmp.Diff(wantLater(), w.picture()); d != "" {
		t.Error(d)
	}
}

// laterAtWeCom is later() with a manager who stays in the department: WeCom
// lets only members lead.
func laterAtWeCom() ([]org, []person) {
	orgs, people := later()
	orgs[1].Manager = 1004
	return orgs, people
}

// wantLater is what later() looks like at WeCom.
func wantLater() map[string]string {
	orgs, people := laterAtWeCom()
	names, leads := map[int]string{10: ""}, map[int]int{}
	for range orgs {
		for _, o := range orgs {
			if parent, known := names[o.Parent]; known && o.ID != 10 {
				names[o.ID] = parent + "/" + o.Name
			}
		}
	}
	out := map[string]string{}
	for _, o := range orgs {
		out["org "+names[o.ID]], leads[o.Manager] = "there", o.ID
	}
	for _, p := range people {
		row := decodeRow(p)
		mark := "!"
		if leads[p.ID] == p.Dept && p.Dept != 0 {
			mark = "*!"
		}
		under := "[]"
		if p.Manager != 0 {
			under = fmt.Sprintf("[%s]", decodeRow(person{ID: p.Manager}).Number)
		}
		out["person "+row.Number] = fmt.Sprintf("%s %s %s in %s under %s, 工号=%s", row.Name, row.Mobile, p.Title, names[p.Dept]+mark, under, row.Number)
	}
	return out
}

type sourceRow struct{ Number, Name, Mobile string }

func decodeRow(p person) (r sourceRow) {
	if err := json.Unmarshal(p.row(), &r); err != nil {
		panic(err) // of rows made in these files
	}
	return r
}

// troubles lists what did not go well, for a failing test.
func (w *weCom) troubles(run string) string {
	var out strings.Builder
	page, _, err := w.db.ListChanges(w.t.Context(), run, store.ChangeFilter{Limit: 200})
	for _, c := range page {
		if c.State != orgflow.Done {
			fmt.Fprintf(&out, "\n%s %s %s: %s %v %v", c.Op, c.Kind, c.SourceID, c.State, c.Reason, c.Error)
		}
	}
	if err != nil {
		fmt.Fprint(&out, err)
	}
	return out.String()
}

// Where members' details may not be read, people and departments are kept in
// step all the same. Only leaders, whose flags have to be read before they
// are written, are left to a person.
func TestWeComThatShowsNoDetails(t *testing.T) {
	w := newWeCom(t)
	if err := w.sim.SetOptions(json.RawMessage(`{"details": "closed"}`)); err != nil {
		t.Fatal(err)
	}
	orgs, people := team(3)
	w.source.hold(orgs, people)
	if s := w.syncOnce(weComJob("")); s.Status != orgflow.StatusCompleted {
		t.Fatalf("the run ends %s: %s", s.Status, w.troubles(s.ID))
	}
	people[0].Dept, people[1].Title = 12, "主管"
	orgs[1].Name = "研发中心"
	w.source.hold(orgs, people[:2])
	if s := w.syncOnce(weComJob("")); s.Status != orgflow.StatusCompleted {
		t.Fatalf("the second run ends %s: %s", s.Status, w.troubles(s.ID))
	}
	orgs[1].Manager = 1002
	w.source.hold(orgs, people[:2])
	s := w.syncOnce(weComJob(""))
	if trouble := w.troubles(s.ID); s.Status != orgflow.StatusCompletedWithFailures || !strings.Contains(trouble, "update org 11: needs_human") {
		t.Errorf("the third run ends %s: %s", s.Status, trouble)
	}
	got := w.picture()
	want := map[string]string{
		"org ": "there", "org /研发中心": "there", "org /销售": "there",
		"person E1001": "员工1001 10000001001 工程师 in /销售! under [], 工号=E1001",
		"person E1002": "员工1002 10000001002 主管 in /研发中心! under [], 工号=E1002",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// mortalWire is a worker's connection to the vendor: it is cut before a
// request goes out, or once it is answered and the answer lost.
type mortalWire struct {
	*reaper
}

func (m mortalWire) RoundTrip(req *http.Request) (res *http.Response, err error) {
	err = m.step("call of "+req.URL.Path, func() (err error) { res, err = http.DefaultTransport.RoundTrip(req); return })
	if err != nil && res != nil {
		_ = res.Body.Close()
		res = nil
	}
	return res, err
}

// A worker may die between any two calls of one record, too: what it leaves
// behind is found, not done again.
func TestAWorkerMayBeKilledAtAnyCallOfWeCom(t *testing.T) {
	path := freshDatabase(t)
	first := newWeComOn(t, path, nil)
	first.source.hold(before())
	if s := first.syncOnce(weComJob("")); s.Status != orgflow.StatusCompleted {
		t.Fatalf("the first run ends %s: %s", s.Status, first.troubles(s.ID))
	}
	state := raw(first.sim.State())
	if err := first.db.Close(); err != nil {
		t.Fatal(err)
	}
	database, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin := func(t *testing.T, r *reaper) *weCom {
		path := filepath.Join(t.TempDir(), "orgflow.db")
		if err := os.WriteFile(path, database, 0o600); err != nil {
			t.Fatal(err)
		}
		w := newWeComOn(t, path, state)
		w.number, w.at = first.number, first.at
		w.source.hold(laterAtWeCom())
		r.count = map[string]int{}
		w.revive = func() *Sync { return w.process(mortal{w.db, r}, mortalWire{r}) }
		w.sync = w.revive()
		return w
	}
	calm := &reaper{}
	w := begin(t, calm)
	if s := w.survive(calm, weComJob(""), true); s.Status != orgflow.StatusCompleted {
		t.Fatalf("the undisturbed run ends %s: %s", s.Status, w.troubles(s.ID))
	}
	for i, point := range slices.DeleteFunc(slices.Clone(calm.seen), func(p string) bool { return !strings.HasPrefix(p, "call of") }) {
		for _, after := range []bool{false, true} {
			if i%killEvery != 0 {
				continue
			}
			t.Run(map[bool]string{false: "before ", true: "after "}[after]+point, func(t *testing.T) {
				t.Parallel()
				r := &reaper{at: point, after: after}
				w := begin(t, r)
				s := w.survive(r, weComJob(""), true)
				if r.at != "" {
					t.Fatal("nobody was killed")
				}
				if d := cmp.Diff(wantLater(), w.picture()); d != "" || s.Status != orgflow.StatusCompleted {
					t.Errorf("the run ends %s: %s %s", s.Status, w.troubles(s.ID), d)
				}
				w.sim.Desk().ClearRequests()
				if again := w.syncOnce(weComJob("")); again.Progress.Total != 0 || w.sim.Desk().Requests().Writes != 0 {
					t.Errorf("the run after it wants %d changes", again.Progress.Total)
				}
			})
		}
	}
}
