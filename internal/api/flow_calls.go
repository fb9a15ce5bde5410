package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
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

// boardCall is a call that boards make as a plain URL: GET or POST, with
// query or form parameters.
type boardCall struct {
	path, id, summary string
	params            []boardParam
	do                func(ctx context.Context, v url.Values) (data any, accepted bool, err error)
}

type boardParam struct {
	name, doc string
	required  bool
}

// flowNumber and companyParam are parameters that many calls have.
var (
	flowNumber   = boardParam{"flowRunningNumber", "number of the flow", true}
	companyParam = boardParam{"company_id", "needed where several companies are configured", false}
)

func flowOf(v url.Values) flowcall.FlowParams {
	return flowcall.FlowParams{Number: v.Get("flowRunningNumber"), Company: v.Get("company_id")}
}

func (s *server) boardCalls() []boardCall {
	answer := func(a flowcall.Answer, err error) (any, bool, error) { return a, a.Accepted, err }
	return []boardCall{
		{"/flow/launch", "launch-flow", "Launch an approval flow for a saved form row", []boardParam{
			{"flowRunningNumber", "number of the flow; empty: the next one of the definition's serial", false},
			{"flowCode", "code of the definition", true}, {"dataId", "id of the saved form row", true},
			{"userName", "name of the initiator", false}, {"userCode", "code of the initiator; found by name where it is empty", false},
			{"deptName", "department of the initiator", false}, companyParam,
		}, func(ctx context.Context, v url.Values) (any, bool, error) {
			return answer(s.FlowCalls.Launch(ctx, flowcall.LaunchParams{
				Number: v.Get("flowRunningNumber"), FlowCode: v.Get("flowCode"), DataID: v.Get("dataId"),
				UserName: v.Get("userName"), UserCode: v.Get("userCode"), DeptName: v.Get("deptName"), Company: v.Get("company_id"),
			}))
		}},
		{"/flow/onAudit", "audit-flow", "Work on the decisions that are stored for a flow", []boardParam{
			flowNumber, {"nextNodeSeq", "node to go to instead of the definition's way; -1: not given, 0: back to the initiator", false},
			{"taskDeptManager", "departments, by code or exact name between commas, whose managers get tasks", false}, companyParam,
		}, func(ctx context.Context, v url.Values) (any, bool, error) {
			return answer(s.FlowCalls.OnAudit(ctx, flowcall.AuditParams{
				FlowParams: flowOf(v), NextNodeSeq: v.Get("nextNodeSeq"), TaskDeptManager: v.Get("taskDeptManager"),
			}))
		}},
		{"/flow/relaunch", "relaunch-flow", "Open the next round of a flow that was returned or discarded", []boardParam{flowNumber, companyParam},
			func(ctx context.Context, v url.Values) (any, bool, error) {
				return answer(s.FlowCalls.Relaunch(ctx, flowOf(v)))
			}},
		{"/flow/discard", "discard-flow", "End a flow, as its initiator or an admin", []boardParam{
			flowNumber, {"userName", "name of who discards", false}, {"userCode", "code of who discards, where names repeat", false}, companyParam,
		}, func(ctx context.Context, v url.Values) (any, bool, error) {
			return answer(s.FlowCalls.Discard(ctx, flowcall.DiscardParams{FlowParams: flowOf(v), UserName: v.Get("userName"), UserCode: v.Get("userCode")}))
		}},
		{"/flow/urgent", "urge-flow", "Remind whoever has an open task of a flow", []boardParam{flowNumber, companyParam},
			func(ctx context.Context, v url.Values) (any, bool, error) {
				return answer(s.FlowCalls.Urgent(ctx, flowOf(v)))
			}},
		{"/message/taskNotify", "notify-task", "Tell the assignee of a submitted board task", []boardParam{{"taskNo", "number of the board task", true}, companyParam},
			func(ctx context.Context, v url.Values) (any, bool, error) {
				a, err := s.FlowCalls.TaskNotify(ctx, v.Get("taskNo"), v.Get("company_id"))
				return a, false, err
			}},
	}
}

func (s *server) flowCallRoutes() {
	for _, c := range s.boardCalls() {
		guarded := s.router.With(s.authorize(config.AccessOperate))
		guarded.Get(c.path, s.boardHandler(c))
		guarded.Post(c.path, s.boardHandler(c))
		s.describeBoardCall(c, http.MethodGet)
		s.describeBoardCall(c, http.MethodPost)
	}
	s.flowSteerRoutes()
}

