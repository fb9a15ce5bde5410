package activities

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/aiguanhuai"
	aghsim "orgflow/connectors/aiguanhuai/sim"
	"orgflow/connectors/simctl"
	"orgflow/internal/store"
)

// guanHuai is a world whose consumer is the 爱关怀 connector, talking to its
// simulator over HTTP.
type guanHuai struct {
	*world
	sim  *aghsim.Sim
	url  string
	push string                                    // the consumer's setting
	size int                                       // of a batch
	wire func(req *http.Request, body []byte) bool // whether refusing refuses
}

const guanHuaiCompany = `{
  "company_id": 7, "name": "测试公司", "time_zone": "Asia/Shanghai",
  "source": {"type": "hcm", "base_url": "http://127.0.0.1:1/hcm", "auth": {"mode": "bearer", "token": "t"}, "page_size": 500},
  "consumers": {"ai_guan_huai": {"base_url": "http://127.0.0.1:1/a", "corp_id": "aghsim-corp", "partner_id": "aghsim-partner", "push": "PUSH", "qps": 0}}
}`

// newGuanHuai opens a database and an enterprise that holds state.
func newGuanHuai(t testing.TB, push string) *guanHuai {
	return guanHuaiOn(t, "sqlite://"+freshDatabase(t), nil, push)
}

func guanHuaiOn(t testing.TB, url string, state json.RawMessage, push string) *guanHuai {
	t.Helper()
	w := &guanHuai{world: openWorld(t, url), sim: aghsim.New(aghsim.Options{}), push: push}
	if state != nil {
		if err := w.sim.PutState(state); err != nil {
			t.Fatal(err)
		}
	}
	w.write("company.json", strings.Replace(guanHuaiCompany, "PUSH", push, 1))
	server := httptest.NewServer(w.sim)
	t.Cleanup(server.Close)
	w.url = server.URL
	w.sync = w.process(w.db, http.DefaultTransport)
	return w
}

// process is a worker that just started.
func (w *guanHuai) process(db Store, wire http.RoundTripper) *Sync {
	w.t.Helper()
	cfg := aiguanhuai.Config{BaseURL: w.url, CorpID: "aghsim-corp", PartnerID: "aghsim-partner", Push: w.push, BatchSize: w.size, QPS: new(float64(0))}
	client, err := aiguanhuai.New(cfg, aiguanhuai.Options{Transport: wire})
	if err != nil {
		w.t.Fatal(err)
	}
	s := w.worker(db, nil)
	s.Connectors = connectors.NewRegistry(
		map[string]connectors.ConsumerFactory{"ai_guan_huai": func(connectors.Settings) (connectors.Consumer, error) { return client, nil }},
		map[string]connectors.SourceFactory{"hcm": func(connectors.Settings) (connectors.Source, error) { return w.source, nil }},
	)
	return s
}

func guanHuaiJob(params string) json.RawMessage {
	return json.RawMessage(strings.ReplaceAll(string(bothKinds(params)), "ding_talk", "ai_guan_huai"))
}

// picture shows the simulated enterprise: who is active, and where.
func (w *guanHuai) picture() map[string]string {
	state := w.sim.State().(aghsim.State)
	out := map[string]string{}
	for _, d := range state.Departments {
		if d.Status == 1 {
			out["org "+d.ID] = d.Name + " in " + d.ParentID
		}
	}
	for _, p := range state.Persons {
		if p.Status == 1 {
			out["person "+p.UserID] = fmt.Sprintf("%s %s %s in %v", p.RealName, p.Mobile, p.Position, p.Departments)
		}
	}
	return out
}

