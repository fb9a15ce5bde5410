package console

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"orgflow"
	"orgflow/internal/config"
)

// Each page shows what there is, and what other systems call people cannot
// become a script.
func TestFlowPagesShowWhatThereIs(t *testing.T) {
	for path, want := range map[string][]string{
		"/flows":         {"Nobody is signed in", "/flows?cursor=next%26page", "running", "n1"},
		"/flows?user=E6": {"财务会签", `href="/flows/n1?user=E6"`, "/flows?tasks=later&amp;user=E6"},
		"/flows?user=E9": {"Nothing waits for you"},
		"/flows/n1":      {"员工五", "Who comes next", "E8", "all sign", "not delivered", "3 tries", "60000", "第二行", "http://ui.example/namespaces/default/workflows/n1%2Fx"},
		"/flows/n1?user=E6": {
			"Waits for you", "Approve", "Reject", "Transfer", "Delegate", "Add signers", `<option value="10">10 部门负责人</option>`, `value="E7"`, "Discard", "Withdraw", "Urge",
			"(required to reject or return)", `name="user" value="E6"`,
		},
		"/flows/n1?done=decided":              {"Your decision counts."},
		"/flows/definitions":                  {"采购", "version 2"},
		"/flows/definitions/purchase01":       {`viewBox="0 0 `, "部门负责人", "flowCode", `href="/flows/definitions/purchase01?version=2"`},
		"/flows/definitions/purchase01/stats": {"1,234", "1 d 2 h", "59 s", "2 h 1 min"},
	} {
		w := newFlowWorld(t, true)
		res := w.see(path)
		body := res.Body.String()
		if res.Code != http.StatusOK {
			t.Errorf("%s: %d %s", path, res.Code, body)
		}
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%s does not show %q", path, text)
			}
		}
		if strings.Contains(body, evil) || strings.Contains(body, "ZgotmplZ") || strings.Contains(body, "flow.") && strings.Contains(body, ">flow.") {
			t.Errorf("%s holds a script, or a word without text: %s", path, body)
		}
		if !strings.Contains(body, "&lt;script&gt;") && path != "/flows?user=E9" {
			t.Errorf("%s does not show the name", path)
		}
	}
}

// The diagram says in words what its colours say.
func TestTheDiagramHasWords(t *testing.T) {
	w := newFlowWorld(t, true)
	body := w.see("/flows/n1").Body.String()
	for _, want := range []string{
		`class="node type-approve state-PASSED" role="img" aria-label="10 部门负责人 · approve · anyone signs · passed"`,
		`class="node type-approve state-ACTIVE" role="img" aria-label="30 财务会签 · approve · all sign · current · `,
		`aria-label="99 结束 · end"`,
		"<title>form.amount &gt; vars.large</title>", "otherwise",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the diagram lacks %q", want)
		}
	}
	w.flow.State, w.behind.Fault, w.behind.FaultNode = orgflow.FlowFaulted, "nobody "+evil, new(20)
	if body := w.see("/flows/n1").Body.String(); !strings.Contains(body, `stuck" role="img" aria-label="20 `) || !strings.Contains(body, "nobody &lt;script") {
		t.Errorf("the node that cannot go on is not shown: %s", body)
	}
}

// The part that looks again holds no form, and stops when the flow has ended.
func TestThePageLooksAgainUntilTheEnd(t *testing.T) {
	w := newFlowWorld(t, true)
	res := w.see("/flows/n1?user=E6&live")
	if body := res.Body.String(); strings.Contains(body, "<form") || strings.Contains(body, "<html") || !strings.Contains(body, "Timeline") || res.Header().Get("Orgflow-Live") != "" {
		t.Errorf("%v %s", res.Header(), body)
	}
	w.flow.State = orgflow.FlowApproved
	if got := w.see("/flows/n1?live").Header().Get("Orgflow-Live"); got != "over" {
		t.Errorf("an ended flow is asked for again: %q", got)
	}
}

func TestTheListAsksForWhatIsWanted(t *testing.T) {
	w := newFlowWorld(t, true)
	w.see("/flows?code=p&state=RETURNED&initiator=E1&assignee=E6&data=5&from=2026-11-01&to=2026-11-30&cursor=c&company=129")
	want := "list 129 p [RETURNED] E1 E6 5 2026-11-01T00:00:00+08:00 2026-12-01T00:00:00+08:00 c"
	if !slices.Contains(w.asked, want) {
		t.Errorf("%q, want %s", w.asked, want)
	}
	for _, path := range []string{"/flows?state=DONE", "/flows?from=yesterday", "/flows?to=1", "/flows?company=x", "/flows/definitions/purchase01?version=x"} {
		if res := w.see(path); res.Code != http.StatusBadRequest || !strings.Contains(res.Body.String(), "BAD_PARAM") {
			t.Errorf("%s: %d %s", path, res.Code, res.Body)
		}
	}
	if res := w.see("/flows/nowhere"); res.Code != http.StatusNotFound || !strings.Contains(res.Body.String(), "FLOW_NOT_FOUND") {
		t.Errorf("%d %s", res.Code, res.Body)
	}
	w = newFlowWorld(t, true)
	w.companies = []int64{7, 129}
	if body := w.see("/flows").Body.String(); !strings.Contains(body, "<option>129</option>") || len(w.asked) > 0 {
		t.Errorf("asked %q before a company was chosen: %s", w.asked, body)
	}
}

// Who is signed in sees their own tasks, whatever the address says, and what
// their role allows.
func TestWhoeverIsSignedInIsTheirSelf(t *testing.T) {
	w := newFlowWorld(t, false).signedIn(config.AccessRead)
	body := w.see("/flows?user=E5").Body.String()
	if !slices.Contains(w.asked, "tasks 129 E6") || strings.Contains(body, `id="user"`) {
		t.Errorf("%q %s", w.asked, body)
	}
	body = w.see("/flows/n1").Body.String()
	if !strings.Contains(body, "Your role does not allow") || strings.Contains(body, "<form method=\"post\"") {
		t.Errorf("a reader is offered acts: %s", body)
	}
	w.signedIn(config.AccessOperate)
	if body = w.see("/flows/n1").Body.String(); strings.Contains(body, "/decide") || !strings.Contains(body, "/flows/n1/urge") {
		t.Errorf("an operator: %s", body)
	}
	w.signedIn(config.AccessApprove)
	if body = w.see("/flows/n1").Body.String(); !strings.Contains(body, "/flows/n1/decide") || strings.Contains(body, `name="user"`) {
		t.Errorf("an approver: %s", body)
	}
}
