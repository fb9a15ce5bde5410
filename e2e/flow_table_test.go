package e2e

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// place is a flow in a state of the handbook's table of calls × states, the
// calls that must not move it from there, and what moves it on.
type place struct {
	state string
	how   string
	bring func(w *flowWorld, data string) string
	calls []illegal
	then  func(w *flowWorld, no string)
}

// The parameters of the table's calls.
var (
	theFlow  = []string{"flowRunningNumber", "{no}"}
	again    = []string{"flowRunningNumber", "{no}", "flowCode", "{code}", "dataId", "{no}", "userCode", "E1"}
	byE1     = []string{"flowRunningNumber", "{no}", "userCode", "E1"}
	stranger = []string{"flowRunningNumber", "{no}", "userCode", "E7"}
)

const (
	withdraw = "/api/v1/flows/{no}/withdraw"
	retract  = "/api/v1/flows/{no}/retract"
	jump     = "/api/v1/flows/{no}/jump"
	repair   = "/api/v1/flows/{no}/repair"
)

// refused are the calls that a state refuses with one answer.
func refused(status int, code string, calls ...string) []illegal {
	params := map[string][]string{
		"launch": again, "onAudit": theFlow, "relaunch": theFlow, "urgent": theFlow, "discard": byE1,
		withdraw: {"by", "E1"}, retract: {"by", "E2"}, jump: {"by", "E9", "to_node_seq", "20"}, repair: {"by", "E9", "action", "retry"},
	}
	var out []illegal
	for _, c := range calls {
		out = append(out, illegal{c, params[c], status, code})
	}
	return out
}

func all(lists ...[]illegal) []illegal { return slices.Concat(lists...) }

// Every call that the handbook's table refuses, or answers as the first one,
// twice each by GET and POST, in every state: nothing may move. Then the call
// that every state takes, a discard.
func tableOfCalls(t *testing.T, w *flowWorld) {
	gone := approve(20, "any", 30, "E999")
	w.define("faulty", []object{startAt(10), approve(10, "any", 20, "E2"), gone, approve(30, "any", 99, "E3"), endAt(99)}, nil)
	final := approve(10, "any", 20, "E2", "E3")
	final["onReject"], final["allow"] = object{"to": "end"}, []string{"retract"}
	w.define("table", []object{startAt(10), final, approve(20, "any", 99, "E2"), endAt(99)}, nil)
	returning := []object{startAt(10), approve(10, "any", 20, "E2", "E3"), approve(20, "any", 99, "E2"), endAt(99)}
	w.define("sacred", returning, object{"policy": object{"discardAfterApproval": false}})
	w.define("waits", []object{startAt(5), {"seq": 5, "type": "delay", "name": "等待", "after": "PT12H", "next": []object{{"to": 99}}}, endAt(99)}, nil)
	tried := map[string]bool{}
	for i, p := range places() {
		t.Run(p.state+", "+p.how, func(t *testing.T) {
			within := *w.world
			within.t = t
			w := &flowWorld{world: &within, program: w.program, db: w.db}
			no := p.bring(w, fmt.Sprintf("tc%d", i))
			if d := w.detail(no); d.State != p.state {
				t.Fatalf("the flow is %s", d.State)
			}
			calls := all(p.calls, []illegal{{"discard", stranger, 403, "NOT_INITIATOR_OR_ADMIN"}})
			w.twice(no, calls)
			for _, c := range calls {
				tried[cellOf(p.state, c.call, c.status, c.code)] = true
			}
			if p.then != nil {
				p.then(w, no)
			}
		})
	}
	for _, want := range handbook(t) {
		if !tried[want] {
			t.Errorf("nobody tries what the handbook says: %s", want)
		}
	}
	w.twice(w.launched("table", "nowhere"), []illegal{ // of a flow that is not there
		{"onAudit", []string{"flowRunningNumber", "nowhere"}, 404, "FLOW_NOT_FOUND"},
		{"relaunch", []string{"flowRunningNumber", "nowhere"}, 404, "FLOW_NOT_FOUND"},
		{"discard", []string{"flowRunningNumber", "nowhere", "userCode", "E1"}, 404, "FLOW_NOT_FOUND"},
		{"urgent", []string{"flowRunningNumber", "nowhere"}, 404, "FLOW_NOT_FOUND"},
		{"/api/v1/flows/nowhere/repair", []string{"by", "E9", "action", "retry"}, 404, "FLOW_NOT_FOUND"},
	})
}

// cellOf names an answer of the table.
func cellOf(state, call string, status int, code string) string {
	call = call[strings.LastIndexByte(call, '/')+1:]
	return fmt.Sprintf("%s of a flow that is %s: %d %s", call, state, status, code)
}

var (
	cellAnswer = regexp.MustCompile("(\\d{3}):? `(\\w+)`")
	footnote   = regexp.MustCompile("[¹²]")
)

// handbook reads the table of calls × states: the answers with which nothing
// moves. A footnote is a second click, answered as the first.
func handbook(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile("../docs/flow-states.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(raw), "\n| call | ")
	table, _, _ = strings.Cut(table, "\n\n")
	list := strings.Split(table, "\n")
	states := strings.Split(strings.Trim(list[0], "| "), " | ")
	var out []string
	for _, line := range list[2:] {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) != len(states)+1 {
			t.Fatalf("the handbook's table has %d columns in %q, not %d", len(cells), line, len(states)+1)
		}
		for _, call := range strings.Split(strings.TrimSuffix(cells[0], " again"), ", ") {
			for i, cell := range cells[1:] {
				out = append(out, answersOf(t, states[i], call, cell)...)
			}
		}
	}
	if len(out) < 50 {
		t.Fatalf("the handbook's table holds only %v", out)
	}
	return out
}

func answersOf(t *testing.T, state, call, cell string) []string {
	t.Helper()
	var out []string
	for _, m := range cellAnswer.FindAllStringSubmatch(cell, -1) {
		status, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, cellOf(state, call, status, m[2]))
	}
	if footnote.MatchString(cell) {
		out = append(out, cellOf(state, call, 200, "already"))
	}
	return out
}
