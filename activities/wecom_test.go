package activities

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/simctl"
	"orgflow/connectors/wecom"
	wcsim "orgflow/connectors/wecom/sim"
)

// weComVendor is WeCom with settings beside those it needs, and options of
// its simulator.
func weComVendor(settings, options string) vendor {
	return vendor{
		code:     "we_com",
		settings: weComSettings(settings),
		simulator: func(now func() time.Time) simctl.Simulator {
			sim := wcsim.New(wcsim.Options{Now: now})
			if err := sim.SetOptions(json.RawMessage(options)); err != nil {
				panic(err) // of a constant
			}
			return sim
		},
		connect: func(s connectors.Settings, wire http.RoundTripper, now func() time.Time) (connectors.Consumer, error) {
			cfg, err := wecom.ParseConfig(s.JSON)
			if err != nil {
				return nil, err
			}
			return wecom.New(cfg, wecom.Options{Transport: wire, Now: now})
		},
	}
}

func weComSettings(more string) string {
	return `{"base_url": "BASE", "corpid": "wwsim0000000000001", "corpsecret": "wecomsim-contacts", "root_department_id": 1, "qps": 0` + more + `}`
}

// weCom is an enterprise at WeCom.
type weCom struct{ *enterprise }

func weComAt(w *site) *weCom { return &weCom{&enterprise{w, shownByWeCom, wantedAtWeCom}} }

// unlimited is a WeCom that counts no calls.
func unlimited() vendor { return weComVendor("", `{"per_minute": 0, "per_hour": 0}`) }

func newWeCom(t testing.TB) *weCom {
	t.Helper()
	return weComAt(newSite(t, unlimited()))
}

// shownByWeCom shows the simulated enterprise as the source would describe
// it: departments by their path, people by their number.
func shownByWeCom(held any) map[string]string {
	state := held.(wcsim.State)
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
	newWeCom(t).follows(before, laterAtWeCom)
}

// laterAtWeCom is later() with a manager who stays in the department: WeCom
// lets only members lead.
func laterAtWeCom() ([]org, []person) {
	orgs, people := later()
	orgs[1].Manager = 1004
	return orgs, people
}

// wantedAtWeCom is what the source looks like at WeCom.
func wantedAtWeCom(orgs []org, people []person) map[string]string {
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

// Where members' details may not be read, people and departments are kept in
// step all the same. Only leaders, whose flags have to be read before they
// are written, are left to a person.
func TestWeComThatShowsNoDetails(t *testing.T) {
	w := newWeCom(t)
	w.options(`{"details": "closed"}`)
	orgs, people := team(3)
	w.source.hold(orgs, people)
	w.completes("the first run")
	people[0].Dept, people[1].Title = 12, "主管"
	orgs[1].Name = "研发中心"
	w.source.hold(orgs, people[:2])
	w.completes("the second run")
	orgs[1].Manager = 1002
	w.source.hold(orgs, people[:2])
	s := w.syncOnce(w.job(""))
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

// A worker may die between any two calls of one record, too: what it leaves
// behind is found, not done again.
func TestAWorkerMayBeKilledAtAnyCallOfWeCom(t *testing.T) {
	killedAtCalls(t, newWeCom(t).enterprise, before, laterAtWeCom)
}
