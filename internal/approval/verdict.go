package approval

import (
	"fmt"
	"slices"

	"orgflow"
)

// check says why a decision on an ACTIVE task cannot be carried out, "" if it
// can.
func (m *machine) check(t *Task, row Decision) (string, error) {
	n, ok := m.def.Node(t.Node)
	if !ok {
		return fmt.Sprintf("version %d of the definition has no node %d", m.s.Version, t.Node), nil
	}
	if why := m.checkVerdict(t, n, row); why != "" {
		return why, nil
	}
	switch row.Verdict {
	case orgflow.VerdictTransfer, orgflow.VerdictDelegate, orgflow.VerdictAddSign:
		return m.checkNewcomers(t, row)
	case orgflow.VerdictRemoveSign:
		return m.checkRemoved(t, row), nil
	case orgflow.VerdictReturn:
		return m.checkReturn(t, n, row), nil
	default:
		return "", nil
	}
}

// actions says which action of a node's "allow" a verdict needs.
var actions = map[orgflow.Verdict]Action{
	orgflow.VerdictTransfer:   ActionTransfer,
	orgflow.VerdictDelegate:   ActionDelegate,
	orgflow.VerdictAddSign:    ActionAddSign,
	orgflow.VerdictRemoveSign: ActionRemoveSign,
	orgflow.VerdictReturn:     ActionRollback,
}

// takes says which verdicts each kind of task takes.
var takes = map[TaskKind][]orgflow.Verdict{
	TaskApprove: {orgflow.VerdictApprove, orgflow.VerdictReject, orgflow.VerdictReturn, orgflow.VerdictTransfer,
		orgflow.VerdictDelegate, orgflow.VerdictAddSign, orgflow.VerdictRemoveSign},
	TaskHandle: {orgflow.VerdictApprove, orgflow.VerdictReturn, orgflow.VerdictTransfer,
		orgflow.VerdictDelegate, orgflow.VerdictAddSign, orgflow.VerdictRemoveSign},
	TaskBefore:   {orgflow.VerdictApprove, orgflow.VerdictReject, orgflow.VerdictTransfer, orgflow.VerdictDelegate},
	TaskDelegate: {orgflow.VerdictResolve, orgflow.VerdictTransfer},
	TaskSide:     {orgflow.VerdictApprove, orgflow.VerdictTransfer},
}

// Verdicts returns what a task of a kind takes at the node.
func (n *Node) Verdicts(kind TaskKind) []orgflow.Verdict {
	return slices.DeleteFunc(slices.Clone(takes[kind]), func(v orgflow.Verdict) bool {
		need, ok := actions[v]
		return ok && !slices.Contains(n.Allow, need) || kind == TaskBefore && n.Type == NodeHandle && v == orgflow.VerdictReject
	})
}

func (m *machine) checkVerdict(t *Task, n *Node, row Decision) string {
	if !slices.Contains(takes[t.Kind], row.Verdict) || t.Kind == TaskBefore && n.Type == NodeHandle && row.Verdict == orgflow.VerdictReject {
		return fmt.Sprintf("a task of kind %s takes no verdict %q, only %q", t.Kind, row.Verdict, takes[t.Kind])
	}
	if need, ok := actions[row.Verdict]; ok && !slices.Contains(n.Allow, need) {
		return fmt.Sprintf("%s does not allow %s", label(n), need)
	}
	no := row.Verdict == orgflow.VerdictReject || row.Verdict == orgflow.VerdictReturn
	if !row.HasOpinion && ends(row.Verdict) && t.Kind != TaskSide &&
		(n.Opinion == OpinionRequired || no && n.Opinion == OpinionRequiredOnReject) {
		return fmt.Sprintf("%s wants an opinion", label(n))
	}
	return ""
}

// checkNewcomers looks at the people a task is given to.
func (m *machine) checkNewcomers(t *Task, row Decision) (string, error) {
	users := unique(row.TargetUsers)
	if len(users) == 0 || len(users) > 1 && row.Verdict != orgflow.VerdictAddSign {
		return fmt.Sprintf("%s needs one person in target_users, or for %s any number; there are %d",
			row.Verdict, orgflow.VerdictAddSign, len(users)), nil
	}
	for _, u := range users {
		if m.hasOpen(t.Visit, u) || u == t.User {
			return fmt.Sprintf("%s has an open task at node %d already", u, t.Node), nil
		}
		there, err := m.w.Employed(u)
		if err != nil {
			return "", fmt.Errorf("person %s: %w", u, err)
		}
		if !there {
			return fmt.Sprintf("%s is not known or has left", u), nil
		}
	}
	return "", nil
}

func (m *machine) checkRemoved(t *Task, row Decision) string {
	users := unique(row.TargetUsers)
	if len(users) == 0 {
		return "remove_sign needs people in target_users"
	}
	for _, u := range users {
		if u == t.User || !m.hasOpen(t.Visit, u) {
			return fmt.Sprintf("%s has no open task at node %d that %s could remove", u, t.Node, t.User)
		}
	}
	return ""
}

