package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/approval"
	"orgflow/internal/flowcall"
)

// flowCalls answers calls with what a test wants and remembers them.
type flowCalls struct {
	*world
	got     string
	answer  flowcall.Answer
	refusal *flowcall.Error
}

func (f *flowCalls) told(ctx context.Context, call string, in any) (flowcall.Answer, error) {
	f.got = fmt.Sprintf("%s %+v", call, in)
	if f.refusal != nil {
		return flowcall.Answer{}, f.refusal
	}
	answer := f.answer
	answer.Number = cmp.Or(answer.Number, "n1")
	return answer, f.begin(ctx)
}

func (f *flowCalls) Launch(ctx context.Context, in flowcall.LaunchParams) (flowcall.Answer, error) {
	return f.told(ctx, "launch", in)
}
func (f *flowCalls) OnAudit(ctx context.Context, in flowcall.AuditParams) (flowcall.Answer, error) {
	return f.told(ctx, "audit", in)
}
func (f *flowCalls) Relaunch(ctx context.Context, in flowcall.FlowParams) (flowcall.Answer, error) {
	return f.told(ctx, "relaunch", in)
}
func (f *flowCalls) Discard(ctx context.Context, in flowcall.DiscardParams) (flowcall.Answer, error) {
	return f.told(ctx, "discard", in)
}
func (f *flowCalls) Urgent(ctx context.Context, in flowcall.FlowParams) (flowcall.Answer, error) {
	return f.told(ctx, "urgent", in)
}
func (f *flowCalls) Steer(ctx context.Context, in flowcall.SteerParams) (flowcall.Answer, error) {
	to := "nowhere"
	if in.To != nil {
		to = fmt.Sprint(*in.To)
	}
	return f.told(ctx, string(in.Kind), fmt.Sprintf("%s by %s %s to %s", in.Number, in.By, in.Action, to))
}
func (f *flowCalls) TaskNotify(ctx context.Context, taskNo, company string) (flowcall.TaskAnswer, error) {
	_, err := f.told(ctx, "notify", taskNo+" "+company)
	return flowcall.TaskAnswer{TaskNo: taskNo, User: "E5"}, err
}

func flowCallWorld() (*flowCalls, http.Handler) {
	w := newWorld()
	f := &flowCalls{world: w, answer: flowcall.Answer{Answer: approval.Answer{Number: "n1", State: orgflow.FlowRunning, Round: 1, CurrentNodes: []int{10}}}}
	d := w.deps()
	d.FlowCalls = f
	return f, New(d)
}

// Boards call plain URLs: GET or POST, parameters in the query or as a form;
// Chinese texts come through.
func TestBoardsCallPlainURLs(t *testing.T) {
	const form = "Content-Type: application/x-www-form-urlencoded"
	for _, test := range []struct{ method, path, body, header, want string }{
		{"GET", "/flow/launch?flowRunningNumber=&flowCode=ztbxx01&dataId=5&userName=%E5%BC%A0&userCode=RS001&deptName=%E4%BA%BA%E5%8A%9B%E4%B8%AD%E5%BF%83", "", "",
			"launch {Number: FlowCode:ztbxx01 DataID:5 UserName:张 UserCode:RS001 DeptName:人力中心 Company:}"},
		{"POST", "/flow/launch", "flowCode=a&dataId=6&userCode=E1&company_id=129", form, "launch {Number: FlowCode:a DataID:6 UserName: UserCode:E1 DeptName: Company:129}"},
		{"POST", "/flow/onAudit?flowRunningNumber=n1", "nextNodeSeq=-1&taskDeptManager=a,b", form, "audit {FlowParams:{Number:n1 Company:} NextNodeSeq:-1 TaskDeptManager:a,b}"},
		{"POST", "/flow/launch", `{"flowCode": "a", "dataId": 6, "userCode": "E1", "deptName": null, "company_id": "129"}`, "Content-Type: application/json; charset=utf-8",
			"launch {Number: FlowCode:a DataID:6 UserName: UserCode:E1 DeptName: Company:129}"},
		{"GET", "/flow/relaunch?flowRunningNumber=n1", "", "", "relaunch {Number:n1 Company:}"},
		{"GET", "/flow/relaunch?flowRunningNumber=n2", "", "Content-Type: application/json", "relaunch {Number:n2 Company:}"}, // sent with every call by some clients
		{"GET", "/flow/discard?flowRunningNumber=n1&userName=admin", "", "", "discard {FlowParams:{Number:n1 Company:} UserName:admin UserCode:}"},
		{"GET", "/flow/urgent?flowRunningNumber=n1", "", "", "urgent {Number:n1 Company:}"},
		{"GET", "/message/taskNotify?taskNo=RW1", "", "", "notify RW1 "},
	} {
		f, h := flowCallWorld()
		var headers []string
		if test.header != "" {
			headers = append(headers, test.header)
		}
		res := call(h, test.method, test.path, test.body, headers...)
		if res.Code != 200 || !strings.Contains(res.Body.String(), `"code":0,"message":"ok","data":{`) || res.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: %d %s %v", test.method, test.path, res.Code, res.Body, res.Header())
		}
		if f.got != test.want {
			t.Errorf("%s %s:\n%s, want\n%s", test.method, test.path, f.got, test.want)
		}
	}
}

