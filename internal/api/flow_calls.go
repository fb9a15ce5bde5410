package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"orgflow"
	"orgflow/internal/config"
	"orgflow/internal/flowcall"
)

// FlowCalls answers the calls of boards on approval flows. A refused call is
// a *flowcall.Error.
type FlowCalls interface {
	Launch(ctx context.Context, in flowcall.LaunchParams) (flowcall.Answer, error)
	OnAudit(ctx context.Context, in flowcall.AuditParams) (flowcall.Answer, error)
	Relaunch(ctx context.Context, in flowcall.FlowParams) (flowcall.Answer, error)
	Discard(ctx context.Context, in flowcall.DiscardParams) (flowcall.Answer, error)
	Urgent(ctx context.Context, in flowcall.FlowParams) (flowcall.Answer, error)
	Steer(ctx context.Context, in flowcall.SteerParams) (flowcall.Answer, error)
	TaskNotify(ctx context.Context, taskNo, company string) (flowcall.TaskAnswer, error)
}

// flowNumber is a parameter that many calls have.
var flowNumber = needed("flowRunningNumber", "number of the flow")

func flowOf(v url.Values) flowcall.FlowParams {
	return flowcall.FlowParams{Number: v.Get("flowRunningNumber"), Company: v.Get("company_id")}
}

func (s *server) flowCallRoutes() {
	s.boardCallRoutes(boardCalls{
		tag: "approval flows", need: config.AccessOperate, json: true, late: true, unreadable: CodeBadParam, refused: refusedCall,
		about: "For boards: query or form parameters, or a JSON object of the same keys; repeating a call changes nothing. " +
			"Refused calls have the codes and statuses of the handbook of approval flows.",
		calls: s.flowBoardCalls(),
	})
	s.flowSteerRoutes()
}

func (s *server) flowBoardCalls() []boardCall {
	answer := func(a flowcall.Answer, err error) (boardAnswer, error) {
		return boardAnswer{data: a, accepted: a.Accepted, subject: a.Number}, err
	}
	flow := reflect.TypeFor[flowcall.Answer]()
	return []boardCall{
		{path: "/flow/launch", id: "launch-flow", act: "launch", summary: "Launch an approval flow for a saved form row", data: flow, params: []boardParam{
			optional("flowRunningNumber", "number of the flow; empty: the next one of the definition's serial"),
			needed("flowCode", "code of the definition"), needed("dataId", "id of the saved form row"),
			optional("userName", "name of the initiator"), optional("userCode", "code of the initiator; found by name where it is empty"),
			optional("deptName", "department of the initiator"), companyParam,
		}, do: func(ctx context.Context, v url.Values) (boardAnswer, error) {
			return answer(s.FlowCalls.Launch(ctx, flowcall.LaunchParams{
				Number: v.Get("flowRunningNumber"), FlowCode: v.Get("flowCode"), DataID: v.Get("dataId"),
				UserName: v.Get("userName"), UserCode: v.Get("userCode"), DeptName: v.Get("deptName"), Company: v.Get("company_id"),
			}))
		}},
		{path: "/flow/onAudit", id: "audit-flow", act: string(orgflow.FlowAudit), summary: "Work on the decisions that are stored for a flow", data: flow, params: []boardParam{
			flowNumber, optional("nextNodeSeq", "node to go to instead of the definition's way; -1: not given, 0: back to the initiator"),
			optional("taskDeptManager", "departments, by code or exact name between commas, whose managers get tasks"), companyParam,
		}, do: func(ctx context.Context, v url.Values) (boardAnswer, error) {
			return answer(s.FlowCalls.OnAudit(ctx, flowcall.AuditParams{
				FlowParams: flowOf(v), NextNodeSeq: v.Get("nextNodeSeq"), TaskDeptManager: v.Get("taskDeptManager"),
			}))
		}},
		{path: "/flow/relaunch", id: "relaunch-flow", act: string(orgflow.FlowRelaunch), summary: "Open the next round of a flow that was returned or discarded", data: flow,
			params: []boardParam{flowNumber, companyParam},
			do: func(ctx context.Context, v url.Values) (boardAnswer, error) {
				return answer(s.FlowCalls.Relaunch(ctx, flowOf(v)))
			}},
		{path: "/flow/discard", id: "discard-flow", act: string(orgflow.FlowDiscard), summary: "End a flow, as its initiator or an admin", data: flow, params: []boardParam{
			flowNumber, optional("userName", "name of who discards"), optional("userCode", "code of who discards, where names repeat"), companyParam,
		}, do: func(ctx context.Context, v url.Values) (boardAnswer, error) {
			return answer(s.FlowCalls.Discard(ctx, flowcall.DiscardParams{FlowParams: flowOf(v), UserName: v.Get("userName"), UserCode: v.Get("userCode")}))
		}},
		{path: "/flow/urgent", id: "urge-flow", act: string(orgflow.FlowUrge), summary: "Remind whoever has an open task of a flow", data: flow, params: []boardParam{flowNumber, companyParam},
			do: func(ctx context.Context, v url.Values) (boardAnswer, error) {
				return answer(s.FlowCalls.Urgent(ctx, flowOf(v)))
			}},
		{path: "/message/taskNotify", id: "notify-task", act: "notify", summary: "Tell the assignee of a submitted board task", data: reflect.TypeFor[flowcall.TaskAnswer](),
			params: []boardParam{needed("taskNo", "number of the board task"), companyParam},
			do: func(ctx context.Context, v url.Values) (boardAnswer, error) {
				a, err := s.FlowCalls.TaskNotify(ctx, v.Get("taskNo"), v.Get("company_id"))
				return boardAnswer{data: a, subject: a.TaskNo}, err
			}},
	}
}

