package approval_test

import (
	"slices"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/approval"
)

func hours(n int) approval.Duration { return approval.Duration{Clock: time.Duration(n) * time.Hour} }

// timed is a flow with one timed node, and one behind it.
func timed(t *testing.T, sign approval.Sign, timeouts ...approval.Timeout) *flow {
	n := approve(10, 20, "", "a", "b", "c")
	n.Sign, n.Timeouts = sign, timeouts
	return launched(t, newTown(), n, approve(20, 99, "", "z"))
}

// wakeAt wakes the flow so long after its launch.
func (f *flow) wakeAt(d time.Duration) approval.Outcome {
	f.t.Helper()
	f.w.now = newTown().now.Add(d)
	return f.must(approval.Wake{})
}

func TestTimeouts(t *testing.T) {
	for _, c := range []struct {
		name    string
		sign    approval.Sign
		before  string // who decides before
		timeout approval.Timeout
		at      []int
		end     orgflow.FlowState
		states  string
	}{
		{"pass", approval.Sign{Mode: approval.SignAll}, "a+", approval.Timeout{Do: approval.TimeoutPass}, []int{20}, orgflow.FlowRunning, "APPROVED TIMED_OUT TIMED_OUT"},
		{"reject", approval.Sign{Mode: approval.SignAll}, "a+", approval.Timeout{Do: approval.TimeoutReject}, nil, orgflow.FlowReturned, "APPROVED TIMED_OUT TIMED_OUT"},
		{"close: votes count", closing(approval.BaseVoted), "a+", approval.Timeout{Do: approval.TimeoutClose}, []int{20}, orgflow.FlowRunning, "APPROVED TIMED_OUT TIMED_OUT"},
		{"close: silence counts against", closing(approval.BaseAll), "a+", approval.Timeout{Do: approval.TimeoutClose}, nil, orgflow.FlowReturned, "APPROVED TIMED_OUT TIMED_OUT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.timeout.After = hours(24)
			f := timed(t, c.sign, c.timeout)
			f.speak(10, c.before)
			if f.wakeAt(24*time.Hour - time.Second).Changed {
				t.Fatal("woken too early it does something")
			}
			wantEqual(t, "next wake", f.s.NextWake(), newTown().now.Add(24*time.Hour))
			f.wakeAt(24 * time.Hour)
			f.at(c.end, c.at...)
			wantEqual(t, "tasks", string(f.taskState("a", 10)+" "+f.taskState("b", 10)+" "+f.taskState("c", 10)), c.states)
			if f.must(approval.Wake{}).Changed {
				t.Fatal("a timer fires twice")
			}
		})
	}
}

func closing(base approval.VoteBase) approval.Sign {
	return approval.Sign{Mode: approval.SignVote, Pass: &approval.Pass{Percent: "60"}, Base: base}
}

func TestRemindersRepeatUpToTheirLimitAndDoNotCatchUp(t *testing.T) {
	f := timed(t, approval.Sign{Mode: approval.SignAll}, approval.Timeout{Do: approval.TimeoutRemind, After: hours(24), Every: hours(12), Max: 3})
	f.yes("a", 10)
	f.wakeAt(24 * time.Hour)
	wantEqual(t, "reminded", f.told(approval.OnRemind), []string{"b", "c"})
	wantEqual(t, "next", f.s.NextWake(), newTown().now.Add(36*time.Hour))
	f.wakeAt(100 * time.Hour) // nobody was awake at 36
	wantEqual(t, "reminded once", f.told(approval.OnRemind), []string{"b", "c"})
	wantEqual(t, "next", f.s.NextWake(), newTown().now.Add(112*time.Hour))
	f.wakeAt(112 * time.Hour)
	wantEqual(t, "the third is the last", f.s.NextWake(), time.Time{})
}

