package activities

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/aiguanhuai"
	aghsim "orgflow/connectors/aiguanhuai/sim"
	"orgflow/connectors/simctl"
)

// aiGuanHuaiVendor is 爱关怀 told what changed, or pushed everybody, with
// settings beside those it needs.
func aiGuanHuaiVendor(push, settings string) vendor {
	return vendor{
		code:      "ai_guan_huai",
		settings:  `{"base_url": "BASE", "corp_id": "aghsim-corp", "partner_id": "aghsim-partner", "push": "` + push + `", "qps": 0` + settings + `}`,
		simulator: func(now func() time.Time) simctl.Simulator { return aghsim.New(aghsim.Options{Now: now}) },
		connect: func(s connectors.Settings, wire http.RoundTripper, now func() time.Time) (connectors.Consumer, error) {
			var cfg aiguanhuai.Config
			if err := json.Unmarshal(s.JSON, &cfg); err != nil {
				return nil, err
			}
			return aiguanhuai.New(cfg, aiguanhuai.Options{Transport: wire, Now: now})
		},
	}
}

// guanHuai is an enterprise at 爱关怀.
type guanHuai struct{ *enterprise }

func newGuanHuai(t testing.TB, push string) *guanHuai {
	t.Helper()
	return guanHuaiAt(newSite(t, aiGuanHuaiVendor(push, "")))
}

// newBatched has batches of wholeBatch.
func newBatched(t testing.TB, push string) *guanHuai {
	t.Helper()
	return guanHuaiAt(newSite(t, aiGuanHuaiVendor(push, fmt.Sprintf(`, "batch_size": %d`, wholeBatch))))
}

func guanHuaiAt(w *site) *guanHuai { return &guanHuai{&enterprise{w, shownByGuanHuai, wanted}} }

// shownByGuanHuai shows the simulated enterprise: who is active, and where.
func shownByGuanHuai(held any) map[string]string {
	state := held.(aghsim.State)
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
		row := decodeRow(p)
		out["person "+row.Number] = fmt.Sprintf("%s %s %s in [%d]", row.Name, row.Mobile, p.Title, p.Dept)
	}
	return out
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
	w.follows(before, later)
	if n := w.sim.Desk().Requests().Total; n != 0 {
		t.Errorf("a run without news calls %d times", n)
	}
	for _, p := range w.sim.State().(aghsim.State).Persons {
		if p.UserID == "E1008" && (p.Status != 11 || p.RealName != "员工1008") {
			t.Errorf("who left is held as %+v", p)
		}
	}
}

// One call carries a whole wave, and one bad record fails alone.
func TestOneBadRecordDoesNotSinkItsBatch(t *testing.T) {
	w := newBatched(t, "incremental")
	run, s := w.oneIsBad()
	if c := w.changes(run)["person:1090"]; c.Attempts != 1 {
		t.Errorf("%+v", c)
	}
	if n := w.calls("update"); n != s.Calls-w.sourceCalls() {
		t.Errorf("%d updates arrived, the run counts %d calls", n, s.Calls)
	}
	w.options(`{"refuse": []}`)
	if again := w.syncOnce(w.job("")); again.Progress.Total != 1 || again.Status != orgflow.StatusCompleted {
		t.Errorf("the next run plans %+v and ends %s", again.Plan, again.Status)
	}
}

// oneIsBad sends one person more than a batch takes, one of whom is refused:
// they alone fail, and few calls find them.
func (w *guanHuai) oneIsBad() (run string, s orgflow.Summary) {
	w.t.Helper()
	w.source.hold(team(wholeBatch + 1))
	w.options(`{"refuse": ["E1090"]}`)
	run, planned := w.planned(w.job(""))
	if planned.PageSize != wholeBatch {
		w.t.Errorf("a page has %d changes", planned.PageSize)
	}
	s = w.rest(run, planned)
	if got := s.Applied[orgflow.Person][orgflow.Insert]; got.Done != wholeBatch || got.Failed != 1 || s.Status != orgflow.StatusCompletedWithFailures {
		w.t.Fatalf("%+v, %s", got, s.Status)
	}
	if c := w.changes(run)["person:1090"]; c.State != orgflow.Failed || c.Error == nil || c.Error.VendorCode != "200008" {
		w.t.Errorf("%+v", c)
	}
	if n := w.calls("update"); n > 30 {
		w.t.Errorf("%d calls to find one record", n)
	}
	return run, s
}

// A batch has as many records as the vendor takes where nothing else is set.
func TestABatchIsAsLargeAsTheVendorTakes(t *testing.T) {
	for name, w := range map[string]*guanHuai{"connector": newGuanHuai(t, "incremental"), "definition": describedGuanHuai(t, "")} {
		w.source.hold(team(1))
		if _, planned := w.planned(w.job("")); planned.PageSize != 2000 {
			t.Errorf("a page of the %s has %d changes", name, planned.PageSize)
		}
	}
}

// sourceCalls is how many pages were read.
func (w *guanHuai) sourceCalls() int { return len(w.source.asked) }

// What passes by itself costs time and no record.
func TestABatchIsSentAgain(t *testing.T) {
	sentAgain(t, func(t *testing.T) *guanHuai { return newGuanHuai(t, "incremental") })
}

func sentAgain(t *testing.T, open func(*testing.T) *guanHuai) {
	for name, fault := range map[string]string{
		"system error":      `{"path": "/v3/oms/update", "times": 2, "errcode": 200007}`,
		"too fast":          `{"path": "/v3/oms/update", "times": 9, "http_status": 429}`,
		"a lost answer":     `{"path": "/v3/oms/update", "times": 3, "after_commit": true}`,
		"a page for JSON":   `{"path": "/v3/oms/update", "times": 1, "body": "<html>"}`,
		"half a success":    `{"path": "/v3/oms/update", "times": 1, "after_commit": true, "body": "{\"errno\":0,"}`,
		"a zero in letters": `{"path": "/v3/oms/update", "times": 1, "body": "{\"errno\":\"0\"}"}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			w.source.hold(team(10))
			w.fault(fault)
			s := w.syncOnce(w.job(""))
			if d := w.outcome(s, func() ([]org, []person) { return team(10) }); d != "" {
				t.Error(d)
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
		run, planned := w.planned(w.job(""))
		_, err := w.apply(task{}, run, planned.Waves[0])
		wantFault(t, err, orgflow.CodeUnauthorized, retryable)
		if c := w.changes(run)["org:11"]; c.State != orgflow.Planned || w.calls("update") != 1 {
			t.Errorf("%s after %d calls", c.State, w.calls("update"))
		}
	}
	w := newGuanHuai(t, "incremental")
	w.source.hold(team(3))
	w.fault(`{"path": "/v3/oms/update", "after_commit": true}`)
	run, planned := w.planned(w.job(""))
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
	run, planned := w.planned(w.job(""))
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
