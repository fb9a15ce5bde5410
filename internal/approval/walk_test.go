package approval_test

import (
	"errors"
	"reflect"
	"slices"
	"time"

	"pgregory.net/rapid"

	"orgflow"
	"orgflow/internal/approval"
)

var verdicts = []orgflow.Verdict{orgflow.VerdictApprove, orgflow.VerdictReject, orgflow.VerdictReturn, orgflow.VerdictTransfer,
	orgflow.VerdictDelegate, orgflow.VerdictResolve, orgflow.VerdictAddSign, orgflow.VerdictRemoveSign}

// walk is a flow under random commands, with what the outside has seen of it.
type walk struct {
	*flow
	rt     *rapid.T
	visits map[int]approval.Visit
	tasks  map[int]approval.Task
	keys   map[string]bool
	judged map[int]int64 // task → the decision that ended it
}

func newWalk(rt *rapid.T) *walk {
	def := genDefinition(rt)
	w := genTown(rt, def)
	wk := &walk{flow: &flow{t: rt, def: def, w: w}, rt: rt, visits: map[int]approval.Visit{}, tasks: map[int]approval.Task{},
		keys: map[string]bool{}, judged: map[int]int64{}}
	wk.step(approval.DoLaunch{Number: "F1", Initiator: initiator, Accepted: true})
	return wk
}

// step carries a command out, twice to see that it is reproducible, and keeps
// the books. It tells whether the command was not refused.
func (w *walk) step(cmd approval.Command) bool {
	again, errAgain := approval.Step(w.def, w.s, cmd, w.w)
	if err := w.try(cmd); err != nil {
		var r *approval.Refusal
		if !errors.As(err, &r) {
			w.t.Fatalf("%#v fails: %v", cmd, err)
		}
		var twice *approval.Refusal
		if !errors.As(errAgain, &twice) || twice.Error() != r.Error() {
			w.t.Fatalf("%#v is refused with %v, then with %v", cmd, errAgain, err)
		}
		w.refusal = r
		return false
	}
	if !reflect.DeepEqual(again, w.last) {
		w.t.Fatalf("%#v gives two outcomes:\n%+v\n%+v", cmd, again, w.last)
	}
	w.record()
	return true
}

// record projects the effect as the database does and compares.
func (w *walk) record() {
	e := w.last.Effect
	for _, v := range e.Visits {
		if old, ok := w.visits[v.ID]; ok && old.State != orgflow.VisitActive && old.State != v.State {
			w.t.Fatalf("visit %d was %s and becomes %s", v.ID, old.State, v.State)
		}
		w.visits[v.ID] = v
	}
	for _, t := range e.Tasks {
		w.tasks[t.ID] = t
	}
	if len(w.visits) != w.s.LastVisit || len(w.tasks) != w.s.LastTask {
		w.t.Fatalf("%d visits and %d tasks are stored, ids go to %d and %d", len(w.visits), len(w.tasks), w.s.LastVisit, w.s.LastTask)
	}
	for _, v := range w.s.Visits {
		if !reflect.DeepEqual(v, w.visits[v.ID]) {
			w.t.Fatalf("visit %d is %+v, stored is %+v", v.ID, v, w.visits[v.ID])
		}
	}
	for _, t := range w.s.Tasks {
		if !reflect.DeepEqual(t, w.tasks[t.ID]) {
			w.t.Fatalf("task %d is %+v, stored is %+v", t.ID, t, w.tasks[t.ID])
		}
	}
	for _, t := range w.tasks {
		if t.Open() && (t.Round != w.s.Round || w.s.Flow != orgflow.FlowRunning && w.s.Flow != orgflow.FlowFaulted) {
			w.t.Fatalf("task %d of round %d is %s in a flow that is %s in round %d", t.ID, t.Round, t.State, w.s.Flow, w.s.Round)
		}
	}
	for _, m := range e.Messages {
		key := m.Key(w.s.Number)
		if w.keys[key] {
			w.t.Fatalf("message %s is sent twice", key)
		}
		w.keys[key] = true
	}
	w.joins()
}

// joins checks that no join waits for a branch that cannot come.
func (w *walk) joins() {
	if w.s.Flow != orgflow.FlowRunning {
		return
	}
	for _, f := range w.s.Forks {
		if !slices.ContainsFunc(w.s.Tokens, func(t approval.Token) bool {
			return t.Stage == approval.StageAt && slices.ContainsFunc(t.Path, func(b approval.Branch) bool { return b.Fork == f.ID })
		}) {
			w.t.Fatalf("fork %d waits for nobody: %+v", f.ID, w.s.Tokens)
		}
	}
}

// judge remembers which decisions counted.
func (w *walk) judge(rows []approval.Decision) {
	for _, a := range w.last.Effect.Audits {
		i := slices.IndexFunc(rows, func(d approval.Decision) bool { return d.ID == a.ID })
		v := rows[i].Verdict
		if a.Outcome != orgflow.AuditApplied || v != orgflow.VerdictApprove && v != orgflow.VerdictReject && v != orgflow.VerdictReturn {
			continue
		}
		if other, ok := w.judged[a.Task]; ok {
			w.t.Fatalf("decisions %d and %d both ended task %d", other, a.ID, a.Task)
		}
		w.judged[a.Task] = a.ID
	}
}