// envelope is what boards are answered.
type envelope struct {
	Code      int    `json:"code"`
	Message   string `json:"message"`
	Data      any    `json:"data"`
	RequestID string `json:"request_id"`
}

func (s *server) boardHandler(c boardCall) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead { // routed like GET, but a look must not do anything
			s.write(w, r, &Error{Code: codeMethod, Message: "HEAD is not possible here; allowed: GET, POST", headers: http.Header{"Allow": {"GET, POST"}}})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
		if err := parseForm(r); err != nil {
			s.write(w, r, s.answer(r.Context(), err))
			return
		}
		data, accepted, err := c.do(r.Context(), r.Form)
		if err != nil {
			s.write(w, r, s.answer(r.Context(), refusedCall(err)))
			return
		}
		status, message := http.StatusOK, "ok"
		if accepted {
			status, message = http.StatusAccepted, "accepted; the effect shows in a moment"
		}
		writeJSON(w, status, envelope{Message: message, Data: data, RequestID: requestID(r.Context())})
	}
}

// parseForm gathers the parameters of the query and of the body: a form, or
// the same keys in a JSON object.
func parseForm(r *http.Request) error {
	var err error
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "multipart/form-data":
		err = r.ParseMultipartForm(MaxBody)
	case "application/json":
		return parseJSON(r)
	default:
		err = r.ParseForm()
	}
	if err != nil {
		return &Error{Code: CodeBadParam, Message: "the parameters cannot be read: they are sent in the query, as a form, or as a JSON object of texts and numbers", cause: err}
	}
	return nil
}

func parseJSON(r *http.Request) error {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return &Error{Code: CodeBadParam, Message: fmt.Sprintf("the body cannot be read: it may have %d bytes", MaxBody), cause: err}
	}
	var keys map[string]json.RawMessage
	if err := readBody(raw, &keys); err != nil {
		return err
	}
	r.Form = r.URL.Query()
	for name, value := range keys {
		var text string
		var n json.Number
		switch {
		case string(value) == "null":
		case json.Unmarshal(value, &text) == nil:
			r.Form.Set(name, text)
		case json.Unmarshal(value, &n) == nil:
			r.Form.Set(name, n.String())
		default:
			return badParam(name, "must be a text or a number")
		}
	}
	return nil
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

// describeBoardCall adds a call to the document: huma would read neither
// forms nor a method for each of two.
func (s *server) describeBoardCall(c boardCall, method string) {
	op := &huma.Operation{
		OperationID: c.id + "-" + strings.ToLower(method), Method: method, Path: c.path, Tags: []string{"approval flows"}, Summary: c.summary,
		Description: "For boards: query or form parameters, or a JSON object of the same keys; repeating a call changes nothing. Refused calls have the codes and statuses of the handbook of approval flows.",
		Responses: map[string]*huma.Response{
			"200":     {Description: `{"code": 0, "message": "ok", "data": {…}}`},
			"202":     {Description: "Taken; the effect shows in a moment"},
			"default": s.errorResponse(),
		},
		Security: []map[string][]string{{"bearer": {}}, {"key": {}}}, Extensions: map[string]any{"x-role": config.AccessOperate.String()},
	}
	for _, p := range c.params {
		op.Parameters = append(op.Parameters, &huma.Param{Name: p.name, In: "query", Required: p.required, Description: p.doc, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	s.huma.OpenAPI().AddOperation(op)
}

// flowSteer is what somebody does to a flow besides.
type flowSteer struct {
	By     string `json:"by" minLength:"1" maxLength:"128" doc:"user code of who does this"`
	Action string `json:"action,omitempty" enum:"retry,jump" doc:"of repair"`
	From   *int   `json:"from_node_seq,omitempty" doc:"of jump: the current node to leave; absent: the flow as a whole"`
	To     *int   `json:"to_node_seq,omitempty" doc:"of jump, and of repair by jump"`
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
			out := &flowSteerOutput{Status: http.StatusOK, Body: a}
			if a.Accepted {
				out.Status = http.StatusAccepted
			}
			return out, nil
		})
	}
}
