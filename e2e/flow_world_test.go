package e2e

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"

	"orgflow/internal/testpg"
)

// flowWorld is an installation with an organisation of some departments and
// people, pulled, for approval flows.
type flowWorld struct {
	*world
	program  *process
	db       *sql.DB // the installation's own, to look at
	channels int     // by which people are told
}

// crowd is how many people the organisation has: E1 … E60.
const crowd = 60

// newFlowWorld starts the program on a database. E1 launches; E2 leads 研发部,
// E3 客服部; 无主部 has no manager; there are two departments 重名.
// Messages go to the simulators where told says so; elsewhere they stay in
// the outbox, for want of an application that sends them.
func newFlowWorld(t *testing.T, postgres, told bool) *flowWorld {
	t.Helper()
	w := &flowWorld{world: newWorld(t)}
	if postgres {
		w.env["ORGFLOW_DATABASE_URL"] = testpg.URL(t)
	}
	everybody := make([]string, 0, 12)
	for i := 11; i <= 22; i++ {
		everybody = append(everybody, fmt.Sprintf("E%d", i))
	}
	ding := object{
		"base_url": "http://" + w.sims + "/dingtalk", "api_base_url": "http://" + w.sims + "/dingtalk",
		"appkey": "${DINGTALK_APPKEY}", "appsecret": "${DINGTALK_APPSECRET}", "root_department_id": 1, "qps": 0,
	}
	consumers, channels := object{"ding_talk": ding}, []string{"ding_talk"}
	if told {
		ding["agent_id"] = "1000001"
		consumers["we_com"] = object{
			"base_url": "http://" + w.sims + "/wecom", "corpid": "${WECOM_CORPID}", "corpsecret": "${WECOM_CORPSECRET}", "qps": 0,
			"agent_id": 1000002, "agent_secret": "wecomsim-app",
		}
		channels = append(channels, "we_com")
	}
	w.put("companies/129/company.json", encode(t, object{
		"company_id": 129, "name": "e2e", "time_zone": "Asia/Shanghai", "triggers": object{"hosts": []string{"127.0.0.1"}},
		"source":    object{"type": "hcm", "base_url": "http://" + w.sims + "/hcm", "auth": object{"mode": "bearer", "token": "${HCM_TOKEN}"}},
		"consumers": consumers,
		"roles":     object{"flow_admin": []string{"E9"}, "finance": []string{"E5", "E6"}, "board": everybody},
		"notify":    object{"channels": channels},
	}))
	w.channels = len(channels)
	w.begins()
	w.organisation()
	w.db = w.opened(t)
	return w
}

// begins starts the program, again after it was killed.
func (w *flowWorld) begins() {
	w.t.Helper()
	w.program = w.serve()
}

func (w *flowWorld) organisation() {
	w.t.Helper()
	dept := func(id, parent int, name string, managers ...string) object {
		return object{"dept_id": id, "name": name, "parent_id": parent, "order": id, "dept_manager_userid_list": append([]string{}, managers...)}
	}
	depts := []object{{"dept_id": 1, "name": "公司", "order": 1, "dept_manager_userid_list": []string{}},
		dept(10, 1, "研发部", "E2"), dept(20, 1, "客服部", "E3"), dept(30, 1, "无主部"), dept(40, 10, "重名"), dept(50, 20, "重名")}
	var users []object
	for i := 1; i <= crowd; i++ {
		in := 10
		if i == 3 {
			in = 20
		}
		users = append(users, object{
			"userid": fmt.Sprintf("E%d", i), "job_number": fmt.Sprintf("E%d", i), "unionid": fmt.Sprintf("u%d", i), "name": fmt.Sprintf("员工%d", i),
			"mobile": fmt.Sprintf("100%08d", i), "active": true, "dept_id_list": []int{in},
		})
	}
	must(w.t, "PUT", "http://"+w.sims+"/_sim/dingtalk/state", encode(w.t, object{"departments": depts, "users": users, "pending_invites": []any{}}), nil)
	var employees []object // at WeCom
	for _, u := range users {
		employees = append(employees, object{"userid": u["userid"], "name": u["name"], "mobile": u["mobile"], "department": []int{1}, "main_department": 1, "order": []int{0}, "is_leader_in_dept": []int{0}, "status": 1})
	}
	must(w.t, "PUT", w.simURL("wecom", "state"), encode(w.t, object{"departments": []object{{"id": 1, "name": "公司"}}, "users": employees}), nil)
	w.pulled()
}