// checkReturn looks at where a decision returns the flow to: a node people
// have had in this round, before this one.
func (m *machine) checkReturn(t *Task, n *Node, row Decision) string {
	if row.TargetSeq == nil || *row.TargetSeq == StartSeq {
		return ""
	}
	to, ok := m.def.Node(*row.TargetSeq)
	if !ok {
		return fmt.Sprintf("version %d of the definition has no node %d", m.s.Version, *row.TargetSeq)
	}
	had := slices.ContainsFunc(m.s.Visits, func(v Visit) bool { return v.Node == to.Seq && v.ID < t.Visit && v.State != orgflow.VisitActive })
	if to.Seq == n.Seq || to.Type != NodeApprove && to.Type != NodeHandle || !had {
		return fmt.Sprintf("node %d is no earlier node with approvers; return to one, or to the initiator (0)", to.Seq)
	}
	return ""
}

// apply carries a decision out.
func (m *machine) apply(task int, row Decision, over *Override) error {
	t := m.s.task(task)
	if ends(row.Verdict) && t.Kind != TaskSide {
		if err := m.bind(t.Visit, over); err != nil {
			return err
		}
	}
	switch row.Verdict {
	case orgflow.VerdictApprove:
		return m.approve(task, row)
	case orgflow.VerdictReject:
		return m.reject(task, row)
	case orgflow.VerdictReturn:
		return m.giveBack(task, row)
	case orgflow.VerdictTransfer:
		m.finishTask(task, orgflow.TaskTransferred, 0)
		return m.handOver(task, unique(row.TargetUsers)[0], t.Kind, "")
	case orgflow.VerdictDelegate:
		m.claim(task)
		t.State = orgflow.TaskDelegated
		return m.handOver(task, unique(row.TargetUsers)[0], TaskDelegate, "")
	case orgflow.VerdictResolve:
		return m.resolve(task)
	case orgflow.VerdictAddSign:
		return m.addSign(task, unique(row.TargetUsers))
	case orgflow.VerdictRemoveSign:
		return m.removeSign(task, unique(row.TargetUsers))
	}
	return fmt.Errorf("flow %s: unknown verdict %q", m.s.Number, row.Verdict)
}

func (m *machine) approve(task int, row Decision) error {
	t := m.s.task(task)
	m.finishTask(task, orgflow.TaskApproved, row.ID)
	if t.Kind == TaskSide {
		return nil
	}
	if len(row.TargetUsers) > 0 && t.Kind != TaskBefore {
		m.s.visit(t.Visit).Chosen = unique(row.TargetUsers)
	}
	if t.Kind == TaskBefore {
		if err := m.wakeAsker(t.Parent); err != nil {
			return err
		}
	}
	return m.settleTask(task)
}

// reject ends a task, and its whole seat: one who was asked before rejects for
// the one who asked.
func (m *machine) reject(task int, row Decision) error {
	m.finishTask(task, orgflow.TaskRejected, row.ID)
	mine := m.s.task(task)
	for _, id := range m.s.tasksOf(mine.Visit) {
		if t := m.s.task(id); t.Seat == mine.Seat && t.Kind != TaskSide && t.Open() {
			m.closeTask(t, orgflow.TaskDoneByOthers, CauseDecided)
		}
	}
	return m.settleTask(task)
}

func (m *machine) settleTask(task int) error { return m.settle(m.s.task(task).Visit) }

// finishTask ends a task by its person's decision.
func (m *machine) finishTask(task int, state orgflow.TaskState, audit int64) {
	m.claim(task)
	t := m.s.task(task)
	m.closeTask(t, state, "")
	t.Audit = audit
}

// claim takes the task away from the others who might have claimed it.
func (m *machine) claim(task int) {
	mine := m.s.task(task)
	if mine.Seat == 0 || mine.Kind == TaskBefore || mine.Kind == TaskDelegate {
		return
	}
	for _, id := range m.s.tasksOf(mine.Visit) {
		if t := m.s.task(id); id != task && t.Seat == mine.Seat && t.Kind == mine.Kind && t.Open() {
			m.closeTask(t, orgflow.TaskDoneByOthers, CauseClaimed)
		}
	}
}

// giveBack returns the flow to an earlier node or the initiator.
func (m *machine) giveBack(task int, row Decision) error {
	visit := m.s.task(task).Visit
	m.finishTask(task, orgflow.TaskReturned, row.ID)
	m.closeTasks(visit, orgflow.TaskCancelled, CauseReturn)
	n, t, v, err := m.endVisit(visit, orgflow.VisitReturned, CauseReturn)
	if err != nil {
		return err
	}
	if v.Override != nil && v.Override.Jump != nil {
		t.Depts = v.Override.Depts
		return m.jump(t.ID, *v.Override.Jump)
	}
	back := Reject{Resume: m.def.RejectOf(n).Resume}
	if row.TargetSeq != nil {
		back.To = ToNode(*row.TargetSeq)
	}
	return m.sendBack(t.ID, back, v.deptsAsked(), CauseReturn)
}
