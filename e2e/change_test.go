package e2e

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Four differences in the source cost four writes and not one more, however
// the run is started.
func TestOnlyWhatChangedIsSent(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(w *world) summary{
		"CLI": func(w *world) summary {
			got := w.starter("sync", "--file", w.file("job.json", demoJob), "--wait", "--json")
			if got.code != 0 {
				w.t.Fatalf("starter sync ended with %d:\n%s", got.code, got.err)
			}
			var s summary
			if err := json.Unmarshal([]byte(got.out), &s); err != nil {
				w.t.Fatalf("--json printed more than the summary: %v\n%s", err, got.out)
			}
			return s
		},
		"HTTP": func(w *world) summary { return w.sync(demoJob) },
	} {
		t.Run(name, func(t *testing.T) {
			eachAPI(t, func(t *testing.T, api string) {
				w := newFastWorldOf(t, api)
				w.serve()
				w.unlimited()
				rows := demo(t)
				w.load(rows)
				w.sync(demoJob)
				w.inStep()

				leaver := change(t, &rows)
				w.load(rows)
				w.forget()
				s := start(w)
				w.completed(s)
				r := w.requests("dingtalk")
				want := map[string]int{userUpdate: 1, userCreate: 1, userDelete: 1, deptUpdate: 1}
				if d := cmp.Diff(want, r.writesByPath()); d != "" || r.Writes != 4 {
					t.Errorf("%d writes (-want +got):\n%s\n%+v", r.Writes, d, writeLog(r))
				}
				if r.Rejected != 0 {
					t.Errorf("%d calls were refused: %v", r.Rejected, r.Paths)
				}
				for _, e := range r.Log {
					if e.Path == userDelete && e.Key != leaver {
						t.Errorf("deleted %s, want %s", e.Key, leaver)
					}
				}
				if p := s.Plan["person"]; p.Insert != 1 || p.Update != 1 || p.Delete != 1 || p.Unchanged != 298 || s.Plan["org"].Update != 1 {
					t.Errorf("plan %+v", s.Plan)
				}
				w.inStep()
			})
		})
	}
}

// Departments first and people later, as the seed advises: each run completes,
// and once the departments run again their managers are there.
func TestDepartmentsAndPeopleInRunsOfTheirOwn(t *testing.T) {
	t.Parallel()
	eachAPI(t, func(t *testing.T, api string) {
		w := newFastWorldOf(t, api)
		w.serve()
		w.unlimited()
		w.load(demo(t))
		for _, service := range []string{"org_new", "person_new", "org_new"} {
			s := w.sync(`{"services":["` + service + `"],"consumer":"ding_talk","company_id":129}`)
			t.Logf("%s: %d calls", service, s.Calls)
		}
		w.inStep()
		w.forget()
		w.sync(demoJob)
		if r := w.requests("dingtalk"); r.Writes != 0 {
			t.Errorf("both together then wrote %v", r.writesByPath())
		}
	})
}

// change promotes one person, hires one, lets one go and moves one
// department; it returns who left.
func change(t *testing.T, rows *hcm) (leaver string) {
	t.Helper()
	manages := map[int]bool{}
	for _, r := range slices.Concat(rows.Organization, rows.Employee) {
		manages[number(r["manager_id"])] = true
	}
	var free []object // people nobody and nothing refers to
	for _, e := range rows.Employee {
		if !manages[number(e["id"])] {
			free = append(free, e)
		}
	}
	free[0]["position"] = object{"name": "首席工程师"}

	hired := maps.Clone(free[1])
	hired["id"], hired["number"], hired["name"] = 9001.0, "E9001", "测新来"
	hired["mobile"], hired["email"], hired["identity_card"] = "10099999001", "e9001@example.com", "TEST-ID-9001"
	leaver = text(free[2]["number"])
	rows.Employee = slices.DeleteFunc(rows.Employee, func(e object) bool { return e["number"] == leaver })
	rows.Employee = append(rows.Employee, hired)

	for _, d := range rows.Organization {
		if d["name"] == "测试部" {
			for _, parent := range rows.Organization {
				if parent["name"] == "产品中心" {
					d["parent_id"] = parent["id"]
				}
			}
		}
	}
	return leaver
}

func writeLog(r requests) []logEntry {
	return slices.DeleteFunc(slices.Clone(r.Log), func(e logEntry) bool { return !isWrite(e.Path) })
}