// rows draws decisions: mostly of people who have a task, now and then of
// anybody about anything.
func (w *walk) rows(least, most int) []approval.Decision {
	var rows []approval.Decision
	for range rapid.IntRange(least, most).Draw(w.rt, "rows") {
		var d approval.Decision
		if open := w.openTasks(); len(open) > 0 && rapid.IntRange(0, 4).Draw(w.rt, "knows") > 0 {
			t := rapid.SampledFrom(open).Draw(w.rt, "task")
			d = w.row(t.User, orgflow.VerdictApprove, t.Node)
			if t.Kind == approval.TaskDelegate && rapid.Bool().Draw(w.rt, "resolves") {
				d.Verdict = orgflow.VerdictResolve
			}
			if rapid.Bool().Draw(w.rt, "names the task") {
				d.Task = t.ID
			}
		} else {
			d = w.row(rapid.SampledFrom(crowd).Draw(w.rt, "user"), orgflow.VerdictApprove, w.anyNode())
			d.Task = rapid.IntRange(0, 5).Draw(w.rt, "any task")
			d.Round = rapid.IntRange(0, w.s.Round+1).Draw(w.rt, "round")
		}
		if d.Verdict == orgflow.VerdictApprove && rapid.Bool().Draw(w.rt, "else") {
			d.Verdict = rapid.SampledFrom(verdicts).Draw(w.rt, "verdict")
		}
		if rapid.Bool().Draw(w.rt, "target") {
			d.TargetSeq = new(w.anyNode())
		}
		d.TargetUsers = rapid.SliceOfN(rapid.SampledFrom(append([]string{""}, crowd...)), 0, 3).Draw(w.rt, "targets")
		rows = append(rows, d)
	}
	return rows
}

func (w *walk) openTasks() []approval.Task {
	var open []approval.Task
	for _, t := range w.s.Tasks {
		if t.State == orgflow.TaskActive {
			open = append(open, t)
		}
	}
	return open
}

func (w *walk) anyNode() int {
	if rapid.IntRange(0, 9).Draw(w.rt, "odd") == 0 {
		return rapid.SampledFrom([]int{-2, -1, 7}).Draw(w.rt, "seq")
	}
	return rapid.SampledFrom(w.def.Nodes).Draw(w.rt, "node").Seq
}

// any does something to the flow.
func (w *walk) any() {
	w.w.now = w.w.now.Add(time.Duration(rapid.IntRange(0, 100).Draw(w.rt, "minutes")) * time.Minute)
	by := rapid.SampledFrom([]string{"admin", initiator, "u1", "u2", "u3"}).Draw(w.rt, "by")
	switch rapid.IntRange(0, 19).Draw(w.rt, "what") {
	case 0:
		shuffle(w.rt, w.w, w.def)
	case 1:
		w.step(approval.DoLaunch{Number: "F1", Initiator: initiator})
	case 2, 3:
		w.step(approval.DoRelaunch{})
	case 4:
		if rapid.IntRange(0, 3).Draw(w.rt, "really") == 0 {
			w.step(approval.DoDiscard{By: by})
		}
	case 5:
		w.step(approval.DoUrge{By: by})
	case 6:
		w.step(approval.DoWithdraw{By: by})
	case 7:
		w.step(approval.DoRetract{By: by})
	case 8:
		var from *int
		if now := w.s.CurrentNodes(); len(now) > 0 && rapid.Bool().Draw(w.rt, "from") {
			from = new(rapid.SampledFrom(now).Draw(w.rt, "current"))
		}
		w.step(approval.DoJump{By: by, From: from, To: w.anyNode()})
	case 9:
		w.step(approval.DoRepair{By: "admin", Action: approval.RepairRetry})
	case 10:
		w.step(approval.DoRepair{By: "admin", Action: approval.RepairJump, To: new(w.anyNode())})
	case 11:
		w.step(approval.Wake{})
	case 12:
		w.step(approval.AbsenceBegan{User: rapid.SampledFrom(crowd).Draw(w.rt, "absent")})
	case 13:
		w.step(approval.ChildDone{Visit: w.anyVisit(), Refused: draw(w.rt, "refused", "", "", "no row"), State: draw(w.rt, "child", orgflow.FlowApproved, orgflow.FlowRejected, orgflow.FlowDiscarded)})
	case 14:
		w.step(approval.TriggerDone{Visit: w.anyVisit(), OK: rapid.Bool().Draw(w.rt, "ok")})
	default:
		w.decideSome()
	}
}

func (w *walk) anyVisit() int { return rapid.IntRange(0, w.s.LastVisit).Draw(w.rt, "visit") }

func (w *walk) decideSome() {
	c := approval.DoAudits{Rows: w.rows(0, 3)}
	if rapid.IntRange(0, 3).Draw(w.rt, "jumps") == 0 {
		c.NextNodeSeq = new(w.anyNode())
	}
	if rapid.IntRange(0, 3).Draw(w.rt, "asks managers") == 0 {
		c.TaskDeptManager = rapid.SliceOfN(rapid.SampledFrom([]string{"D1", " D2 ", "", "nowhere"}), 0, 2).Draw(w.rt, "depts")
	}
	if w.step(c) {
		w.judge(c.Rows)
	}
}
