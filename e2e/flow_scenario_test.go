package e2e

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/api/temporalproto"
)

func definitionChanges(t *testing.T, w *flowWorld) {
	w.define("moving", []object{startAt(10), approve(10, "any", 20, "E2"), approve(20, "any", 99, "E3"), endAt(99)}, nil)
	old := w.launched("moving", "dc1")
	w.define("moving", []object{startAt(10), approve(10, "any", 99, "E4"), endAt(99)}, nil)
	fresh := w.launched("moving", "dc2")
	if a := w.decided(old, 10, "E2", "approve"); a.Status != 200 || !slices.Equal(a.Data.Nodes, []int{20}) {
		t.Errorf("the flow of the old version: %s", a)
	}
	if a := w.decided(fresh, 10, "E4", "approve"); a.Data.State != "APPROVED" {
		t.Errorf("the flow of the new version: %s", a)
	}
}

// Managers of departments named by the caller become the node's approvers;
// where one is unknown nobody has a task.
func departmentManagers(t *testing.T, w *flowWorld) {
	node := approve(20, "all", 99)
	node["approvers"] = []object{{"by": "taskDeptManagers"}}
	w.define("managers", []object{startAt(10), approve(10, "any", 20, "E4"), node, endAt(99)}, nil)
	no := w.launched("managers", "dm")
	w.decide(no, 10, "E4", "approve")
	w.twice(no, []illegal{
		{"onAudit", []string{"flowRunningNumber", no, "taskDeptManager", "研发部,没有部"}, 404, "DEPT_NOT_FOUND"},
		{"onAudit", []string{"flowRunningNumber", no, "nextNodeSeq", "55"}, 404, "NODE_NOT_FOUND"},
	})
	a := w.flow("onAudit", "flowRunningNumber", no, "nextNodeSeq", "-1", "taskDeptManager", "研发部, 客服部,,研发部")
	if a.Status != 200 || a.Data.Applied != 1 {
		t.Fatal(a)
	}
	if diff := cmp.Diff([]string{"10 E4 APPROVED", "20 E2 ACTIVE", "20 E3 ACTIVE"}, w.detail(no).tasks()); diff != "" {
		t.Error(diff)
	}
	if a := w.flow("onAudit", "flowRunningNumber", no, "nextNodeSeq", "99"); a.Status != 200 || !a.Data.Already {
		t.Errorf("another target after the decision was worked on: %s", a)
	}
}

// Whoever must approve cannot be found: refused at launch, FAULTED later,
// repaired by an admin.
func nobodyToApprove(t *testing.T, w *flowWorld) {
	gone := func(seq, next int) object { return approve(seq, "any", next, "E999") }
	w.define("nobody", []object{startAt(10), gone(10, 99), endAt(99)}, nil)
	w.row("nb", object{})
	if a := w.flow("launch", "flowCode", "nobody", "dataId", "nb", "userCode", "E1"); a.Status != 422 || a.Code != "APPROVER_MISSING" {
		t.Errorf("launch: %s", a)
	}
	w.define("later", []object{startAt(10), approve(10, "any", 20, "E2"), gone(20, 30), approve(30, "any", 99, "E3"), endAt(99)}, nil)
	no := w.launched("later", "nb")
	if a := w.decided(no, 10, "E2", "approve"); a.Status != 200 || a.Data.State != "FAULTED" || a.Data.Applied != 1 {
		t.Fatalf("the decision: %s", a)
	}
	w.twice(no, []illegal{
		{"onAudit", []string{"flowRunningNumber", no}, 409, "FLOW_FAULTED"},
		{"urgent", []string{"flowRunningNumber", no}, 409, "FLOW_FAULTED"},
		{"relaunch", []string{"flowRunningNumber", no}, 409, "FLOW_FAULTED"},
	})
	repair := "http://" + w.http + "/api/v1/flows/" + no + "/repair"
	for body, want := range map[string]string{
		`{"by": "E1", "action": "retry"}`:                    "403 NOT_ADMIN",
		`{"by": "E9", "action": "jump"}`:                     "400 BAD_PARAM",
		`{"by": "E9", "action": "jump", "to_node_seq": 444}`: "404 NODE_NOT_FOUND",
	} {
		status, answer, err := call("POST", repair, body)
		code := want[4:]
		if err != nil || fmt.Sprint(status) != want[:3] || !strings.Contains(answer, code) {
			t.Errorf("%s: %d %s %v, want %s", body, status, answer, err, want)
		}
	}
	must(t, "POST", repair, `{"by": "E9", "action": "jump", "to_node_seq": 30}`, nil)
	if a := w.decided(no, 30, "E3", "approve"); a.Data.State != "APPROVED" {
		t.Errorf("after the repair: %s", a)
	}
}

// A reminder that is due is sent once, without anybody asking.
func deadlines(t *testing.T, w *flowWorld) {
	node := approve(10, "any", 99, "E2")
	node["timeouts"] = []object{{"after": "PT1S", "do": "remind"}, {"after": "PT3S", "do": "pass"}}
	w.define("timed", []object{startAt(10), node, endAt(99)}, nil)
	no := w.launched("timed", "dl")
	eventually(t, 30*time.Second, 100*time.Millisecond, "the time-out", func() error {
		if d := w.detail(no); d.State != "APPROVED" {
			return fmt.Errorf("%s, %d reminders", d.State, d.events("reminded"))
		}
		return nil
	})
	if d := w.detail(no); d.events("reminded") != 1 || d.events("timed_out") != 1 {
		t.Errorf("%d reminders, %d time-outs", d.events("reminded"), d.events("timed_out"))
	}
}

