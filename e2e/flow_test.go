package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Approval flows through HTTP, on both databases.
func TestFlows(t *testing.T) {
	t.Parallel()
	for _, db := range []string{"sqlite", "postgres"} {
		t.Run(db, func(t *testing.T) {
			t.Parallel()
			w := newFlowWorld(t, db == "postgres", false)
			w.define("plain", []object{startAt(10), approve(10, "any", 20, "E2", "E3"), approve(20, "all", 99, "E5"), endAt(99)}, nil)
			for _, test := range []struct {
				name string
				run  func(t *testing.T, w *flowWorld)
			}{
				{"from launch to approval", fromLaunchToApproval},
				{"double click", doubleClick},
				{"a hundred launches", aHundredLaunches},
				{"illegal calls leave no trace", illegalCalls},
				{"every illegal call of the table", tableOfCalls},
				{"rounds", rounds},
				{"definitions change", definitionChanges},
				{"managers of departments", departmentManagers},
				{"nobody to approve", nobodyToApprove},
				{"deadlines", deadlines},
				{"triggers and subflows", triggersAndSubflows},
				{"operators' hands", operatorsHands},
				{"nothing personal", nothingPersonal},
				{"tasks of boards", boardTasks},
				{"twelve at once", twelveAtOnce},
				{"races", flowRaces},
				{"discard against approve", discardAgainstApprove},
			} {
				t.Run(test.name, func(t *testing.T) {
					within := *w.world
					within.t = t
					test.run(t, &flowWorld{world: &within, program: w.program, db: w.db})
				})
			}
		})
	}
}

func fromLaunchToApproval(t *testing.T, w *flowWorld) {
	no := w.launched("plain", "p1")
	if a := w.decided(no, 10, "E3", "approve"); a.Status != 200 || a.Data.Applied != 1 || !slices.Equal(a.Data.Nodes, []int{20}) {
		t.Fatalf("the first approval: %s", a)
	}
	if a := w.flow("onAudit", "flowRunningNumber", no); a.Status != 200 || !a.Data.Already {
		t.Errorf("the same click again: %s", a)
	}
	if a := w.decided(no, 20, "E5", "approve"); a.Status != 200 || a.Data.State != "APPROVED" {
		t.Fatalf("the last approval: %s", a)
	}
	d := w.detail(no)
	if diff := cmp.Diff([]string{"10 E2 DONE_BY_OTHERS", "10 E3 APPROVED", "20 E5 APPROVED"}, d.tasks()); diff != "" || d.State != "APPROVED" {
		t.Errorf("%s %s", d.State, diff)
	}
}

func doubleClick(t *testing.T, w *flowWorld) {
	for i := range raceRounds {
		data, number := fmt.Sprintf("dc%d", i), ""
		if i%2 == 1 {
			number = fmt.Sprintf("given_%04d", i)
		}
		w.row(data, object{"amount": 1})
		answers := w.together(4, func(i int) (answered, error) {
			return w.by([]string{http.MethodGet, http.MethodPost}[i%2], "launch",
				[]string{"flowCode", "plain", "dataId", data, "userCode", "E1", "flowRunningNumber", number})
		})
		no, created := answers[0].Data.No, 0
		for _, a := range answers {
			if a.Status != 200 && a.Status != 202 || a.Data.No != no {
				t.Fatalf("launch %d: %s, another click was answered %s", i, a, no)
			}
			if !a.Data.Existing {
				created++
			}
		}
		if created != 1 {
			t.Errorf("launch %d: %d of the clicks made a flow", i, created)
		}
		w.runs(answers[0])
		if d := w.detail(no); d.events("launched") != 1 || len(d.Tasks) != 2 || w.messagesTo(no, "E2") != 1 {
			t.Errorf("launch %d: launched %d times, %d tasks, %d messages", i, d.events("launched"), len(d.Tasks), w.messagesTo(no, "E2"))
		}
	}
}

func aHundredLaunches(t *testing.T, w *flowWorld) {
	w.define("mass", []object{startAt(10), approve(10, "any", 99, "E2"), endAt(99)}, nil)
	for i := range 100 {
		w.row(fmt.Sprintf("m%d", i), object{"amount": i})
	}
	answers := w.together(100, func(i int) (answered, error) {
		return w.tryFlow("launch", "flowCode", "mass", "dataId", fmt.Sprintf("m%d", i), "userCode", "E1")
	})
	var got []int
	for _, a := range answers {
		if a.Status != 200 && a.Status != 202 {
			t.Fatalf("launch: %s", a)
		}
		n, err := strconv.Atoi(a.Data.No[strings.LastIndexByte(a.Data.No, '_')+1:])
		if err != nil || len(a.Data.No) != len("mass_202611_0001") {
			t.Fatalf("number %q", a.Data.No)
		}
		got = append(got, n)
	}
	slices.Sort(got)
	for i, n := range got {
		if n != i+1 {
			t.Fatalf("numbers %v", got)
		}
	}
	for _, a := range answers { // some may have been told to wait for their turn
		w.runs(a)
	}
	if told := w.rows(`SELECT flow_no, count(*) FROM outbox WHERE flow_no LIKE 'mass_%' AND to_user = 'E2' GROUP BY flow_no HAVING count(*) = 1`); len(told) != 100 {
		t.Errorf("%d of the flows told their approver once", len(told))
	}
}

