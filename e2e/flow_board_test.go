package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// answered is what a call of a board was answered.
type answered struct {
	Status  int
	Code    any
	Message string
	Field   string
	Data    struct {
		No       string `json:"flowRunningNumber"`
		State    string
		Round    int
		Rev      int   `json:"stateRev"`
		Nodes    []int `json:"currentNodes"`
		Existing bool
		Already  bool
		Accepted bool
		Applied  int
		Urged    []string
		Jump     string
		Audits   []struct {
			ID      int64
			Outcome string
		}
	}
}

func (a answered) String() string {
	return fmt.Sprintf("%d %v %s %+v", a.Status, a.Code, a.Message, a.Data)
}

// flow makes a call of a board: "launch", "onAudit", … with parameters.
func (w *flowWorld) flow(name string, params ...string) answered {
	w.t.Helper()
	a, err := w.tryFlow(name, params...)
	if err != nil {
		w.t.Fatalf("/flow/%s %v: %v", name, params, err)
	}
	return a
}

func (w *flowWorld) tryFlow(name string, params ...string) (answered, error) {
	query := url.Values{}
	for i := 0; i+1 < len(params); i += 2 {
		query.Set(params[i], params[i+1])
	}
	path := "/flow/" + name
	if strings.HasPrefix(name, "/") {
		path = name
	}
	status, body, err := call("GET", "http://"+w.http+path+"?"+query.Encode(), "")
	if err != nil {
		return answered{}, err
	}
	a := answered{Status: status}
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		return a, fmt.Errorf("%d %s: %w", status, body, err)
	}
	return a, nil
}

// launched launches a flow for a new row and wants it RUNNING.
func (w *flowWorld) launched(code, data string, params ...string) string {
	w.t.Helper()
	w.row(data, object{"amount": 100})
	a := w.flow("launch", append([]string{"flowCode", code, "dataId", data, "userCode", "E1", "userName", "员工1", "deptName", "研发部"}, params...)...)
	w.runs(a)
	return a.Data.No
}

// runs wants what a launch was answered to be a flow that runs. Like a board
// it takes 202 for what it says: the flow has its number, and its first node
// opens when those before it are open.
func (w *flowWorld) runs(a answered) {
	w.t.Helper()
	if a.Status == 202 && a.Data.No != "" && a.Data.State == "STARTING" && a.Data.Accepted {
		eventually(w.t, time.Minute, 20*time.Millisecond, "flow "+a.Data.No+" runs", func() error {
			if d := w.detail(a.Data.No); d.State != "RUNNING" {
				return fmt.Errorf("%s", d.State)
			}
			return nil
		})
		return
	}
	if a.Status != 200 || a.Data.State != "RUNNING" || a.Data.No == "" {
		w.t.Fatalf("launch: %s", a)
	}
}

// decide stores a decision as a board does.
func (w *flowWorld) decide(no string, node int, user, verdict string, extra ...object) int64 {
	w.t.Helper()
	d := object{"node_seq": node, "user_code": user, "decision": verdict, "comment": "意见"}
	for _, e := range extra {
		maps.Copy(d, e)
	}
	var stored struct{ ID int64 }
	must(w.t, "POST", "http://"+w.http+"/api/v1/flows/"+no+"/decisions", encode(w.t, d), &stored)
	return stored.ID
}

// decided stores a decision and has it worked on.
func (w *flowWorld) decided(no string, node int, user, verdict string) answered {
	w.t.Helper()
	w.decide(no, node, user, verdict)
	return w.flow("onAudit", "flowRunningNumber", no)
}

// relaunched relaunches a flow and waits until the round has begun.
func (w *flowWorld) relaunched(no string, round int) answered {
	w.t.Helper()
	a := w.flow("relaunch", "flowRunningNumber", no)
	if a.Status == 202 {
		eventually(w.t, time.Minute, 20*time.Millisecond, "the next round of flow "+no, func() error {
			if d := w.detail(no); d.Round != round || d.State != "RUNNING" {
				return fmt.Errorf("round %d is %s", d.Round, d.State)
			}
			return nil
		})
		return a
	}
	if a.Status != 200 || a.Data.State != "RUNNING" || a.Data.Round != round {
		w.t.Fatalf("relaunch: %s", a)
	}
	return a
}

// repairs has an admin move a FAULTED flow on to another node.
func (w *flowWorld) repairs(no string, to int) {
	w.t.Helper()
	must(w.t, "POST", "http://"+w.http+"/api/v1/flows/"+no+"/repair", fmt.Sprintf(`{"by": "E9", "action": "jump", "to_node_seq": %d}`, to), nil)
}

// flowDetail is what contract § 4 says of a flow, as far as tests look.
type flowDetail struct {
	Code  string `json:"flow_code"`
	State string
	Round int
	Rev   int   `json:"state_rev"`
	Nodes []int `json:"current_nodes"`
	Tasks []struct {
		Node  int `json:"node_seq"`
		Round int
		User  string `json:"user_code"`
		State string
		Kind  string
	}
	Visits []struct {
		Node  int `json:"node_seq"`
		State string
	} `json:"nodes"`
	Timeline []struct {
		Type  string
		Actor string
	}
}

func (w *flowWorld) detail(no string) flowDetail {
	w.t.Helper()
	var d flowDetail
	must(w.t, "GET", "http://"+w.http+"/api/v1/flows/"+no, "", &d)
	return d
}

// tasks lists the tasks of a round as "node user state".
func (d flowDetail) tasks() []string {
	var out []string
	for _, t := range d.Tasks {
		if t.Round == d.Round {
			out = append(out, fmt.Sprintf("%d %s %s", t.Node, t.User, t.State))
		}
	}
	slices.Sort(out)
	return out
}

func (d flowDetail) events(kind string) int {
	n := 0
	for _, e := range d.Timeline {
		if e.Type == kind {
			n++
		}
	}
	return n
}
