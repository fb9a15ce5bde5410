package activities_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/activities"
	dtsim "orgflow/connectors/dingtalk/sim"
	"orgflow/connectors/simctl"
	wcsim "orgflow/connectors/wecom/sim"
)

const (
	listSub  = "/topapi/v2/department/listsub"
	listUser = "/topapi/v2/user/list"
)

func TestAPullMakesTheLocalOrganisationEqual(t *testing.T) {
	w := newOffice(t)
	w.must(w.sim.SetOptions(json.RawMessage(`{"school_department": true}`)))
	w.holds(w.small())
	s := w.pull(ask)
	if s.Status != orgflow.StatusCompleted || s.Departments != 4 || s.Members != 5 || s.Version != 1 {
		t.Errorf("got %+v", s)
	}
	if diff := cmp.Diff(w.truth(), picture(w.tree())); diff != "" {
		t.Errorf("local organisation differs (-DingTalk +local):\n%s", diff)
	}
	if s.Calls != 8 || w.asked(listSub) != 4 || w.asked(listUser) != 4 {
		t.Errorf("%d calls, of these %d listsub and %d user/list; 4 and 4 are enough", s.Calls, w.asked(listSub), w.asked(listUser))
	}
}

func TestAPullOfManyDepartmentsMakesNoCallTooMany(t *testing.T) {
	w := newOffice(t)
	var depts []dtsim.Department
	var people []dtsim.StateUser
	for i := range int64(manyDepartments - 1) {
		parent := int64(1)
		if i >= 40 {
			parent = 100 + (i-40)/20
		}
		depts = append(depts, dept(100+i, parent, fmt.Sprintf("部门%d", i)))
	}
	for i := range 450 { // 250 in one department: three pages
		at := int64(100 + max(0, i-249))
		people = append(people, person(i, at))
	}
	w.holds(depts, people)
	s := w.pull(ask)
	const want = 2*manyDepartments + 2
	if s.Departments != manyDepartments || s.Members != 450 || s.Calls != want {
		t.Errorf("got %d departments, %d members with %d calls; %d are the minimum", s.Departments, s.Members, s.Calls, want)
	}
	if s.OtherCalls != 3 { // token, scope, root
		t.Errorf("%d other calls, want 3", s.OtherCalls)
	}
	if diff := cmp.Diff(w.truth(), picture(w.tree())); diff != "" {
		t.Error(diff)
	}
}

func TestAStoppingWorkersPullGoesOnElsewhere(t *testing.T) {
	w := newOffice(t)
	var depts []dtsim.Department
	for i := range int64(200) {
		depts = append(depts, dept(100+i, 1, fmt.Sprintf("部门%d", i)))
	}
	w.holds(depts, nil)
	id := w.prepare(w.worker(w.db), ask)
	stopping := make(chan struct{})
	stop := sync.OnceFunc(func() { close(stopping) })
	w.onCall = func(path string) error {
		if path == listUser {
			stop()
		}
		return nil
	}
	share, err := doUntil(context.Background(), stopping, w.worker(w.db).ReadOrganisation, activities.PullParams{PullID: id})
	if err != nil || share.Done { // a stop is nobody's failure, and costs no attempt
		t.Fatalf("the share is %+v, %v", share, err)
	}
	if n := w.asked(listUser); n == 0 || n > 64 {
		t.Errorf("%d departments' members were read", n)
	}
	w.onCall = nil
	w.must(w.read(context.Background(), w.worker(w.db), id))
	if n := w.asked(listUser); n != 201 {
		t.Errorf("%d calls for the members of 201 departments", n)
	}
}

func TestPullingAgainConverges(t *testing.T) {
	w := newOffice(t)
	depts, people := w.small()
	w.holds(depts, people)
	w.pull(ask)
	was := ids(w.tree())

	again := w.pull(ask)
	if again.Version != 2 || again.Changes[orgflow.Org] != (orgflow.OrgCount{}) || again.Changes[orgflow.Person] != (orgflow.OrgCount{}) {
		t.Errorf("nothing had changed, got %+v", again)
	}

	// 11 moves and is renamed, E3 leaves, E2 changes departments, E6 comes.
	depts[2] = dept(11, 20, "平台部")
	people = append(slices.Delete(slices.Clone(people), 2, 3), person(6, 20))
	people[1].DeptIDs = []int64{20}
	w.holds(depts, people)
	s := w.pull(ask)
	if diff := cmp.Diff(w.truth(), picture(w.tree())); diff != "" {
		t.Error(diff)
	}
	want := map[orgflow.Kind]orgflow.OrgCount{orgflow.Org: {Changed: 1}, orgflow.Person: {Added: 1, Changed: 1, Removed: 1}}
	if diff := cmp.Diff(want, s.Changes); diff != "" {
		t.Error(diff)
	}
	now := ids(w.tree())
	for _, key := range []string{"dept 11", "dept 10", "person E2", "person E5"} {
		if was[key] != now[key] || was[key] == 0 {
			t.Errorf("%s had id %d, has %d", key, was[key], now[key])
		}
	}

	// E3 and department 30 come; E3 with the id of before.
	people = append(people, person(3, 20))
	w.holds(depts, people)
	w.pull(ask)
	if back := ids(w.tree()); back["person E3"] != was["person E3"] {
		t.Errorf("E3 had id %d, has %d after the return", was["person E3"], back["person E3"])
	}
}

