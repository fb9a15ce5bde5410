package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"sync"
)

// board calls a running program over HTTP as a low-code board does: it stores
// a decision, then has it worked on.
type board struct {
	api   string
	mu    sync.Mutex
	flows map[string]string // name → number
}

// flowCode is the definition of every flow of the benchmarks.
const flowCode = "bench01"

const organisation = `{"departments": [{"dept_id": 1, "name": "bench", "order": 1, "dept_manager_userid_list": []}], "pending_invites": [], "users": [
 {"userid": "E1", "job_number": "E1", "unionid": "u1", "name": "员工1", "mobile": "10000000001", "active": true, "dept_id_list": [1]},
 {"userid": "E2", "job_number": "E2", "unionid": "u2", "name": "员工2", "mobile": "10000000002", "active": true, "dept_id_list": [1]}]}`

// newBoard pulls an organisation of two and publishes a definition: so many
// nodes, one after the other, which E2 approves.
func newBoard(ctx context.Context, p *process, nodes int, messages bool) (*board, error) {
	b := &board{api: p.api, flows: map[string]string{}}
	if err := b.organise(ctx, p); err != nil {
		return nil, err
	}
	if !messages {
		if err := writeCompany(p.dir, fmt.Sprintf(`{"company_id": %d, "name": "bench"}`, companyID)); err != nil {
			return nil, err
		}
	}
	return b, put(ctx, fmt.Sprintf("%s/api/v1/flow-definitions/%s?company_id=%d", p.api, flowCode, companyID), definition(nodes))
}

func (b *board) organise(ctx context.Context, p *process) error {
	if err := put(ctx, p.sim+"/_sim/dingtalk/state", organisation); err != nil {
		return err
	}
	pull, err := postJSON[struct{ ID string }](ctx, b.api+"/api/v1/org/pulls", fmt.Sprintf(`{"company_id": %d}`, companyID))
	if err != nil {
		return err
	}
	return poll(ctx, func() (bool, error) {
		s, err := get[struct{ Status string }](ctx, b.api+"/api/v1/org/pulls/"+pull.ID)
		if err == nil && s.Status != "running" && s.Status != "completed" {
			err = fmt.Errorf("the organisation's pull ended %s", s.Status)
		}
		return s.Status == "completed", err
	})
}

type object = map[string]any

// definition is a chain of nodes: seq 1, 2, …
func definition(nodes int) string {
	list := []object{{"seq": 0, "type": "start", "next": []object{{"to": 1}}}}
	for seq := 1; seq <= nodes; seq++ {
		list = append(list, object{
			"seq": seq, "type": "approve", "name": fmt.Sprint("node ", seq),
			"approvers": []object{{"by": "user", "users": []string{"E2"}}}, "next": []object{{"to": seq + 1}},
		})
	}
	list = append(list, object{"seq": nodes + 1, "type": "end"})
	raw, _ := json.Marshal(object{ // texts and numbers only: cannot fail
		"schema": "flow-def/1", "flowCode": flowCode, "name": "bench", "nodes": list,
		"form":   object{"board": "bench", "snapshot": []string{"amount"}, "title": "{userName}的{name}：{form.amount}"},
		"policy": object{"dedup": "none"},
	})
	return string(raw)
}

func (b *board) prepare(ctx context.Context, flow string) error {
	return put(ctx, fmt.Sprintf("%s/api/v1/boards/bench/rows/%s?company_id=%d", b.api, flow, companyID), `{"amount": 1200, "purpose": "bench"}`)
}

// answer is what a call of boards is answered.
type answer struct {
	Data struct {
		No       string `json:"flowRunningNumber"`
		State    string `json:"state"`
		Accepted bool   `json:"accepted"`
		Already  bool   `json:"already"`
		Applied  int    `json:"applied"`
	}
}

func (b *board) launch(ctx context.Context, flow string) error {
	q := url.Values{"company_id": {fmt.Sprint(companyID)}, "flowCode": {flowCode}, "dataId": {flow}, "userCode": {"E1"}}
	for {
		a, err := get[answer](ctx, b.api+"/flow/launch?"+q.Encode())
		switch {
		case err != nil:
			return err
		case a.Data.State == "STARTING": // taken, and not begun within the call's time; the same click finds it
			continue
		case a.Data.State != "RUNNING":
			return fmt.Errorf("flow %s was launched and is %s", a.Data.No, a.Data.State)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.flows[flow] = a.Data.No
		return nil
	}
}

func (b *board) number(flow string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.flows[flow]
}

func (b *board) decide(ctx context.Context, flow string, n int) error {
	no := b.number(flow)
	err := post(ctx, fmt.Sprintf("%s/api/v1/flows/%s/decisions?company_id=%d", b.api, no, companyID),
		fmt.Sprintf(`{"node_seq": %d, "user_code": "E2", "decision": "approve", "comment": "同意"}`, n+1))
	if err != nil {
		return err
	}
	q := url.Values{"company_id": {fmt.Sprint(companyID)}, "flowRunningNumber": {no}}
	for {
		a, err := get[answer](ctx, b.api+"/flow/onAudit?"+q.Encode())
		switch {
		case err != nil:
			return err
		case a.Data.Accepted: // taken, and not finished within the call's time
			continue
		case a.Data.Applied != 1 && !a.Data.Already:
			return fmt.Errorf("decision %d on flow %s: %+v", n, no, a.Data)
		}
		return nil
	}
}