// refusedCall turns a refused call into an answer with the code and status of
// the catalogue (approval reference B.3).
func refusedCall(err error) error {
	var refused *flowcall.Error
	if !errors.As(err, &refused) {
		return err
	}
	e := &Error{Code: orgflow.Code(refused.Code), Message: refused.Message, Field: refused.Field, status: refused.Status}
	if refused.RetryAfter > 0 {
		seconds := int((refused.RetryAfter + time.Second - 1) / time.Second)
		e.headers = http.Header{"Retry-After": {strconv.Itoa(seconds)}}
	}
	return e
}

// flowSteer is what somebody does to a flow besides.
type flowSteer struct {
	By     string `json:"by" minLength:"1" maxLength:"128" doc:"user code of who does this"`
	Action string `json:"action,omitempty" enum:"retry,jump" doc:"of repair"`
	From   *int   `json:"from_node_seq,omitempty" doc:"of jump: the current node to leave; absent: the flow as a whole"`
	To     *int   `json:"to_node_seq,omitempty" doc:"of jump, and of repair by jump"`
}

// Resolve is that of steerBody.
func (b *flowSteer) Resolve(ctx huma.Context, prefix *huma.PathBuffer) []error {
	return ownName(ctx, prefix, b.By)
}

type flowSteerInput struct {
	No        string `path:"no" maxLength:"128" doc:"number of the flow"`
	CompanyID int64  `query:"company_id" minimum:"1" doc:"needed where several companies are configured"`
	Body      flowSteer
}

type flowSteerOutput struct {
	Status int
	Body   flowcall.Answer
}

func (s *server) flowSteerRoutes() {
	for _, verb := range []struct {
		kind    orgflow.FlowCommandKind
		summary string
	}{
		{orgflow.FlowRepair, "Move a FAULTED flow on: try again, or go on at another node"},
		{orgflow.FlowWithdraw, "Take a running flow back, as its initiator"},
		{orgflow.FlowRetract, "Take one's newest approval back, as long as nobody has built on it"},
		{orgflow.FlowJump, "Move a running flow to a node, as one of its admins"},
	} {
		register(s, huma.Operation{
			OperationID: string(verb.kind) + "-flow", Method: http.MethodPost, Path: "/api/v1/flows/{no}/" + string(verb.kind),
			Tags: []string{"approval flows"}, Summary: verb.summary,
		}, config.AccessOperate, func(ctx context.Context, in *flowSteerInput) (*flowSteerOutput, error) {
			company := ""
			if in.CompanyID > 0 {
				company = strconv.FormatInt(in.CompanyID, 10)
			}
			a, err := s.FlowCalls.Steer(ctx, flowcall.SteerParams{
				FlowParams: flowcall.FlowParams{Number: in.No, Company: company},
				Kind:       verb.kind, By: in.Body.By, Action: in.Body.Action, From: in.Body.From, To: in.Body.To,
			})
			if err != nil {
				return nil, refusedCall(err)
			}
			s.did(ctx, string(verb.kind), in.No)
			out := &flowSteerOutput{Status: http.StatusOK, Body: a}
			if a.Accepted {
				out.Status = http.StatusAccepted
			}
			return out, nil
		})
	}
}
