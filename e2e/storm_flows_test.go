package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"
)

// flowsStrand launches flows for rows of a board, decides, rejects, relaunches
// and discards them.
type flowsStrand struct {
	*premises
	board *callbacks
	flows map[string]story // by number
}

// stormFlows is how many flows a turn takes through their stories.
const stormFlows = 6

func newFlowsStrand(c *cluster) *flowsStrand {
	c.t.Helper()
	s := &flowsStrand{board: &callbacks{seen: map[string]int{}}, flows: map[string]story{}}
	s.premises = newPremises(c, flowsCompany, func(file, ding object) {
		ding["agent_id"] = "1000001"
		file["notify"] = object{"channels": []string{"ding_talk"}}
		file["roles"] = object{"flow_admin": []string{flowAdmin}}
		file["triggers"] = object{"hosts": []string{"127.0.0.1"}}
	})
	c.mount(s.path()+"board/", s.board)
	users := []object{}
	for n := range casts {
		for i := range 5 {
			id := fmt.Sprintf("%sE%d", castOf(n), i+1)
			users = append(users, object{"userid": id, "job_number": id, "unionid": "u" + id,
				"name": "员工" + id, "mobile": fmt.Sprintf("1005%06d%d", n, i), "active": true, "dept_id_list": []int{10}})
		}
	}
	units := []object{{"dept_id": 1, "name": "公司", "order": 1, "dept_manager_userid_list": []string{}}, unitOf(10, 1, "研发部")}
	if err := s.ding.PutState([]byte(encode(c.t, object{"departments": units, "users": users, "pending_invites": []any{}}))); err != nil {
		c.t.Fatal(err)
	}
	if err := s.ready(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	return s
}

// casts is how many groups of people there are, who take turns: nobody is
// brought more than 500 messages a day.
const casts = 24

// castOf is what the user codes of the n-th turn's people begin with.
func castOf(n int) string { return fmt.Sprintf("K%d-", n%casts) }

// flowAdmin repairs flows.
var flowAdmin = castOf(0) + "E4"

// flowCode is the definition of the n-th turn's flows.
func flowCode(n int) string { return fmt.Sprintf("storm%d", n%casts) }

// ready pulls the people and publishes the definitions.
func (s *flowsStrand) ready(ctx context.Context) error {
	var started struct{ ID string }
	var pull pullSummary
	if err := s.ask(ctx, "POST", "/api/v1/org/pulls", "storm-people", object{"company_id": s.company}, &started); err != nil {
		return err
	}
	if err := s.ended(ctx, "/api/v1/org/pulls/"+started.ID, &pull, func() string { return pull.Status }); err != nil || pull.Status != "completed" {
		return fmt.Errorf("the pull of the people: %s %w", pull.Status, err)
	}
	for n := range casts {
		code, of := flowCode(n), castOf(n)
		first := approve(10, "any", 20, of+"E2", of+"E3")
		first["allow"] = []string{"withdraw"}
		err := s.ask(ctx, "PUT", fmt.Sprintf("/api/v1/flow-definitions/%s?company_id=%d", code, s.company), "", object{
			"schema": "flow-def/1", "flowCode": code, "name": "风暴", "form": object{"board": "b", "title": "{userName}的{name}"}, "admins": []string{"role:flow_admin"},
			"nodes": []object{
				startAt(10), first, approve(20, "all", 30, of+"E5"),
				{"seq": 30, "type": "trigger", "name": "回写", "http": object{"url": s.vendor("board/done")}, "next": []object{{"to": 99}}}, endAt(99),
			},
		}, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *flowsStrand) name() string { return "flows" }

// turn takes some flows through their stories at once.
func (s *flowsStrand) turn(ctx context.Context, n int) error {
	errs := make([]error, stormFlows)
	numbers := make([]string, stormFlows)
	var all sync.WaitGroup
	for i := range stormFlows {
		all.Go(func() {
			data := fmt.Sprintf("%d-%d", n, i)
			numbers[i], errs[i] = s.tell(ctx, flowCode(n), data, s.story(n, i), i%2 == 0)
			if errs[i] != nil {
				errs[i] = fmt.Errorf("turn %d, row %s, flow %q: %w", n, data, numbers[i], errs[i])
			}
		})
	}
	all.Wait()
	var twice error
	for i, no := range numbers {
		if _, there := s.flows[no]; there {
			twice = fmt.Errorf("two flows have the number %s", no)
		}
		s.flows[no] = s.story(n, i)
	}
	return errors.Join(errors.Join(errs...), twice)
}

func (s *flowsStrand) story(n, i int) story {
	out := stories[(n+i)%len(stories)]
	out.cast = castOf(n)
	return out
}

// tell launches a flow and does what its story says.
func (s *flowsStrand) tell(ctx context.Context, code, data string, told story, numbered bool) (no string, err error) {
	path := fmt.Sprintf("/api/v1/boards/b/rows/%s?company_id=%d", data, s.company)
	if err := s.ask(ctx, "PUT", path, "", object{"amount": 1}, nil); err != nil {
		return "", err
	}
	if numbered {
		no = "given_" + data
	}
	if no, err = s.launch(ctx, code, data, told.cast+"E1", no); err != nil {
		return no, err
	}
	if err := s.reaches(ctx, no, told.cast, deed{state: "RUNNING", at: []int{10}}); err != nil {
		return no, err
	}
	for _, d := range told.decisions {
		if d.verdict != "" {
			body := object{"node_seq": d.node, "user_code": told.cast + d.user, "decision": d.verdict, "comment": "意见"}
			if err := s.ask(ctx, "POST", s.at(no, "/decisions"), "", body, nil); err != nil {
				return no, err
			}
		}
		if err := s.reaches(ctx, no, told.cast, d); err != nil {
			return no, err
		}
	}
	return no, nil
}

// at is an address of a flow.
func (s *flowsStrand) at(no, what string) string {
	return fmt.Sprintf("/api/v1/flows/%s%s?company_id=%d", no, what, s.company)
}

// launch launches a flow as a board does. Without a number of its own a launch
// is the same click for a minute: after that the board looks whether there is
// a flow for its row.
func (s *flowsStrand) launch(ctx context.Context, code, data, who, no string) (string, error) {
	params := url.Values{"flowCode": {code}, "dataId": {data}, "userCode": {who}, "flowRunningNumber": {no}, "company_id": {fmt.Sprint(s.company)}}
	for {
		click, stop := context.WithTimeout(ctx, 45*time.Second)
		var a answered
		err := s.ask(click, "GET", "/flow/launch?"+params.Encode(), "", nil, &a)
		stop()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return a.Data.No, err
		}
		var page struct {
			Flows []struct {
				No string `json:"flow_running_number"`
			}
		}
		if err := s.ask(ctx, "GET", fmt.Sprintf("/api/v1/flows?company_id=%d&flow_code=%s&data_id=%s", s.company, code, data), "", nil, &page); err != nil {
			return no, err
		}
		if len(page.Flows) > 0 {
			s.met("a launch that was not answered")
			return page.Flows[0].No, nil
		}
	}
}

// looked are refusals of a call whose effect may be there already, or is not
// yet possible: the flow itself says which.
var looked = []string{"FLOW_FINISHED", "NOT_UNDER_APPROVAL", "NO_STORED_DECISION", "FLOW_FAULTED", "FLOW_DISCARDED", "STILL_RUNNING", "NOT_FAULTED"}

// reaches has a flow worked on until it is where a deed brings it.
func (s *flowsStrand) reaches(ctx context.Context, no, cast string, d deed) error {
	calls := 0
	for began := time.Now(); ; {
		var now flowDetail
		if err := s.ask(ctx, "GET", s.at(no, ""), "", nil, &now); err != nil {
			return err
		}
		if now.State == d.state && (d.at == nil || slices.Equal(now.Nodes, d.at)) {
			return nil
		}
		if now.State == "FAULTED" { // the board was away for longer than the trigger asks
			s.met("a flow that was repaired")
			if err := s.look(s.ask(ctx, "POST", s.at(no, "/repair"), "", object{"by": flowAdmin, "action": "retry"}, nil)); err != nil {
				return err
			}
		} else if calls == 0 || time.Since(began) > 10*time.Second {
			calls++
			began = time.Now()
			if err := s.look(s.call(ctx, no, cast, d)); err != nil {
				return err
			}
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("is %s at %v, not %s at %v: %w", now.State, now.Nodes, d.state, d.at, err)
		}
	}
}

// call asks for a deed, again and again: that is harmless.
func (s *flowsStrand) call(ctx context.Context, no, cast string, d deed) error {
	params := url.Values{"flowRunningNumber": {no}, "company_id": {fmt.Sprint(s.company)}}
	name := d.call
	switch {
	case d.verdict != "":
		name = "onAudit"
	case name == "":
		return nil // a launch goes on by itself
	case name == "withdraw":
		return s.ask(ctx, "POST", s.at(no, "/withdraw"), "", object{"by": cast + "E1"}, nil)
	case name == "discard":
		params.Set("userCode", cast+"E1")
	}
	return s.ask(ctx, "GET", "/flow/"+name+"?"+params.Encode(), "", nil, nil)
}

// look takes a refusal for an answer that the flow itself explains.
func (s *flowsStrand) look(err error) error {
	if no := (*turnedDown)(nil); errors.As(err, &no) && slices.Contains(looked, no.code()) {
		return nil
	}
	return err
}