// A trigger calls another system with a key that stays the same; a subflow
// has a number of its own and tells its parent.
func triggersAndSubflows(t *testing.T, w *flowWorld) {
	var mu sync.Mutex
	var keys []string
	remote := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		if len(keys) == 1 {
			rw.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer remote.Close()
	w.define("child", []object{startAt(10), approve(10, "any", 99, "E3"), endAt(99)}, nil)
	w.define("parent", []object{
		startAt(5),
		{"seq": 5, "type": "trigger", "name": "通知", "http": object{"url": remote.URL}, "next": []object{{"to": 10}}},
		{"seq": 10, "type": "subflow", "name": "子流程", "flow": "child", "wait": true, "next": []object{{"to": 20}}},
		approve(20, "any", 99, "E2"), endAt(99),
	}, nil)
	no := w.launched("parent", "ts")
	var child string
	eventually(t, 30*time.Second, 50*time.Millisecond, "the child", func() error {
		var page struct {
			Flows []struct {
				No    string `json:"flow_running_number"`
				State string
			}
		}
		must(t, "GET", "http://"+w.http+"/api/v1/flows?flow_code=child", "", &page)
		if len(page.Flows) != 1 || page.Flows[0].State != "RUNNING" {
			return fmt.Errorf("%v", page)
		}
		child = page.Flows[0].No
		return nil
	})
	if a := w.decided(child, 10, "E3", "approve"); a.Data.State != "APPROVED" {
		t.Fatalf("the child: %s", a)
	}
	eventually(t, 30*time.Second, 50*time.Millisecond, "the parent goes on", func() error {
		if d := w.detail(no); !slices.Equal(d.Nodes, []int{20}) {
			return fmt.Errorf("%v", d.Nodes)
		}
		return nil
	})
	mu.Lock()
	if len(keys) != 2 || keys[0] != keys[1] || keys[0] == "" {
		t.Errorf("the calls had the keys %q", keys)
	}
	mu.Unlock()
	other := w.launched("parent", "ts2")
	var orphan string
	eventually(t, 30*time.Second, 50*time.Millisecond, "the second child", func() error {
		orphan = other + strings.TrimPrefix(child, no)
		if status, body, err := call("GET", "http://"+w.http+"/api/v1/flows/"+orphan, ""); status != 200 || !strings.Contains(body, `"RUNNING"`) {
			return fmt.Errorf("%d %s %v", status, body, err)
		}
		return nil
	})
	w.flow("discard", "flowRunningNumber", other, "userName", "员工1")
	eventually(t, 30*time.Second, 50*time.Millisecond, "the child of a discarded flow", func() error {
		if d := w.detail(orphan); d.State != "DISCARDED" {
			return fmt.Errorf("%s", d.State)
		}
		return nil
	})
}

// What an operator does to a workflow: cancel discards the flow, terminate
// only costs the next call a moment.
func operatorsHands(t *testing.T, w *flowWorld) {
	c := w.temporalClient()
	no := w.launched("plain", "oh1")
	if err := c.CancelWorkflow(t.Context(), no, ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, 50*time.Millisecond, "the discard", func() error {
		if d := w.detail(no); d.State != "DISCARDED" {
			return fmt.Errorf("%s", d.State)
		}
		return nil
	})
	no = w.launched("plain", "oh2")
	w.historyLength(no)
	if err := c.TerminateWorkflow(t.Context(), no, "", "a test"); err != nil {
		t.Fatal(err)
	}
	if a := w.decided(no, 10, "E2", "approve"); a.Status != 200 || a.Data.Applied != 1 || !slices.Equal(a.Data.Nodes, []int{20}) {
		t.Errorf("after the workflow was terminated: %s", a)
	}
}

// Histories hold numbers, codes and counts; names, opinions and form fields
// stay in the database.
func nothingPersonal(t *testing.T, w *flowWorld) {
	w.row("np", object{"amount": 1, "secret": "表单内容"})
	a := w.flow("launch", "flowCode", "plain", "dataId", "np", "userCode", "E1", "userName", "员工1", "deptName", "研发部")
	w.decided(a.Data.No, 10, "E2", "approve")
	w.flow("discard", "flowRunningNumber", a.Data.No, "userName", "员工1")
	text := ""
	for _, e := range events(t, w.temporalClient(), a.Data.No, "") {
		raw, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		text += string(raw)
	}
	for _, payload := range payloads(t, text) {
		for _, word := range []string{"员工", "意见", "表单内容", "研发部"} {
			if strings.Contains(payload, word) {
				t.Errorf("the history holds %q: %s", word, payload)
			}
		}
	}
}

var payloadData = regexp.MustCompile(`"data":"([A-Za-z0-9+/=]+)"`)

// payloads decodes what a history's JSON holds in payloads.
func payloads(t *testing.T, history string) []string {
	t.Helper()
	var out []string
	for _, m := range payloadData.FindAllStringSubmatch(strings.ReplaceAll(history, `"data": "`, `"data":"`), -1) {
		raw, err := base64.StdEncoding.DecodeString(m[1])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(raw))
	}
	if len(out) < 5 {
		t.Fatalf("%d payloads were found in the history", len(out))
	}
	return out
}
