package e2e

import "testing"

// aghState is what the 爱关怀 simulator holds.
type aghState struct {
	Departments []struct {
		ID     string `json:"departmentId"`
		Name   string `json:"departmentName"`
		Parent string `json:"parentId"`
		Status int    `json:"status"`
	} `json:"departments"`
	Persons []struct {
		ID        string `json:"userId"`
		Name      string `json:"realName"`
		Status    int    `json:"status"`
		OrgSource int    `json:"orgSource"`
	} `json:"persons"`
	Completed int `json:"completed_pushes"`
}

func (w *world) agh() (s aghState) {
	w.t.Helper()
	must(w.t, "GET", w.simURL("aiguanhuai", "state"), "", &s)
	return s
}

// active counts departments and persons that are not disabled.
func (s aghState) active() (departments, persons int) {
	for _, d := range s.Departments {
		if d.Status == 1 {
			departments++
		}
	}
	for _, p := range s.Persons {
		if p.Status == 1 && p.OrgSource == 11 {
			persons++
		}
	}
	return departments, persons
}

func aghJob(params string) string {
	return `{"services":["org_new","person_new"],"consumer":"ai_guan_huai","company_id":129,"params":{` + params + `}}`
}

// The demo company goes to 爱关怀 as shipped: first incrementally, then whole.
// Somebody leaves and is disabled, not removed.
func TestTheDemoCompanyAtAiGuanHuai(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	source := demo(t)
	w.load(source)
	calls := func(path string) int { return int(w.requests("aiguanhuai").Paths["/v3/oms/"+path]["ok"]) }

	w.sync(aghJob(""))
	if departments, persons := w.agh().active(); departments != 40 || persons != 300 {
		t.Fatalf("%d departments and %d persons are active", departments, persons)
	}
	first := calls("update")
	if first == 0 || first > 8 {
		t.Errorf("340 records took %d calls", first)
	}
	if w.sync(aghJob("")); calls("update") != first {
		t.Errorf("a run without news wrote %d times", calls("update")-first)
	}

	last := len(source.Employee) - 1
	leaver := source.Employee[last]
	source.Employee = source.Employee[:last]
	w.load(source)
	s := w.sync(aghJob(`"mode":"full"`))
	state := w.agh()
	if departments, persons := state.active(); departments != 40 || persons != 299 || state.Completed != 1 {
		t.Errorf("after %d pushes %d departments and %d persons are active", state.Completed, departments, persons)
	}
	gone := 0
	for _, p := range state.Persons {
		if p.ID == leaver["number"] && p.Status == 11 && p.Name == leaver["name"] {
			gone++
		}
	}
	if gone != 1 || s.Applied["person"]["delete"].Done != 1 || len(s.Notes) != 0 {
		t.Errorf("who left is there as disabled %d times; %+v, notes %v", gone, s.Applied, s.Notes)
	}
	if calls("add-prepare") != 1 || calls("add-complete") != 1 || calls("update") != first {
		t.Errorf("calls %v", w.requests("aiguanhuai").Paths)
	}
}