func TestVersionsStayAsTheyWere(t *testing.T) {
	w := newOffice(t)
	depts, people := w.small()
	w.holds(depts, people)
	w.pull(ask)
	first := picture(w.tree())
	depts[0].Name = "研究院"
	w.holds(depts, people[:4])
	w.pull(ask)
	old, err := w.db.OrgTree(context.Background(), here, 1)
	w.must(err)
	if diff := cmp.Diff(first, picture(old)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(w.truth(), picture(w.tree())); diff != "" {
		t.Error(diff)
	}
}

// What cannot be read is never gone.
func TestADepartmentThatCannotBeReadRemovesNobody(t *testing.T) {
	for name, fault := range map[string]simctl.Fault{
		"out of scope":   {Path: listUser, Match: map[string]simctl.Text{"dept_id": "11"}, Errcode: "50004"},
		"always broken":  {Path: listSub, Match: map[string]simctl.Text{"dept_id": "10"}, HTTPStatus: 502, Body: json.RawMessage(`"bad gateway"`)},
		"not understood": {Path: listUser, Match: map[string]simctl.Text{"dept_id": "11"}, Body: json.RawMessage(`{"errcode":0,"result":{}}`)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newOffice(t)
			depts, people := w.small()
			w.holds(depts, people)
			w.pull(ask)
			was := ids(w.tree())
			w.holds(depts, append(slices.Clone(people[:2]), person(7, 20))) // E3, E4, E5 have left
			w.must(w.sim.Desk().AddFaults(fault))
			org := w.worker(w.db)
			id := w.prepare(org, ask)
			var err error
			for attempt := int32(1); attempt <= 4; attempt++ { // as often as the workflow lets it be tried
				if err = w.readAttempt(org, id, attempt); err == nil {
					break
				}
			}
			w.must(err)
			merged, err := do(context.Background(), org.MergePull, activities.PullParams{PullID: id})
			w.must(err)
			s := w.finish(org, id, merged.Notes)
			if s.Status != orgflow.StatusCompletedWithFailures || s.Complete || s.Cause == "" {
				t.Errorf("got %+v", s)
			}
			if n := s.Changes[orgflow.Person]; n.Removed != 0 || n.Added != 1 {
				t.Errorf("members: %+v", n)
			}
			for key := range was {
				if ids(w.tree())[key] != was[key] {
					t.Errorf("%s is gone", key)
				}
			}
		})
	}
}