func illegalCalls(t *testing.T, w *flowWorld) {
	no := w.launched("plain", "il")
	n := []string{"flowRunningNumber", no}
	both := func(params ...string) []string { return append(slices.Clone(n), params...) }
	w.twice(no, []illegal{
		{"onAudit", n, 422, "NO_STORED_DECISION"},
		{"onAudit", []string{"flowRunningNumber", "nowhere"}, 404, "FLOW_NOT_FOUND"},
		{"onAudit", nil, 400, "BAD_PARAM"},
		{"onAudit", both("nextNodeSeq", "x"), 400, "BAD_PARAM"},
		{"relaunch", n, 409, "STILL_RUNNING"},
		{"relaunch", []string{"flowRunningNumber", "nowhere"}, 404, "FLOW_NOT_FOUND"},
		{"discard", both("userName", "员工7"), 403, "NOT_INITIATOR_OR_ADMIN"},
		{"discard", both("userName", "谁也不是"), 403, "NOT_INITIATOR_OR_ADMIN"},
		{"discard", n, 400, "BAD_PARAM"},
		{"urgent", []string{"flowRunningNumber", "nowhere"}, 404, "FLOW_NOT_FOUND"},
		{"launch", both("flowCode", "plain", "dataId", "other", "userCode", "E1"), 409, "NUMBER_TAKEN"},
		{"launch", []string{"flowCode", "nowhere", "dataId", "il", "userCode", "E1"}, 404, "FLOW_DEF_NOT_FOUND"},
		{"launch", []string{"flowCode", "plain", "dataId", "nowhere", "userCode", "E1"}, 404, "DATA_NOT_FOUND"},
		{"launch", []string{"flowCode", "plain", "dataId", "il", "userCode", "E999"}, 404, "USER_NOT_FOUND"},
		{"launch", []string{"dataId", "il", "userCode", "E1"}, 400, "BAD_PARAM"},
		{"/message/taskNotify", []string{"taskNo", "RW1"}, 404, "TASK_NOT_FOUND"},
	})
	w.decide(no, 10, "E2", "approve")
	w.twice(no, []illegal{
		{"onAudit", both("nextNodeSeq", "77"), 404, "NODE_NOT_FOUND"},
		{"onAudit", both("nextNodeSeq", "-5"), 404, "NODE_NOT_FOUND"},
		{"onAudit", both("taskDeptManager", "客服部,没有部"), 404, "DEPT_NOT_FOUND"},
		{"onAudit", both("taskDeptManager", "重名"), 409, "AMBIGUOUS_DEPT"},
	})
	if a := w.flow("onAudit", both("nextNodeSeq", "-1")...); a.Status != 200 || a.Data.Applied != 1 || !slices.Equal(a.Data.Nodes, []int{20}) {
		t.Fatalf("-1 follows the definition: %s", a)
	}
	if a := w.decided(no, 20, "E5", "approve"); a.Data.State != "APPROVED" {
		t.Fatal(a)
	}
	w.twice(no, []illegal{
		{"urgent", n, 409, "FLOW_FINISHED"},
		{"relaunch", n, 409, "FLOW_FINISHED"},
		{"launch", both("flowCode", "plain", "dataId", "il", "userCode", "E1"), 409, "FLOW_FINISHED"},
	})
	if a := w.flow("discard", both("userName", "员工1")...); a.Status != 200 || a.Data.State != "DISCARDED" {
		t.Fatalf("discard after approval: %s", a)
	}
	w.twice(no, []illegal{
		{"urgent", n, 409, "FLOW_DISCARDED"},
		{"onAudit", n, 409, "FLOW_DISCARDED"},
		{"launch", both("flowCode", "plain", "dataId", "il", "userCode", "E1"), 409, "USE_RELAUNCH"},
		{"discard", both("userName", "员工1"), 200, ""},
	})
}

func rounds(t *testing.T, w *flowWorld) {
	no := w.launched("plain", "rd")
	n := []string{"flowRunningNumber", no}
	if a := w.decided(no, 10, "E2", "reject"); a.Data.State != "RETURNED" {
		t.Fatalf("reject: %s", a)
	}
	w.twice(no, []illegal{
		{"urgent", n, 409, "NOT_UNDER_APPROVAL"},
		{"launch", append(slices.Clone(n), "flowCode", "plain", "dataId", "rd", "userCode", "E1"), 409, "USE_RELAUNCH"},
	})
	for round := 2; round <= 3; round++ {
		if a := w.relaunched(no, round); a.Data.Already {
			t.Fatalf("relaunch: %s", a)
		}
		if a := w.flow("relaunch", n...); a.Status != 200 || !a.Data.Already || a.Data.Round != round {
			t.Errorf("the same click again: %s", a)
		}
		if a := w.flow("urgent", n...); a.Status != 200 || len(a.Data.Urged) != 2 {
			t.Errorf("urgent: %s", a)
		}
		if a := w.flow("urgent", n...); a.Status != 429 || a.Code != "URGED_TOO_OFTEN" {
			t.Errorf("urgent again: %s", a)
		}
		if a := w.flow("discard", append(slices.Clone(n), "userName", "员工9")...); a.Status != 200 || a.Data.State != "DISCARDED" {
			t.Fatalf("discard by an admin: %s", a)
		}
	}
	if d := w.detail(no); d.Round != 3 || d.State != "DISCARDED" {
		t.Errorf("%+v", d)
	}
}
