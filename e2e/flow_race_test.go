package e2e

import (
	"fmt"
	"slices"
	"testing"
)

// raceRounds is how often each race is run, on each database.
const raceRounds = 50

// Two approvers of 或签 decide at one moment, every other time against each
// other: the flow advances once. Then somebody clicks twice on what comes next.
func flowRaces(t *testing.T, w *flowWorld) {
	w.define("either", []object{startAt(10), approve(10, "any", 20, "E2", "E3"), approve(20, "any", 99, "E5"), endAt(99)}, nil)
	first := map[string]int{}
	for i := range raceRounds {
		no := w.launched("either", fmt.Sprintf("ra%d", i))
		users, verdicts := []string{"E2", "E3"}, []string{"approve", []string{"approve", "reject"}[i%2]}
		for _, a := range w.together(2, func(i int) (answered, error) {
			w.decide(no, 10, users[i], verdicts[i])
			return w.tryFlow("onAudit", "flowRunningNumber", no)
		}) {
			if a.Status != 200 && a.Code != "NOT_UNDER_APPROVAL" {
				t.Fatalf("onAudit: %s", a)
			}
		}
		d := w.detail(no)
		ways := map[string][]string{
			"E2": {"10 E2 APPROVED", "10 E3 DONE_BY_OTHERS", "20 E5 ACTIVE"},
			"E3": {"10 E2 DONE_BY_OTHERS", "10 E3 APPROVED", "20 E5 ACTIVE"},
			"no": {"10 E2 DONE_BY_OTHERS", "10 E3 REJECTED"},
		}
		won := slices.IndexFunc([]string{"E2", "E3", "no"}, func(way string) bool { return slices.Equal(d.tasks(), ways[way]) })
		if won < 0 || (won == 2) != (d.State == "RETURNED") {
			t.Fatalf("race %d: %s %v", i, d.State, d.tasks())
		}
		first[verdicts[min(won, 1)]]++
		if n := d.events("decided"); n != 1 {
			t.Fatalf("race %d: %d decisions counted", i, n)
		}
		// The loser of a flow that went back is late once somebody calls again.
		if got := w.outcomes(no); len(got) != 2 || !slices.Contains(got, "applied") || got[0] == got[1] || d.State == "RUNNING" && got[1] != "ignored_late" {
			t.Fatalf("race %d: %v", i, got)
		}
		w.clickedTwice(no, d.State)
	}
	t.Logf("what counted: %v", first)
}

// clickedTwice urges a flow that runs, or relaunches one that went back, twice
// at one moment: people are told once.
func (w *flowWorld) clickedTwice(no, state string) {
	w.t.Helper()
	call, event, round := "urgent", "urged", 1
	if state == "RETURNED" {
		call, event, round = "relaunch", "relaunched", 2
	}
	done := 0
	for _, a := range w.together(2, func(int) (answered, error) { return w.tryFlow(call, "flowRunningNumber", no) }) {
		if a.Status == 200 {
			done++
		} else if call != "urgent" || a.Code != "URGED_TOO_OFTEN" {
			w.t.Fatalf("%s: %s", call, a)
		}
	}
	if d := w.detail(no); done == 0 || d.events(event) != 1 || d.Round != round || d.State != "RUNNING" {
		w.t.Fatalf("%s twice: %d done, %d times in the timeline, round %d, %s", call, done, d.events(event), d.Round, d.State)
	}
	w.toldOnce(no)
}

// toldOnce wants nobody to be told the same thing about a flow twice.
func (w *flowWorld) toldOnce(no string) {
	w.t.Helper()
	twice := w.rows(fmt.Sprintf(`SELECT kind, to_user, channel, task_id, count(*) FROM outbox WHERE flow_no = '%s' GROUP BY kind, to_user, channel, task_id HAVING count(*) > 1`, no))
	if len(twice) > 0 {
		w.t.Fatalf("flow %s: messages were stored twice: %v", no, twice)
	}
}

// outcomes lists what became of the decisions on a flow, sorted.
func (w *flowWorld) outcomes(no string) []string {
	w.t.Helper()
	var list struct{ Decisions []struct{ Outcome string } }
	must(w.t, "GET", "http://"+w.http+"/api/v1/flows/"+no+"/decisions", "", &list)
	var out []string
	for _, d := range list.Decisions {
		out = append(out, d.Outcome)
	}
	slices.Sort(out)
	return out
}

func twelveAtOnce(t *testing.T, w *flowWorld) {
	node := approve(10, "all", 99)
	node["approvers"] = []object{{"by": "role", "code": "board"}}
	w.define("twelve", []object{startAt(10), node, endAt(99)}, nil)
	for i := range raceRounds {
		no := w.launched("twelve", fmt.Sprintf("tw%d", i))
		for _, a := range w.together(12, func(i int) (answered, error) {
			w.decide(no, 10, fmt.Sprintf("E%d", 11+i), "approve")
			return w.tryFlow("onAudit", "flowRunningNumber", no)
		}) {
			if a.Status != 200 {
				t.Fatalf("onAudit: %s", a)
			}
		}
		if d := w.detail(no); d.State != "APPROVED" || d.events("decided") != 12 {
			t.Fatalf("%s after %d decisions: %v", d.State, d.events("decided"), d.tasks())
		}
		if got := w.outcomes(no); len(got) != 12 || got[0] != "applied" || got[11] != "applied" {
			t.Fatalf("decisions %v", got)
		}
	}
}

// A double click on discard and the last approval at one moment: whichever
// comes first, the flow is discarded in the end, once, and the decision has an
// outcome.
func discardAgainstApprove(t *testing.T, w *flowWorld) {
	w.define("short", []object{startAt(10), approve(10, "any", 99, "E2"), endAt(99)}, nil)
	first := map[string]int{}
	for i := range raceRounds {
		no := w.launched("short", fmt.Sprintf("da%d", i))
		w.decide(no, 10, "E2", "approve")
		answers := w.together(3, func(i int) (answered, error) {
			if i == 0 {
				return w.tryFlow("onAudit", "flowRunningNumber", no)
			}
			return w.tryFlow("discard", "flowRunningNumber", no, "userName", "员工1")
		})
		if answers[1].Status != 200 || answers[2].Status != 200 || answers[0].Status != 200 && answers[0].Code != "FLOW_DISCARDED" {
			t.Fatalf("race %d: %v", i, answers)
		}
		d := w.detail(no)
		got := w.outcomes(no)
		first[got[0]]++
		if d.State != "DISCARDED" || d.events("discarded") != 1 || len(got) != 1 || got[0] == "" {
			t.Fatalf("race %d: %s, %d discards, decisions %v", i, d.State, d.events("discarded"), got)
		}
		if (got[0] == "applied") != (d.events("approved") == 1) {
			t.Fatalf("race %d: the decision is %s, approved %d times", i, got[0], d.events("approved"))
		}
		w.toldOnce(no)
	}
	t.Logf("who was first: %v", first)
}
