package approval_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow/internal/approval"
)

// doc makes a definition: extra keys of the document, then its nodes one a
// line. The nodes may leave out what every test has: "start" is the start
// with an edge to 10, "end" the end 99, and "approve N→M" an approver at N.
func doc(extra string, nodes ...string) string {
	for i, n := range nodes {
		var seq, to int
		switch n {
		case "start":
			nodes[i] = `{"seq": 0, "type": "start", "next": [{"to": 10}]}`
		case "end":
			nodes[i] = `{"seq": 99, "type": "end"}`
		default:
			if _, err := fmt.Sscanf(n, "approve %d→%d", &seq, &to); err == nil {
				nodes[i] = fmt.Sprintf(`{"seq": %d, "type": "approve", "approvers": [{"by": "initiator"}], "next": [{"to": %d}]}`, seq, to)
			}
		}
	}
	return `{"schema": "flow-def/1", "flowCode": "a", "name": "A", "form": {"board": "b", "snapshot": ["amount", "owner"]}, ` +
		extra + `"nodes": [` + strings.Join(nodes, ",\n") + `]}`
}

// node10 is a flow with one approver, whose keys the test gives.
func node10(keys string) string {
	return doc("", "start", `{"seq": 10, "type": "approve", "next": [{"to": 99}], `+keys+`}`, "end")
}

// approver is a flow with one rule that finds people.
func approver(rule string) string { return node10(`"approvers": [` + rule + `]`) }

// extra is a sound flow with more keys.
func extra(keys string) string { return doc(keys+", ", "start", "approve 10→99", "end") }