// Refused calls have the code, the status and the field of the catalogue;
// whoever shall come back is told when.
func TestRefusedBoardCalls(t *testing.T) {
	f, h := flowCallWorld()
	f.refusal = &flowcall.Error{Code: "URGED_TOO_OFTEN", Message: "wait", Status: 429, RetryAfter: 90500 * time.Millisecond}
	res := call(h, "GET", "/flow/urgent?flowRunningNumber=n1", "")
	if e := errorOf(t, res); res.Code != 429 || e.Code != "URGED_TOO_OFTEN" || res.Header().Get("Retry-After") != "91" {
		t.Errorf("%d %s %v", res.Code, res.Body, res.Header())
	}
	f.refusal = &flowcall.Error{Code: "BAD_PARAM", Message: "dataId is missing", Field: "dataId", Status: 400}
	if e := errorOf(t, call(h, "POST", "/flow/launch", "")); e.Field != "dataId" || e.Code != "BAD_PARAM" {
		t.Errorf("%+v", e)
	}
}

// What cannot be read is told, and nothing is called.
func TestParametersThatCannotBeRead(t *testing.T) {
	for body, field := range map[string]string{`{"flowCode": ["a"]}`: "flowCode", `{"flowCode": true}`: "flowCode", `["a"]`: "", `{"flowCode"`: "", `{} {}`: ""} {
		f, h := flowCallWorld()
		res := call(h, "POST", "/flow/launch", body, "Content-Type: application/json")
		if e := errorOf(t, res); res.Code != 400 || e.Code != "BAD_PARAM" || e.Field != field || f.got != "" {
			t.Errorf("%s: %d %s, called %q", body, res.Code, res.Body, f.got)
		}
	}
}

// A call that was taken and not finished is 202, still with the number.
func TestAcceptedBoardCalls(t *testing.T) {
	f, h := flowCallWorld()
	f.answer.Accepted = true
	res := call(h, "GET", "/flow/launch?flowCode=a&dataId=1&userCode=E1", "")
	if res.Code != http.StatusAccepted || !strings.Contains(res.Body.String(), `"flowRunningNumber":"n1"`) || !strings.Contains(res.Body.String(), `"code":0`) {
		t.Errorf("%d %s", res.Code, res.Body)
	}
}

// A link checker that only looks does nothing.
func TestALookIsNoCall(t *testing.T) {
	f, h := flowCallWorld()
	if res := call(h, "HEAD", "/flow/launch?flowCode=a&dataId=1&userCode=E1", ""); res.Code != http.StatusMethodNotAllowed || f.got != "" || res.Header().Get("Allow") != "GET, POST" {
		t.Errorf("%d, %q was called", res.Code, f.got)
	}
}

func TestFlowsAreSteered(t *testing.T) {
	f, h := flowCallWorld()
	for path, want := range map[string]string{
		"/api/v1/flows/n1/repair": "repair n1 by E9 jump to 30", "/api/v1/flows/n1/jump": "jump n1 by E9 jump to 30",
		"/api/v1/flows/n1/withdraw": "withdraw n1 by E9 jump to 30", "/api/v1/flows/n1/retract": "retract n1 by E9 jump to 30",
	} {
		res := call(h, "POST", path, `{"by":"E9","action":"jump","to_node_seq":30}`)
		if res.Code != 200 || f.got != want || !strings.Contains(res.Body.String(), `"stateRev"`) {
			t.Errorf("%s: %d %s, called %q", path, res.Code, res.Body, f.got)
		}
	}
	if res := call(h, "POST", "/api/v1/flows/n1/repair", `{"action":"retry"}`); res.Code != 422 {
		t.Errorf("nobody: %d %s", res.Code, res.Body)
	}
}