// wanted is what the source looks like at 爱关怀.
func wanted(orgs []org, people []person) map[string]string {
	out := map[string]string{}
	for _, o := range orgs {
		parent := fmt.Sprint(o.Parent)
		if o.Parent == 10 {
			parent = ""
		}
		if o.Parent != 0 {
			out[fmt.Sprintf("org %d", o.ID)] = o.Name + " in " + parent
		}
	}
	for _, p := range people {
		var row struct{ Number, Name, Mobile string }
		if err := json.Unmarshal(p.row(), &row); err != nil {
			panic(err) // of rows made in these files
		}
		out["person "+row.Number] = fmt.Sprintf("%s %s %s in [%d]", row.Name, row.Mobile, p.Title, p.Dept)
	}
	return out
}

// troubles lists what did not go well, for a failing test.
func (w *guanHuai) troubles(run string) string {
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

func (w *guanHuai) options(raw string) {
	w.t.Helper()
	if err := w.sim.SetOptions(json.RawMessage(raw)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *guanHuai) fault(raw string) {
	w.t.Helper()
	faults, err := simctl.DecodeFaults([]byte(raw))
	if err == nil {
		err = w.sim.Desk().AddFaults(faults...)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// calls counts what arrived at a path.
func (w *guanHuai) calls(path string) int {
	n := 0
	for _, count := range w.sim.Desk().Requests().Paths["/v3/oms/"+path] {
		n += int(count)
	}
	return n
}

// A company is updated, changed and updated again, and a run without news
// writes nothing. What an update leaves alone stays: records go whole.
func TestACompanyIsUpdatedAtAiGuanHuai(t *testing.T) {
	w := newGuanHuai(t, "incremental")
	for i, rows := range []func() ([]org, []person){before, later} {
		w.source.hold(rows())
		s := w.syncOnce(guanHuaiJob(""))
		if s.Status != orgflow.StatusCompleted {
			t.Fatalf("run %d ends %s: %+v %s", i, s.Status, s.Applied, w.troubles(s.ID))
		}
		if d := cmp.Diff(wanted(rows()), w.picture()); d != "" {
			t.Errorf("after run %d: %s", i, d)
		}
		w.sim.Desk().ClearRequests()
		again := w.syncOnce(guanHuaiJob(""))
		if n := w.sim.Desk().Requests().Total; n != 0 || again.Progress.Total != 0 {
			t.Fatalf("the run after run %d calls %d times: %+v", i, n, again.Plan)
		}
	}
	for _, p := range w.sim.State().(aghsim.State).Persons {
		if p.UserID == "E1008" && (p.Status != 11 || p.RealName != "员工1008") {
			t.Errorf("who left is held as %+v", p)
		}
	}
}

// One call carries a whole wave, and one bad record fails alone.
func TestOneBadRecordDoesNotSinkItsBatch(t *testing.T) {
	w := newGuanHuai(t, "incremental")
	w.source.hold(team(2001))
	w.options(`{"refuse": ["E1900"]}`)
	run, planned := w.planned(guanHuaiJob(""))
	if planned.PageSize != 2000 {
		t.Errorf("a page has %d changes", planned.PageSize)
	}
	s := w.rest(run, planned)
	if got := s.Applied[orgflow.Person][orgflow.Insert]; got.Done != 2000 || got.Failed != 1 || s.Status != orgflow.StatusCompletedWithFailures {
		t.Fatalf("%+v, %s", got, s.Status)
	}
	if c := w.changes(run)["person:1900"]; c.State != orgflow.Failed || c.Error == nil || c.Error.VendorCode != "200008" || c.Attempts != 1 {
		t.Errorf("%+v", c)
	}
	if n := w.calls("update"); n != s.Calls-w.sourceCalls() || n > 30 {
		t.Errorf("%d updates arrived, the run counts %d calls", n, s.Calls)
	}
	w.options(`{"refuse": []}`)
	if again := w.syncOnce(guanHuaiJob("")); again.Progress.Total != 1 || again.Status != orgflow.StatusCompleted {
		t.Errorf("the next run plans %+v and ends %s", again.Plan, again.Status)
	}
}

// sourceCalls is how many pages were read.
func (w *guanHuai) sourceCalls() int { return len(w.source.asked) }

// What passes by itself costs time and no record.
func TestABatchIsSentAgain(t *testing.T) {
	for name, fault := range map[string]string{
		"system error":      `{"path": "/v3/oms/update", "times": 2, "errcode": 200007}`,
		"too fast":          `{"path": "/v3/oms/update", "times": 9, "http_status": 429}`,
		"a lost answer":     `{"path": "/v3/oms/update", "times": 3, "after_commit": true}`,
		"a page for JSON":   `{"path": "/v3/oms/update", "times": 1, "body": "<html>"}`,
		"half a success":    `{"path": "/v3/oms/update", "times": 1, "after_commit": true, "body": "{\"errno\":0,"}`,
		"a zero in letters": `{"path": "/v3/oms/update", "times": 1, "body": "{\"errno\":\"0\"}"}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newGuanHuai(t, "incremental")
			w.source.hold(team(10))
			w.fault(fault)
			s := w.syncOnce(guanHuaiJob(""))
			if d := cmp.Diff(wanted(team(10)), w.picture()); d != "" || s.Status != orgflow.StatusCompleted {
				t.Errorf("ends %s: %s %s", s.Status, w.troubles(s.ID), d)
			}
			if len(w.slept) == 0 || (name == "too fast") != (s.Throttled > 0) {
				t.Errorf("slept %v, throttled %d", w.slept, s.Throttled)
			}
		})
	}
}

// What passes too slowly is the activity's to try again, and what nobody can
// cure ends it.
func TestABatchThatCannotBeSent(t *testing.T) {
	for code, retryable := range map[string]bool{"200003": false, "200004": false, "200005": false} {
		w := newGuanHuai(t, "incremental")
		w.source.hold(team(3))
		w.fault(`{"path": "/v3/oms/update", "errcode": ` + code + `}`)
		run, planned := w.planned(guanHuaiJob(""))
		_, err := w.apply(task{}, run, planned.Waves[0])
		wantFault(t, err, orgflow.CodeUnauthorized, retryable)
		if c := w.changes(run)["org:11"]; c.State != orgflow.Planned || w.calls("update") != 1 {
			t.Errorf("%s after %d calls", c.State, w.calls("update"))
		}
	}
	w := newGuanHuai(t, "incremental")
	w.source.hold(team(3))
	w.fault(`{"path": "/v3/oms/update", "after_commit": true}`)
	run, planned := w.planned(guanHuaiJob(""))
	_, err := w.apply(task{}, run, planned.Waves[0])
	wantFault(t, err, orgflow.CodeUnknownOutcome, true)
	if n := w.calls("update"); n != doubtTries {
		t.Errorf("%d calls", n)
	}
	// After many attempts the records fail, in doubt.
	if _, err := w.apply(task{attempt: patientAttempts}, run, planned.Waves[0]); err != nil {
		t.Fatal(err)
	}
	if c := w.changes(run)["org:11"]; c.State != orgflow.Failed || c.Error.Code != orgflow.CodeUnknownOutcome {
		t.Errorf("%+v", c)
	}
}

// A worker that stops gives the page back, whatever attempt it is.
func TestAStoppingWorkerSendsNoBatch(t *testing.T) {
	w := newGuanHuai(t, "incremental")
	w.source.hold(team(3))
	run, planned := w.planned(guanHuaiJob(""))
	stopping := make(chan struct{})
	close(stopping)
	_, err := w.apply(task{attempt: patientAttempts, stopping: stopping}, run, planned.Waves[0])
	wantFault(t, err, orgflow.CodeUnavailable, true)
	if c := w.changes(run)["org:11"]; c.State != orgflow.Planned || w.calls("update") != 0 {
		t.Errorf("%s after %d calls", c.State, w.calls("update"))
	}
	if s := w.rest(run, planned); s.Status != orgflow.StatusCompleted {
		t.Errorf("ends %s", s.Status)
	}
}