var publishable = map[string]string{
	"one approver":                        doc("", "start", "approve 10→99", "end"),
	"nobody to ask":                       doc("", `{"seq": 0, "type": "start", "next": [{"to": 99}]}`, "end"),
	"a choice":                            doc("", "start", `{"seq": 10, "type": "approve", "approvers": [{"by": "initiator"}], "next": [{"to": 20, "when": "form.amount > 1"}, {"to": 99, "default": true}]}`, "approve 20→99", "end"),
	"two ends":                            doc("", "start", `{"seq": 10, "type": "approve", "approvers": [{"by": "initiator"}], "next": [{"to": 98, "when": "form.amount > 1"}, {"to": 99, "default": true}]}`, `{"seq": 98, "type": "end"}`, "end"),
	"an exclusive fork without join":      doc("", "start", `{"seq": 10, "type": "fork", "mode": "exclusive", "next": [{"to": 20, "when": "form.amount > 1"}, {"to": 99, "default": true}]}`, "approve 20→99", "end"),
	"an exclusive fork with join":         doc("", "start", `{"seq": 10, "type": "fork", "mode": "exclusive", "next": [{"to": 20, "when": "form.amount > 1"}, {"to": 30, "default": true}]}`, "approve 20→30", `{"seq": 30, "type": "join", "of": 10, "next": [{"to": 99}]}`, "end"),
	"forks in forks":                      doc("", "start", `{"seq": 10, "type": "fork", "mode": "parallel", "next": [{"to": 20}, {"to": 30}]}`, `{"seq": 20, "type": "fork", "mode": "inclusive", "next": [{"to": 21, "when": "form.amount > 1"}, {"to": 22, "default": true}]}`, "approve 21→23", "approve 22→23", `{"seq": 23, "type": "join", "of": 20, "next": [{"to": 40}]}`, "approve 30→40", `{"seq": 40, "type": "join", "of": 10, "next": [{"to": 99}]}`, "end"),
	"a choice within a branch":            doc("", "start", `{"seq": 10, "type": "fork", "mode": "parallel", "next": [{"to": 20}, {"to": 30}]}`, `{"seq": 20, "type": "approve", "approvers": [{"by": "initiator"}], "next": [{"to": 21, "when": "form.amount > 1"}, {"to": 40, "default": true}]}`, "approve 21→40", "approve 30→40", `{"seq": 40, "type": "join", "of": 10, "next": [{"to": 99}]}`, "end"),
	"a branch without nodes":              doc("", "start", `{"seq": 10, "type": "fork", "mode": "parallel", "next": [{"to": 20}, {"to": 40}]}`, "approve 20→40", `{"seq": 40, "type": "join", "of": 10, "next": [{"to": 99}]}`, "end"),
	"the call's departments after a fork": doc("", "start", "approve 10→20", `{"seq": 20, "type": "fork", "mode": "parallel", "next": [{"to": 30}, {"to": 40}]}`, `{"seq": 30, "type": "approve", "approvers": [{"by": "taskDeptManagers"}], "next": [{"to": 50}]}`, "approve 40→50", `{"seq": 50, "type": "join", "of": 20, "next": [{"to": 99}]}`, "end"),
	"back to an earlier node":             doc("", "start", "approve 10→20", `{"seq": 20, "type": "approve", "approvers": [{"by": "initiator"}], "onReject": {"to": 10}, "next": [{"to": 99}]}`, "end"),
	"back within a branch":                doc("", "start", `{"seq": 10, "type": "fork", "mode": "parallel", "next": [{"to": 20}, {"to": 30}]}`, "approve 20→21", `{"seq": 21, "type": "approve", "approvers": [{"by": "initiator"}], "onReject": {"to": 20}, "next": [{"to": 40}]}`, "approve 30→40", `{"seq": 40, "type": "join", "of": 10, "next": [{"to": 99}]}`, "end"),
	"a reject that ends the flow":         extra(`"policy": {"reject": {"to": "end"}}`),
	"nobody is told":                      extra(`"notify": {"onTask": {"to": []}}`),
	"a vote by weight":                    node10(`"approvers": [{"by": "user", "users": ["E1", "E2"]}], "sign": {"mode": "vote", "pass": {"weights": {"E1": 2, "E2": 1}, "threshold": 3}}`),
	"a vote that is closed":               node10(`"approvers": [{"by": "role", "code": "finance"}], "sign": {"mode": "vote", "pass": {"percent": 50.5}, "base": "voted"}, "timeouts": [{"after": "P1D", "do": "close"}]`),
	"whom the initiator chose":            approver(`{"by": "initiatorSelect", "field": "owner", "min": 1, "max": 3, "scope": {"roles": ["finance"]}}`),
	"one of a pool":                       approver(`{"by": "role", "code": "finance", "pick": "claim"}`),
}

