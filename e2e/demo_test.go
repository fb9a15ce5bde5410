package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// The first thing anybody does: the demo, twice, and then a look at it.
func TestDemo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.standalone("--exit")
	if code := first.exit(2 * time.Minute); code != 0 {
		t.Fatalf("standalone --exit ended with %d", code)
	}
	if out := first.out.String(); !strings.Contains(out, "completed") || !strings.Contains(out, "sync-129-ding_talk-") {
		t.Errorf("the summary names neither the run nor its status:\n%s", out)
	}

	// The second run of the same data changes nothing.
	second := w.standalone()
	w.up(second)
	eventually(t, time.Minute, 50*time.Millisecond, "the second summary", func() error {
		if !strings.Contains(second.out.String(), "Look here:") {
			return errNotYet
		}
		return nil
	})
	if r := w.requests("dingtalk"); r.Writes != 0 || len(r.writesByPath()) != 0 {
		t.Errorf("the second run wrote %d times: %v", r.Writes, r.writesByPath())
	}
	w.demoIsThere()
	w.demoFlow()
	w.demoAttendance()
	w.metrics()
	w.doctors()
	second.kill()

	// Everything survives a restart.
	w.serve()
	runs := w.runs()
	if len(runs) != 2 || runs[0].Status != "completed" || runs[1].Status != "completed" {
		t.Fatalf("runs after the restart: %+v", runs)
	}
	old, young := runs[1], runs[0]
	if p := old.Plan["person"]; p.Insert != 300 || old.Plan["org"].Insert != 40 {
		t.Errorf("the first run planned %+v", old.Plan)
	}
	if p := young.Plan["person"]; p.Unchanged != 300 || p.Insert+p.Update+p.Delete+p.Held != 0 || young.Plan["org"].Unchanged != 40 {
		t.Errorf("the second run planned %+v", young.Plan)
	}
	w.demoIsThere()
}

// demoAttendance looks at last month's attendance: there is something to see.
func (w *world) demoAttendance() {
	w.t.Helper()
	now := time.Now()
	month := time.Date(now.Year(), now.Month()-1, 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
	var overview struct {
		People []struct {
			UserID string `json:"user_id"`
			Totals struct {
				Scheduled int `json:"scheduled_days"`
				Normal    int `json:"normal_days"`
			}
		}
	}
	must(w.t, "GET", "http://"+w.http+"/api/v1/dingtalk/attendance/month?user_id=E1041,E1050&month="+month, "", &overview)
	if len(overview.People) != 2 {
		w.t.Fatalf("attendance of %d people", len(overview.People))
	}
	for _, p := range overview.People {
		if p.Totals.Scheduled < 18 || p.Totals.Normal == 0 {
			w.t.Errorf("last month's attendance of %s: %+v", p.UserID, p.Totals)
		}
	}
}

// demoFlow goes the way that the README shows: the demo's flow is published,
// once for both starts, and runs; its messages lead to where it is shown.
func (w *world) demoFlow() {
	w.t.Helper()
	var versions struct {
		Versions []struct {
			Version     int
			PublishedBy string `json:"published_by"`
		}
	}
	must(w.t, "GET", "http://"+w.http+"/api/v1/flow-definitions/purchase01/versions", "", &versions)
	if v := versions.Versions; len(v) != 1 || v[0].Version != 1 || v[0].PublishedBy != "standalone" {
		w.t.Fatalf("versions of purchase01: %+v", v)
	}
	f := &flowWorld{world: w}
	w.pulled(0)
	must(w.t, "PUT", "http://"+w.http+"/api/v1/boards/purchase/rows/1", `{"item": "服务器", "amount": 60000, "reason": "扩容"}`, nil)
	launched := f.flow("launch", "flowCode", "purchase01", "dataId", "1", "userCode", "E1050")
	no := launched.Data.No
	if launched.Status != 200 || !strings.HasPrefix(no, "purchase01_") || !strings.HasSuffix(no, "_0001") || !slices.Equal(launched.Data.Nodes, []int{10}) {
		w.t.Fatalf("launch: %s", launched)
	}
	if a := f.flow("urgent", "flowRunningNumber", no); a.Status != 200 || !slices.Equal(a.Data.Urged, []string{"E1041"}) {
		w.t.Errorf("urgent: %s", a)
	}
	if a := f.decided(no, 10, "E1041", "approve"); a.Status != 200 || !slices.Equal(a.Data.Nodes, []int{20}) {
		w.t.Errorf("onAudit: %s", a)
	}
	if a := f.flow("discard", "flowRunningNumber", no, "userCode", "E1050"); a.Status != 200 || a.Data.State != "DISCARDED" {
		w.t.Errorf("discard: %s", a)
	}
	if a := f.flow("relaunch", "flowRunningNumber", no); a.Status != 200 || a.Data.Round != 2 {
		w.t.Errorf("relaunch: %s", a)
	}
	link := "http://" + w.http + "/flows/" + no + "?company=129"
	eventually(w.t, 30*time.Second, 50*time.Millisecond, "a message with the link", func() error {
		_, state, err := call("GET", "http://"+w.sims+"/_sim/dingtalk/state", "")
		if err != nil || !strings.Contains(state, `"single_url":"`+link+`"`) {
			return errNotYet
		}
		return nil
	})
	if status, body, err := call("GET", link, ""); status != 200 || !strings.Contains(body, no) {
		w.t.Errorf("the link: %d %s %v", status, body, err)
	}
}

// demoIsThere compares DingTalk with the source, and the source with the demo.
func (w *world) demoIsThere() {
	w.t.Helper()
	s := w.ding()
	if len(s.Departments) != 41 || len(s.Users) != 300 {
		w.t.Errorf("DingTalk holds %d departments and %d people, want 41 and 300", len(s.Departments), len(s.Users))
	}
	doubles := 0
	for _, u := range s.Users {
		if len(u.DeptIDs) > 1 {
			doubles++
		}
	}
	if doubles == 0 {
		w.t.Error("nobody of the demo is in two departments: the comparison shows less than it should")
	}
	w.inStep()
}