func TestEscalationAsksOthersInstead(t *testing.T) {
	escalate := approval.Timeout{Do: approval.TimeoutEscalate, After: hours(1), To: &approval.Approver{By: approval.RuleRole, Code: "boss"}}
	for _, c := range []struct {
		sign approval.SignMode
		boss []string
		says string
		end  []int
	}{
		{approval.SignAll, []string{"x"}, "a+ | x+", []int{20}},
		{approval.SignAll, []string{"x", "y"}, "a+ | y+", []int{20}}, // whoever of them acts first
		{approval.SignAny, []string{"x"}, "| x+", []int{20}},
		{approval.SignSequence, []string{"x"}, "a+ | x+ c+", []int{20}}, // b's turn it was
		{approval.SignAll, nil, "a+ | b+ c+", []int{20}},                // nobody to be found: the tasks stay
	} {
		f := timed(t, approval.Sign{Mode: c.sign}, escalate)
		f.w.roles["boss"] = c.boss
		before, after := c.says[:slices.Index([]byte(c.says), '|')], c.says[slices.Index([]byte(c.says), '|')+2:]
		f.speak(10, before)
		f.wakeAt(time.Hour)
		if len(c.boss) > 0 {
			wantEqual(t, "the task of b", f.taskState("b", 10) != orgflow.TaskActive, true)
			wantEqual(t, "told", f.told(approval.OnTask), c.boss)
		}
		f.speak(10, after)
		f.at(orgflow.FlowRunning, c.end...)
	}
}

func TestEscalationKeepsTheWeightOfAVote(t *testing.T) {
	f := timed(t, vote(approval.Pass{Percent: "60"}), approval.Timeout{Do: approval.TimeoutEscalate, After: hours(1), To: &approval.Approver{By: approval.RuleUser, Users: []string{"x"}}})
	f.no("a", 10)
	f.wakeAt(time.Hour)
	f.yes("x", 10) // for b and c: two of three
	f.at(orgflow.FlowRunning, 20)
}

func TestTimersAreArmedAgainWhenANodeIsEnteredAgain(t *testing.T) {
	n, last := approve(10, 20, "", "a"), approve(20, 99, "", "b")
	n.Timeouts = []approval.Timeout{{Do: approval.TimeoutRemind, After: hours(1), Max: 1}}
	last.OnReject = &approval.Reject{To: approval.ToNode(10)}
	f := launched(t, newTown(), n, last)
	f.wakeAt(time.Hour)
	f.yes("a", 10)
	f.w.now = newTown().now.Add(5 * time.Hour)
	f.no("b", 20)
	wantEqual(t, "next", f.s.NextWake(), newTown().now.Add(6*time.Hour))
	f.wakeAt(6 * time.Hour)
	wantEqual(t, "reminded", f.told(approval.OnRemind), []string{"a"})
}

func TestADecisionOvertakesATimer(t *testing.T) {
	f := timed(t, approval.Sign{Mode: approval.SignAny}, approval.Timeout{Do: approval.TimeoutReject, After: hours(1)})
	f.w.now = f.w.now.Add(time.Hour)
	f.yes("a", 10)
	if f.must(approval.Wake{}).Changed {
		t.Fatal("a timer of a visit that is over does something")
	}
	f.at(orgflow.FlowRunning, 20)
}

func TestAFaultedFlowSleepsAndWakesWhenItIsRepaired(t *testing.T) {
	nodes := forked(approval.ForkParallel)
	nodes[2].Timeouts = []approval.Timeout{{Do: approval.TimeoutPass, After: hours(1), Max: 1}}
	f := launched(t, newTown(), nodes...)
	f.yes("a", 10)
	f.w.left["d"] = true
	f.yes("c", 40)
	f.at(orgflow.FlowFaulted, 30)
	wantEqual(t, "next wake", f.s.NextWake(), time.Time{})
	if f.wakeAt(2 * time.Hour).Changed {
		t.Fatal("a faulted flow moves")
	}
	f.w.left["d"] = false
	f.must(approval.DoRepair{By: "admin", Action: approval.RepairRetry})
	f.wakeAt(2 * time.Hour)
	f.at(orgflow.FlowRunning, 50)
}

func TestDelaysPassWhenTheirTimeHasCome(t *testing.T) {
	f := launched(t, newTown(), approval.Node{Seq: 10, Type: approval.NodeDelay, After: hours(48), Next: []approval.Edge{{To: 20}}}, approve(20, 99, "", "a"))
	f.wakeAt(47 * time.Hour)
	f.at(orgflow.FlowRunning, 10)
	f.wakeAt(48 * time.Hour)
	f.at(orgflow.FlowRunning, 20)
}