func TestPublishable(t *testing.T) {
	for name, raw := range publishable {
		if _, problems := approval.Read("", []byte(raw), known(t)); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// Each case has one kind of mistake; want lists all problems, as pointer and
// the beginning of the message.
var refused = []struct {
	name, raw string
	want      []string
}{
	{"the same seq twice", doc("", "start", "approve 10→99", "approve 10→99", "end"),
		[]string{"/nodes/2/seq: seq 10 is also that of /nodes/1"}},
	{"no start", doc("", "approve 10→99", "end"), []string{`/nodes: has no node of type "start"`}},
	{"two starts", doc("", "start", "start", "approve 10→99", "end"), []string{"/nodes/1/seq: seq 0 is also that of /nodes/0"}},
	{"no end", doc("", "start", "approve 10→20", "approve 20→10"), []string{
		"/nodes/1/next: node 10 leads back to itself", "/nodes/2/next: node 20 leads back to itself", `/nodes: has no node of type "end"`}},
	{"an edge to nowhere", doc("", "start", "approve 10→98", "end"), []string{
		"/nodes/1/next/0/to: there is no node 98", "/nodes/2: node 99 cannot be reached from the start"}},
	{"a node that is not reached", doc("", "start", "approve 10→99", "approve 20→99", "end"), []string{
		"/nodes/2: node 20 cannot be reached from the start"}},
	{"a loop with a way out", doc("", "start", `{"seq": 10, "type": "approve", "approvers": [{"by": "initiator"}], "next": [{"to": 20, "when": "form.amount > 1"}, {"to": 99, "default": true}]}`, "approve 20→10", "end"), []string{
		"/nodes/1/next: node 10 leads back to itself", "/nodes/2/next: node 20 leads back to itself"}},
	{"a node that follows itself", doc("", "start", `{"seq": 10, "type": "delay", "after": "P1D", "next": [{"to": 10, "when": "form.amount > 1"}, {"to": 99, "default": true}]}`, "end"), []string{
		"/nodes/1/next: node 10 leads back to itself"}},
	{"two ways to one node", doc("", "start", `{"seq": 10, "type": "cc", "to": [{"by": "initiator"}], "next": [{"to": 99, "when": "form.amount > 1"}, {"to": 99, "default": true}]}`, "end"), []string{
		"/nodes/1/next/1/to: node 99 is also the target of /nodes/1/next/0"}},
	{"no default", doc("", "start", `{"seq": 10, "type": "cc", "to": [{"by": "initiator"}], "next": [{"to": 20, "when": "form.amount > 1"}]}`, "approve 20→99", "end"), []string{
		`/nodes/1/next: has no edge with "default": true`}},
	{"two defaults", doc("", "start", `{"seq": 10, "type": "cc", "to": [{"by": "initiator"}], "next": [{"to": 20, "default": true}, {"to": 99, "default": true}]}`, "approve 20→99", "end"), []string{
		"/nodes/1/next/1/default: there is a default already"}},
	{"an unclear choice", doc("", "start", `{"seq": 10, "type": "cc", "to": [{"by": "initiator"}], "next": [{"to": 20}, {"to": 99, "default": true}]}`, "approve 20→99", "end"), []string{
		`/nodes/1/next/0: must have "when" or "default": true`}},
	{"a default with condition", doc("", "start", `{"seq": 10, "type": "cc", "to": [{"by": "initiator"}], "next": [{"to": 99, "default": true, "when": "true"}]}`, "end"), []string{
		`/nodes/1/next/0: must not have both "when" and "default"`}},
	{"conditions at a parallel fork", doc("", "start", `{"seq": 10, "type": "fork", "mode": "parallel", "next": [{"to": 20, "when": "true"}, {"to": 30}]}`, "approve 20→30", `{"seq": 30, "type": "join", "of": 10, "next": [{"to": 99}]}`, "end"), []string{
		`/nodes/1/next/0: must not have "when" or "default": a parallel fork takes every branch`}},
	{"a fork with one branch", doc("", "start", `{"seq": 10, "type": "fork", "mode": "parallel", "next": [{"to": 30}]}`, `{"seq": 30, "type": "join", "of": 10, "next": [{"to": 99}]}`, "end"), []string{
		"/nodes/1/next: must have at least two branches"}},
	{"a fork without join", doc("", "start", `{"seq": 10, "type": "fork", "mode": "parallel", "next": [{"to": 20}, {"to": 99}]}`, "approve 20→99", "end"), []string{
		"/nodes/1: fork 10 has no join"}},
	{"a join of no fork", doc("", "start", "approve 10→20", `{"seq": 20, "type": "join", "of": 10, "next": [{"to": 99}]}`, "end"), []string{
		"/nodes/2/of: node 10 is not a fork"}},
	{"a join of a later fork", doc("", "start", `{"seq": 10, "type": "join", "of": 20, "next": [{"to": 20}]}`, `{"seq": 20, "type": "fork", "mode": "exclusive", "next": [{"to": 30, "when": "true"}, {"to": 99, "default": true}]}`, "approve 30→99", "end"), []string{
		"/nodes/2/next/1/to: must not leave the branch of fork 20", "/nodes/3/next/0/to: must not leave the branch of fork 20", "/nodes/1/of: no way leads from fork 20 to this join"}},
	{"two joins", doc("", "start", `{"seq": 10, "type": "fork", "mode": "parallel", "next": [{"to": 20}, {"to": 30}]}`, "approve 20→40", "approve 30→40", `{"seq": 40, "type": "join", "of": 10, "next": [{"to": 50}]}`, `{"seq": 50, "type": "join", "of": 10, "next": [{"to": 99}]}`, "end"), []string{
		"/nodes/5/of: the branches of fork 10 end at node 40 already"}},
	{"an end inside a branch", doc("", "start", `{"seq": 10, "type": "fork", "mode": "parallel", "next": [{"to": 20}, {"to": 30}]}`, "approve 20→98", `{"seq": 98, "type": "end"}`, "approve 30→40", `{"seq": 40, "type": "join", "of": 10, "next": [{"to": 99}]}`, "end"), []string{
		"/nodes/2/next/0/to: must not leave the branch of fork 10: node 98 is outside of it"}},
	{"out of a branch", doc("", "start", `{"seq": 10, "type": "fork", "mode": "parallel", "next": [{"to": 30}, {"to": 20}]}`, "approve 20→99", "approve 30→40", `{"seq": 40, "type": "join", "of": 10, "next": [{"to": 99}]}`, "end"), []string{
		"/nodes/2/next/0/to: must not leave the branch of fork 10: node 99 is outside of it"}},
	{"into a branch", doc("", `{"seq": 0, "type": "start", "next": [{"to": 20, "when": "form.amount > 1"}, {"to": 10, "default": true}]}`, `{"seq": 10, "type": "fork", "mode": "parallel", "next": [{"to": 20}, {"to": 30}]}`, "approve 20→40", "approve 30→40", `{"seq": 40, "type": "join", "of": 10, "next": [{"to": 99}]}`, "end"), []string{
		"/nodes/1/next/0/to: must not leave the branch of fork 10: node 20 is outside of it"}},
	{"from branch to branch", doc("", "start", `{"seq": 10, "type": "fork", "mode": "parallel", "next": [{"to": 20}, {"to": 30}]}`, "approve 20→30", "approve 30→40", `{"seq": 40, "type": "join", "of": 10, "next": [{"to": 99}]}`, "end"), []string{
		"/nodes/2/next/0/to: must not enter a branch of fork 10 from outside: node 30 is inside of it"}},
	{"joins that cross", doc("", "start", `{"seq": 10, "type": "fork", "mode": "parallel", "next": [{"to": 20}, {"to": 30}]}`, `{"seq": 20, "type": "fork", "mode": "parallel", "next": [{"to": 21}, {"to": 22}]}`, "approve 21→40", "approve 22→40", "approve 30→40", `{"seq": 40, "type": "join", "of": 10, "next": [{"to": 50}]}`, `{"seq": 50, "type": "join", "of": 20, "next": [{"to": 99}]}`, "end"), []string{
		"/nodes/3/next/0/to: must not reach the join of fork 10: fork 20 is open here", "/nodes/4/next/0/to: must not reach the join of fork 10: fork 20 is open here",
		"/nodes/7/of: other forks are open where fork 20 is joined"}},

	{"nobody to take over", extra(`"policy": {"approverMissing": {"do": "toAdmin"}}`), []string{`/policy/approverMissing/do: "toAdmin" needs somebody in admins`}},
	{"nobody to take over at a node", node10(`"approvers": [{"by": "initiator"}], "approverMissing": {"do": "toAdmin"}`), []string{`/nodes/1/approverMissing/do: "toAdmin" needs somebody in admins`}},
	{"unknown roles", extra(`"admins": ["role:boss"], "launch": {"who": {"roles": ["boss"]}}, "notify": {"onApproved": {"to": ["role:boss", "user:E1"]}}`), []string{
		`/admins/0: the company has no role "boss"`, `/launch/who/roles/0: the company has no role "boss"`, `/notify/onApproved/to/0: the company has no role "boss"`}},
	{"post", approver(`{"by": "post", "code": "p"}`), []string{"/nodes/1/approvers/0/by: posts and groups have no source here"}},
	{"group", approver(`{"by": "group", "code": "g"}`), []string{"/nodes/1/approvers/0/by: posts and groups have no source here"}},
	{"role", approver(`{"by": "role", "code": "boss"}`), []string{`/nodes/1/approvers/0/code: the company has no role "boss"`}},
	{"fields that are not remembered", node10(`"approvers": [{"by": "formUser", "field": "ownr"}, {"by": "formDeptManager", "field": "x"}, {"by": "initiatorSelect", "field": "y"}, {"by": "deptMembers", "of": "form", "field": "z"}]`), []string{
		`/nodes/1/approvers/0/field: field "ownr" is not in form.snapshot; add it there; did you mean "owner"?`,
		`/nodes/1/approvers/1/field: field "x"`, `/nodes/1/approvers/2/field: field "y"`, `/nodes/1/approvers/3/field: field "z"`}},
	{"whose department", node10(`"approvers": [{"by": "deptManager", "of": "list"}, {"by": "deptManager", "of": "form"}, {"by": "deptMembers", "depts": ["D1"]}, {"by": "deptMembers", "field": "owner"}]`), []string{
		`/nodes/1/approvers/0/depts: is required with "of": "list"`, `/nodes/1/approvers/1/field: is required with "of": "form"`,
		`/nodes/1/approvers/2/depts: stands with "of": "list" only`, `/nodes/1/approvers/3/field: stands with "of": "form" only`}},
	{"fewer at most than at least", approver(`{"by": "initiatorSelect", "field": "owner", "min": 3, "max": 2, "scope": {"roles": ["boss"]}}`), []string{
		"/nodes/1/approvers/0/max: must be at least min, 3", `/nodes/1/approvers/0/scope/roles/0: the company has no role "boss"`}},
	{"a chain that ends before it begins", node10(`"approvers": [{"by": "supervisorChain", "from": 3, "to": 2}], "sign": {"mode": "sequence"}`), []string{
		"/nodes/1/approvers/0/to: must be at least 3"}},
	{"the call's departments at launch", approver(`{"by": "taskDeptManagers"}`), []string{
		"/nodes/1/approvers/0/by: taskDeptManagers needs a decision right before: on a way to this node the last one that waits is node 0 (start)"}},
	{"the call's departments after a delay", doc("", "start", "approve 10→20", `{"seq": 20, "type": "delay", "after": "P1D", "next": [{"to": 30}]}`, `{"seq": 30, "type": "approve", "approvers": [{"by": "taskDeptManagers"}], "next": [{"to": 99}]}`, "end"), []string{
		"/nodes/3/approvers/0/by: taskDeptManagers needs a decision right before: on a way to this node the last one that waits is node 20 (delay)"}},
	{"the call's departments on one of two ways", doc("", `{"seq": 0, "type": "start", "next": [{"to": 10, "when": "form.amount > 1"}, {"to": 20, "default": true}]}`, "approve 10→20", `{"seq": 20, "type": "cc", "to": [{"by": "previousSelect"}], "next": [{"to": 99}]}`, "end"), []string{
		"/nodes/2/to/0/by: previousSelect needs a decision right before: on a way to this node the last one that waits is node 0 (start)"}},
	{"the call's departments behind copies in a circle", doc("", "start", `{"seq": 10, "type": "cc", "to": [{"by": "initiator"}], "next": [{"to": 20}]}`,
		`{"seq": 20, "type": "cc", "to": [{"by": "taskDeptManagers"}], "next": [{"to": 10, "when": "true"}, {"to": 99, "default": true}]}`, "end"), []string{
		"/nodes/1/next: node 10 leads back to itself", "/nodes/2/next: node 20 leads back to itself", "/nodes/2/to/0/by: taskDeptManagers needs a decision right before"}},
	{"copies to a chain", doc("", "start", `{"seq": 10, "type": "cc", "to": [{"by": "supervisorChain"}, {"by": "role", "code": "finance", "pick": "claim"}], "next": [{"to": 99}]}`, "end"), []string{
		"/nodes/1/to/0: does not make sense for copies", "/nodes/1/to/1: does not make sense for copies"}},

	{"a chain and all at once", node10(`"approvers": [{"by": "supervisorChain"}], "sign": {"mode": "all"}`), []string{`/nodes/1/approvers/0/by: supervisorChain asks one level after the other`}},
	{"a pool and all at once", node10(`"approvers": [{"by": "role", "code": "finance", "pick": "claim"}], "sign": {"mode": "all"}`), []string{`/nodes/1/approvers/0/pick: "claim" leaves the task to one of them`}},
	{"a vote about work", doc("", "start", `{"seq": 10, "type": "handle", "approvers": [{"by": "initiator"}], "sign": {"mode": "vote", "pass": {"count": 1}}, "next": [{"to": 99}]}`, "end"), []string{"/nodes/1/sign/mode: there is nothing to vote on"}},
	{"no goal", node10(`"approvers": [{"by": "initiator"}], "sign": {"mode": "vote", "pass": {}}`), []string{`/nodes/1/sign/pass: must have exactly one of "percent", "count", and "weights"`}},
	{"two goals", node10(`"approvers": [{"by": "initiator"}], "sign": {"mode": "vote", "pass": {"percent": 50, "count": 2}}`), []string{`/nodes/1/sign/pass: must have exactly one of`}},
	{"more approvals than voters", node10(`"approvers": [{"by": "user", "users": ["E1", "E2"]}], "sign": {"mode": "vote", "pass": {"count": 3}}`), []string{"/nodes/1/sign/pass/count: cannot be reached: there are only 2 voters"}},
	{"weights of unknown voters", node10(`"approvers": [{"by": "role", "code": "finance"}], "sign": {"mode": "vote", "pass": {"weights": {"E1": 1}, "threshold": 1}}`), []string{"/nodes/1/sign/pass/weights: needs voters who are known"}},
	{"weights that do not fit the voters", node10(`"approvers": [{"by": "user", "users": ["E1", "E2"]}], "sign": {"mode": "vote", "pass": {"weights": {"E1": 1, "E3": 5}, "threshold": 2}}`), []string{
		"/nodes/1/sign/pass/weights/E3: does not vote here", `/nodes/1/sign/pass/weights: user "E2" votes here and has no weight`,
		"/nodes/1/sign/pass/threshold: cannot be reached: the weights of the voters add up to 1"}},

	{"back to nowhere", node10(`"approvers": [{"by": "initiator"}], "onReject": {"to": 7}`), []string{"/nodes/1/onReject/to: there is no node 7"}},
	{"back to a later node", doc("", "start", `{"seq": 10, "type": "approve", "approvers": [{"by": "initiator"}], "onReject": {"to": 20}, "next": [{"to": 20}]}`, "approve 20→99", "end"), []string{"/nodes/1/onReject/to: node 20 is not before node 10"}},
	{"back to itself", node10(`"approvers": [{"by": "initiator"}], "onReject": {"to": 10}`), []string{"/nodes/1/onReject/to: node 10 is not before node 10"}},
	{"back to a copy", doc("", "start", `{"seq": 10, "type": "cc", "to": [{"by": "initiator"}], "next": [{"to": 20}]}`, `{"seq": 20, "type": "approve", "approvers": [{"by": "initiator"}], "onReject": {"to": 10}, "next": [{"to": 99}]}`, "end"), []string{"/nodes/2/onReject/to: node 10 is of type cc"}},
	{"back into a branch", doc("", "start", `{"seq": 10, "type": "fork", "mode": "parallel", "next": [{"to": 20}, {"to": 30}]}`, "approve 20→40", "approve 30→40", `{"seq": 40, "type": "join", "of": 10, "next": [{"to": 50}]}`, `{"seq": 50, "type": "approve", "approvers": [{"by": "initiator"}], "onReject": {"to": 20}, "next": [{"to": 99}]}`, "end"), []string{
		"/nodes/5/onReject/to: node 20 is in a branch of fork 10, which is over at node 50"}},
	{"the policy's way back is later for some", doc(`"policy": {"reject": {"to": 10}}, `, "start", "approve 10→20", "approve 20→99", "end"), []string{"/policy/reject/to: node 10 is not before node 10"}},
	{"resuming an end", node10(`"approvers": [{"by": "initiator"}], "onReject": {"to": "end", "resume": "direct"}`), []string{`/nodes/1/onReject/resume: nothing is resumed after "to": "end"`}},

	{"time-outs", node10(`"approvers": [{"by": "initiator"}], "timeouts": [
		{"after": "P1D", "do": "remind", "every": "P1M", "max": 2, "calendar": "work"}, {"after": "P1M", "calendar": "work", "do": "remind"}, {"after": "P11Y", "do": "remind"},
		{"after": "P1D", "do": "escalate"}, {"after": "P1D", "do": "remind", "to": {"by": "supervisor"}}, {"after": "P1D", "do": "close"},
		{"after": "P1D", "do": "pass", "every": "P1D", "max": 2}, {"after": "P1D", "do": "remind", "max": 2}, {"after": "P1D", "do": "remind", "every": "P11Y", "max": 2},
		{"after": "P1D", "do": "remind", "every": "P1D"}, {"after": "P1D", "do": "escalate", "to": {"by": "taskDeptManagers"}}]`), []string{
		"/nodes/1/timeouts/0/every: months and years have no length", "/nodes/1/timeouts/1/after: months and years have no length",
		"/nodes/1/timeouts/2/after: must be at most ten years", `/nodes/1/timeouts/3/to: is required with "do": "escalate"`,
		`/nodes/1/timeouts/4/to: stands with "do": "escalate" only`, "/nodes/1/timeouts/5/do: closes a vote, and there is none here",
		`/nodes/1/timeouts/6/do: "every" and "max" stand with "do": "remind" only`, `/nodes/1/timeouts/7/every: is required with "max"`,
		"/nodes/1/timeouts/8/every: must be at most ten years", `/nodes/1/timeouts/9/max: must be at least 2 beside "every"`,
		"/nodes/1/timeouts/10/to/by: taskDeptManagers finds nobody when time is up"}},
	{"work that is rejected by time", doc("", "start", `{"seq": 10, "type": "handle", "approvers": [{"by": "initiator"}], "timeouts": [{"after": "P1D", "do": "reject"}], "next": [{"to": 99}]}`, "end"), []string{"/nodes/1/timeouts/0/do: nobody can reject here"}},
	{"a delay that is too long", doc("", "start", `{"seq": 10, "type": "delay", "after": "P3661D", "next": [{"to": 99}]}`, "end"), []string{"/nodes/1/after: must be at most ten years"}},
	{"subflows", doc("", "start", `{"seq": 10, "type": "subflow", "flow": "a", "next": [{"to": 20}]}`, `{"seq": 20, "type": "subflow", "flow": "none", "dataField": "x", "next": [{"to": 99}]}`, "end"), []string{
		"/nodes/1/flow: the flow would start itself again and again: a → a", `/nodes/2/flow: there is no published flow "none"`, `/nodes/2/dataField: field "x" is not in form.snapshot`}},

	{"a serial without counter", extra(`"serial": {"pattern": "{flowCode}_{yyyyMM}"}`), []string{"/serial/pattern: has no counter; write {seq:4}"}},
	{"a serial that repeats", extra(`"serial": {"pattern": "{flowCode}_{yyyy}_{seq:4}"}`), []string{"/serial/pattern: repeats its numbers: the counter starts again every month"}},
	{"a zone that is none", extra(`"serial": {"tz": "Mars/Base"}`), []string{"/serial/tz: must be an IANA time zone"}},
	{"a title with an unknown field", strings.Replace(extra(`"vars": {}`), `"board": "b"`, `"board": "b", "title": "{form.x} {who}"`, 1), []string{
		"/form/title: uses {form.x}, which is not in form.snapshot"}},
	{"templates", node10(`"approvers": [{"by": "initiator"}], "notify": {"onTask": {"tpl": "toddo"}, "onDone": {"tpl": "cc"}, "onRemind": {"tpl": "progress"}}`), []string{
		"/nodes/1/notify/onDone/to: is required: by default nobody is told of onDone", `/nodes/1/notify/onRemind/tpl: template "progress" uses {actor}, which has no value here`,
		`/nodes/1/notify/onTask/tpl: there is no template "toddo"; did you mean "todo"?`}},
	{"an event without assignee", extra(`"notify": {"onApproved": {"to": ["assignee"]}}`), []string{"/notify/onApproved/to/0: nobody is the assignee of this event"}},
	{"conditions", doc("", "start", `{"seq": 10, "type": "cc", "to": [{"by": "expr", "expr": "form.x"}], "next": [{"to": 20, "when": "form.amont > 1"}, {"to": 99, "default": true}]}`,
		`{"seq": 20, "type": "approve", "approvers": [{"by": "expr", "expr": "1"}], "timeouts": [{"after": "P1D", "do": "escalate", "to": {"by": "expr", "expr": "form["}}], "next": [{"to": 99}]}`, "end"), []string{
		`/nodes/1/next/0/when: field "amont" is not in form.snapshot`, `/nodes/1/to/0/expr: field "x" is not in form.snapshot`,
		"/nodes/2/approvers/0/expr: must yield user codes", "/nodes/2/timeouts/0/to/expr: line 1, column 6: Syntax error"}},
}

func TestRefused(t *testing.T) {
	for _, c := range refused {
		t.Run(c.name, func(t *testing.T) {
			d, problems := approval.Decode("", []byte(c.raw))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			problems = approval.Check(d, known(t))
			got := make([]string, len(problems))
			for i, p := range problems {
				got[i] = p.String()
				if i < len(c.want) && strings.HasPrefix(got[i], c.want[i]) {
					got[i] = c.want[i]
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWithoutKnowledgeNothingIsKnown(t *testing.T) {
	d, problems := approval.Decode("", example(t))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var got []string
	for _, p := range approval.Check(d, approval.Known{}) {
		got = append(got, p.Pointer)
	}
	want := []string{"/admins/0", "/nodes/2/approvers/1/code", "/nodes/7/to/1/code", "/nodes/5/flow"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestProblemsHaveTheirPlaceInTheFile(t *testing.T) {
	raw := doc("", "start", "approve 10→98", "end")
	_, problems := approval.Read("flow.json", []byte(raw), known(t))
	want := []string{
		"flow.json:2:84: /nodes/1/next/0/to: there is no node 98",
		"flow.json:3:1: /nodes/2: node 99 cannot be reached from the start"}
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Flows that start each other are refused with the way round, the shortest
// one; circles of others are theirs.
func TestSubflowsThatStartEachOtherAreRefused(t *testing.T) {
	starts := map[string][]string{"b": {"x", "c"}, "c": {"a"}, "x": {"y"}, "y": {"x"}, "z": {}}
	for flow, want := range map[string]string{"a": "a → a", "b": "a → b → c → a", "c": "a → c → a", "x": "", "z": ""} {
		d, problems := approval.Decode("", []byte(doc("", "start", fmt.Sprintf(`{"seq": 10, "type": "subflow", "flow": %q, "next": [{"to": 99}]}`, flow), "end")))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		all := known(t)
		all.Flow = func(string) bool { return true }
		all.Subflows = func(code string) []string { return starts[code] }
		problems = approval.Check(d, all)
		switch {
		case want == "" && len(problems) == 0:
		case want == "" || len(problems) != 1 || !strings.HasSuffix(problems[0].Message, ": "+want) || problems[0].Pointer != "/nodes/1/flow":
			t.Errorf("%s: %v, want %q", flow, problems, want)
		}
	}
}