// pulled brings DingTalk's people into the local organisation.
func (w *flowWorld) pulled() {
	w.t.Helper()
	var pull struct{ ID string }
	must(w.t, "POST", "http://"+w.http+"/api/v1/org/pulls", `{"company_id": 129}`, &pull)
	eventually(w.t, time.Minute, 50*time.Millisecond, "the pull", func() error {
		var s pullSummary
		must(w.t, "GET", "http://"+w.http+"/api/v1/org/pulls/"+pull.ID, "", &s)
		if s.Status != "completed" {
			return fmt.Errorf("%s %v", s.Status, s.Error)
		}
		return nil
	})
}

// define publishes a definition of nodes; launch and policy may be nil.
func (w *flowWorld) define(code string, nodes []object, extra object) {
	w.t.Helper()
	d := object{
		"schema": "flow-def/1", "flowCode": code, "name": "测试" + code, "form": object{"board": "b", "title": "{userName}的{name}"},
		"admins": []string{"role:flow_admin"}, "nodes": nodes,
	}
	maps.Copy(d, extra)
	must(w.t, "PUT", "http://"+w.http+"/api/v1/flow-definitions/"+code+"?company_id=129", encode(w.t, d), nil)
}

// approve is a node whose people are named.
func approve(seq int, mode string, next int, users ...string) object {
	return object{
		"seq": seq, "type": "approve", "name": fmt.Sprintf("节点%d", seq), "sign": object{"mode": mode},
		"approvers": []object{{"by": "user", "users": users}}, "next": []object{{"to": next}},
	}
}

func startAt(next int) object {
	return object{"seq": 0, "type": "start", "name": "发起", "next": []object{{"to": next}}}
}

func endAt(seq int) object { return object{"seq": seq, "type": "end", "name": "结束"} }

// row stores a form row.
func (w *flowWorld) row(id string, row object) {
	w.t.Helper()
	must(w.t, "PUT", "http://"+w.http+"/api/v1/boards/b/rows/"+url.PathEscape(id), encode(w.t, row), nil)
}

// together calls n times at one moment and returns the answers.
func (w *flowWorld) together(n int, do func(i int) (answered, error)) []answered {
	w.t.Helper()
	out, errs := make([]answered, n), make([]error, n)
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-begin
			out[i], errs[i] = do(i)
		})
	}
	close(begin)
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			w.t.Fatalf("call %d: %v", i, err)
		}
	}
	return out
}

// historyLength is how many events the newest execution of a flow has, once
// it waits: a step shows in the database a moment before its workflow knows.
func (w *flowWorld) historyLength(no string) int {
	w.t.Helper()
	c, n := w.temporalClient(), 0
	eventually(w.t, time.Minute, 10*time.Millisecond, "the workflow waits", func() error {
		d, err := c.DescribeWorkflowExecution(w.t.Context(), no, "")
		if err != nil {
			return err
		}
		list := events(w.t, c, no, d.GetWorkflowExecutionInfo().GetExecution().GetRunId())
		var in struct{ Round int }
		if err := json.Unmarshal(list[0].GetWorkflowExecutionStartedEventAttributes().GetInput().GetPayloads()[0].GetData(), &in); err != nil {
			return err
		}
		flow, runs := w.detail(no), d.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
		closed := slices.Contains([]string{"APPROVED", "REJECTED", "DISCARDED"}, flow.State)
		switch {
		case len(d.GetPendingActivities()) > 0 || d.GetPendingWorkflowTask() != nil:
			return errNotYet
		case closed == runs: // it has not ended yet
			return fmt.Errorf("the flow is %s, its workflow %s", flow.State, d.GetWorkflowExecutionInfo().GetStatus())
		case !closed && in.Round != flow.Round: // it goes on in another execution for every round
			return fmt.Errorf("the flow is in round %d, its workflow in round %d", flow.Round, in.Round)
		}
		n = len(list)
		return nil
	})
	return n
}