func TestAnApplicationThatSeesAPartOnlyRemovesNobody(t *testing.T) {
	w := newOffice(t)
	w.holds(w.small())
	w.pull(ask)
	before := picture(w.tree())
	w.must(w.sim.SetOptions(json.RawMessage(`{"scope_departments": [10]}`)))
	org := w.worker(w.db)
	id := w.prepare(org, ask)
	if err := w.read(context.Background(), org, id); err == nil || !strings.Contains(err.Error(), "50004") {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff(before, picture(w.tree())); diff != "" {
		t.Error(diff)
	}
}

// Somebody who moves from a department that is not read yet into one that was
// read is seen nowhere, and is still there.
func TestWhoMovesDuringThePullIsNotGone(t *testing.T) {
	w := newOffice(t)
	depts, people := w.small()
	w.holds(depts, people)
	w.pull(ask)
	was := ids(w.tree())
	asked, moved := 0, false
	var mu sync.Mutex
	w.onCall = func(path string) error {
		mu.Lock()
		defer mu.Unlock()
		if path == listSub {
			asked++
		}
		if asked == 2 && !moved { // the root was read, with those below it and its people, and nothing else
			moved = true
			people[2].DeptIDs = []int64{1} // E3 leaves 20 for the root
			w.holds([]dtsim.Department{depts[0], depts[1], dept(11, 1, "平台组")}, people)
		}
		return nil
	}
	s := w.pull(ask)
	if !moved || s.Changes[orgflow.Person].Removed != 0 || s.Changes[orgflow.Org].Removed != 0 {
		t.Errorf("moved %v, %+v", moved, s)
	}
	w.onCall = nil
	w.pull(ask)
	if diff := cmp.Diff(w.truth(), picture(w.tree())); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(was, ids(w.tree())); diff != "" {
		t.Errorf("ids changed:\n%s", diff)
	}
}

func TestTooManyRemovalsWaitForADecision(t *testing.T) {
	w := newOffice(t)
	depts, people := w.small()
	w.holds(depts, people)
	w.pull(ask)
	w.holds(depts[:2], append(people[:1:1], person(8, 20)))
	limited := `{"company_id": 9, "delete_limit": {"count": 2, "percent": 100}}`
	s := w.pull(limited)
	if s.Status != orgflow.StatusAwaitingApproval || s.ParkedRemovals != 4 {
		t.Fatalf("got %+v", s)
	}
	if want := "a safeguard held the deletes of person records: 4 deletes of person records exceed delete_limit.count 2"; !slices.Contains(s.Notes, want) {
		t.Errorf("notes %q", s.Notes)
	}
	// Everything else is done: E8 is there, department 11 is gone, and with it
	// the places of E2 and E5, who stay.
	if n := s.Changes; n[orgflow.Person] != (orgflow.OrgCount{Added: 1, Changed: 2, Parked: 4}) || n[orgflow.Org] != (orgflow.OrgCount{Removed: 1}) {
		t.Errorf("changes %+v", n)
	}
	org := w.worker(w.db)
	merged, err := do(context.Background(), org.MergePull, activities.PullParams{PullID: s.ID, Approved: true})
	w.must(err)
	if n := merged.Summary.Changes[orgflow.Person]; n.Removed != 4 {
		t.Errorf("approved: %+v", n)
	}
	if diff := cmp.Diff(w.truth(), picture(w.tree())); diff != "" {
		t.Error(diff)
	}
	twice, err := do(context.Background(), org.MergePull, activities.PullParams{PullID: s.ID, Approved: true})
	w.must(err)
	if twice.Summary.Version != merged.Summary.Version {
		t.Errorf("repeated, it made version %d after %d", twice.Summary.Version, merged.Summary.Version)
	}
}

func TestANewerPullSupersedesOneThatWaits(t *testing.T) {
	w := newOffice(t)
	depts, people := w.small()
	w.holds(depts, people)
	w.pull(ask)
	w.holds(depts, people[:1])
	limited := `{"company_id": 9, "delete_limit": {"count": 2, "percent": 100}}`
	waiting := w.pull(limited)
	w.holds(depts, people)
	w.pull(ask)
	if !slices.Equal(w.told, []string{waiting.ID}) {
		t.Errorf("told %v, want %s", w.told, waiting.ID)
	}
	merged, err := do(context.Background(), w.worker(w.db).MergePull, activities.PullParams{PullID: waiting.ID, Approved: true})
	w.must(err)
	if !merged.Superseded {
		t.Error("a stale removal was carried out")
	}
	if diff := cmp.Diff(w.truth(), picture(w.tree())); diff != "" {
		t.Error(diff)
	}
}

// Many small removals add up over a week.
func TestRemovalsOfTheLastDaysCountAlong(t *testing.T) {
	w := newOffice(t)
	depts, people := w.small()
	for i := range 20 {
		people = append(people, person(100+i, 20))
	}
	w.holds(depts, people)
	w.pull(ask)
	limited := `{"company_id": 9, "delete_limit": {"count": 3, "percent": 100}}`
	w.holds(depts, people[:23])
	if s := w.pull(limited); s.Status != orgflow.StatusCompleted {
		t.Fatalf("got %+v", s)
	}
	w.holds(depts, people[:21])
	s := w.pull(limited)
	if want := "a safeguard held the deletes of person records: 4 deletes of person records exceed delete_limit.count 3 (2 of them in the last 7 days)"; !slices.Contains(s.Notes, want) {
		t.Errorf("notes %q", s.Notes)
	}
}

func TestOnePullOfACompanyAtATime(t *testing.T) {
	w := newOffice(t)
	w.holds(w.small())
	org := w.worker(w.db)
	first := w.prepare(org, ask)
	start := activities.PullStart{Input: json.RawMessage(ask), WorkflowID: "other", FirstRunID: "other"}
	if _, err := do(context.Background(), org.PreparePull, start); err == nil || !strings.Contains(err.Error(), "being pulled by "+first) {
		t.Errorf("got %v", err)
	}
	delete(w.alive, first) // its workflow was terminated
	if _, err := do(context.Background(), org.PreparePull, start); err != nil {
		t.Error(err)
	}
	if p, err := w.db.GetPull(context.Background(), first); err != nil || p.Summary.Status != orgflow.StatusCanceled {
		t.Errorf("the terminated pull: %+v, %v", p.Summary, err)
	}
}

func TestBadInputLeavesNoTrace(t *testing.T) {
	for input, want := range map[string]string{
		`{}`:                                     "/company_id: is required",
		`{"company_id": 8}`:                      "company 8 has no configuration",
		`{"company_id": 9, "orign": "we_com"}`:   `did you mean "origin"`,
		`{"company_id": 9, "origin": "emm"}`:     `/origin: company 9 has no connection to consumer "emm"`,
		`{"company_id": "9"}`:                    "/company_id",
		`{"company_id": 9, "delete_limit": 100}`: "/delete_limit",
	} {
		w := newOffice(t)
		_, err := do(context.Background(), w.worker(w.db).PreparePull, activities.PullStart{Input: json.RawMessage(input), WorkflowID: "x", FirstRunID: "x"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", input, err, want)
		}
		if _, err := w.db.GetPull(context.Background(), "x"); err == nil {
			t.Errorf("%s left a record", input)
		}
		if w.sim.Desk().Requests().Total != 0 {
			t.Errorf("%s made calls", input)
		}
	}
}

func TestSupervisorsAreReadWhereTheyAreAskedFor(t *testing.T) {
	w := newOffice(t)
	depts, people := w.small()
	people[1].Manager, people[4].Manager = "E1", "E2"
	w.holds(depts, people)
	w.pull(ask)
	if m, err := w.db.UserByCode(context.Background(), 9, "N2"); err != nil || m.Supervisor != "" {
		t.Errorf("nobody asked: %+v, %v", m, err)
	}
	s := w.pull(`{"company_id": 9, "supervisors": true}`)
	m, err := w.db.UserByCode(context.Background(), 9, "N2")
	w.must(err)
	boss, err := w.db.SupervisorOf(context.Background(), 9, m.ID)
	if err != nil || boss.UserID != "E1" || s.Calls != 8 || s.OtherCalls != 3+5 {
		t.Errorf("%+v, %v, %d and %d calls", boss, err, s.Calls, s.OtherCalls)
	}
	w.pull(ask) // a pull that does not ask forgets nothing
	if boss, err := w.db.SupervisorOf(context.Background(), 9, m.ID); err != nil || boss.UserID != "E1" {
		t.Errorf("%+v, %v", boss, err)
	}
}

func TestPullFromWeCom(t *testing.T) {
	w := newOffice(t)
	raw, err := json.Marshal(wcsim.State{
		Departments: []wcsim.Department{{ID: 1, Name: "示例公司"}, {ID: 2, Name: "研发部", ParentID: 1, Order: 5}, {ID: 3, Name: "平台组", ParentID: 2}},
		Users: []wcsim.User{
			{UserID: "E1", Name: "员工1", Mobile: "10000000001", Department: []int64{2, 3}, Order: []int64{9, 1}, Leader: []int64{1, 0}, MainDepartment: 3, Status: 1},
			{UserID: "E2", Name: "员工2", Mobile: "10000000002", Department: []int64{3}, Order: []int64{0}, Leader: []int64{0}, MainDepartment: 3, DirectLeader: []string{"E1"}, Status: 4},
		},
	})
	w.must(err)
	w.must(w.wsim.PutState(raw))
	s := w.pull(`{"company_id": 9, "origin": "we_com"}`)
	if s.Status != orgflow.StatusCompleted || s.Departments != 3 || s.Members != 2 || s.Calls != 1+3 {
		t.Fatalf("got %+v", s)
	}
	target := orgflow.Target{CompanyID: 9, Consumer: "we_com"}
	tree, err := w.db.OrgTree(context.Background(), target, 1)
	w.must(err)
	want := []string{
		"dept 1 示例公司 below ", "dept 2 研发部 below 1", "dept 3 平台组 below 2",
		`person E1 员工1  10000000001 true reports to "" in 2 leader true main false in 3 leader false main true`,
		`person E2 员工2  10000000002 false reports to "E1" in 3 leader false main true`,
	}
	if diff := cmp.Diff(want, picture(tree)); diff != "" {
		t.Error(diff)
	}

	w.must(w.wsim.SetOptions(json.RawMessage(`{"details": "closed"}`)))
	org := w.worker(w.db)
	id := w.prepare(org, `{"company_id": 9, "origin": "we_com"}`)
	if err := w.read(context.Background(), org, id); err == nil || !strings.Contains(err.Error(), "ids without names") {
		t.Errorf("closed details: %v", err)
	}
}
