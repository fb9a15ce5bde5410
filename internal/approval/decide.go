package approval

import (
	"errors"
	"fmt"
	"slices"

	"orgflow"
)

// audits works on stored decisions in the order they were stored (approval
// reference B.5).
func (m *machine) audits(c DoAudits) error {
	rows := slices.Clone(c.Rows)
	slices.SortFunc(rows, func(a, b Decision) int { return int(min(max(a.ID-b.ID, -1), 1)) })
	if m.s.Flow != orgflow.FlowRunning {
		return m.auditsElsewhere(c, rows)
	}
	calls, err := m.calls(Asked{c.NextNodeSeq, c.TaskDeptManager}, rows)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		if m.recent(m.s.Decided) {
			return m.already()
		}
		return refusef(NoStoredDecision, "no decision of flow %s waits to be worked on; store one first", m.s.Number)
	}
	for _, c := range calls {
		if err := m.auditCall(c); err != nil {
			return err
		}
	}
	return nil
}

// auditCall is the decisions one call has brought, and what it asked for.
type auditCall struct {
	rows []Decision
	over *Override // nil: nothing
}

// calls divides decisions by the calls that brought them: each call the ones
// up to the one that what it asked for is stored with, the last call the
// rest. Everything they ask for is looked up before anything is changed.
func (m *machine) calls(last Asked, rows []Decision) ([]auditCall, error) {
	var calls []auditCall
	for first, i := 0, 0; i <= len(rows); i++ {
		asked := last
		switch {
		case i == len(rows) && first == i && i > 0:
			return calls, nil // nothing is left for this call
		case i == len(rows):
		case rows[i].Asked == nil:
			continue
		default:
			asked = *rows[i].Asked
		}
		over, err := m.override(asked)
		if err != nil {
			return nil, err
		}
		end := min(i+1, len(rows))
		calls = append(calls, auditCall{rows[first:end], over})
		first = end
	}
	return calls, nil
}

func (m *machine) auditCall(c auditCall) error {
	bound := int64(0)
	if c.over != nil {
		var err error
		if bound, err = m.boundTo(c.rows); err != nil {
			return err
		}
		if bound == 0 && c.over.Jump != nil {
			m.answer.Jump = JumpDropped
		}
	}
	for _, row := range c.rows {
		if m.s.Flow == orgflow.FlowFaulted {
			break // the rest waits for the repair
		}
		var mine *Override
		if row.ID == bound {
			mine = c.over
		}
		if err := m.decide(row, mine); err != nil {
			return err
		}
	}
	return nil
}

// auditsElsewhere answers for a flow that is not RUNNING. Decisions that came
// too late for good are marked, those of a FAULTED flow are left for later.
func (m *machine) auditsElsewhere(c DoAudits, rows []Decision) error {
	refusal := refuseState(m.s)
	if m.s.Flow == orgflow.FlowFaulted {
		return refusal
	}
	finishing := c.Newest == 0 || c.Newest == m.s.LastAudit
	if len(rows) == 0 && m.s.Flow != orgflow.FlowDiscarded && finishing && m.recent(m.s.Decided) {
		return m.already()
	}
	for _, row := range rows {
		refusal.Audits = append(refusal.Audits, AuditResult{ID: row.ID, Outcome: orgflow.AuditLate,
			Message: fmt.Sprintf("the flow was %s already", m.s.Flow)})
	}
	return refusal
}

// boundTo returns the decision that a call's override belongs to: the newest
// one that ends a task. A rehearsal tells which one that is; 0 is none.
func (m *machine) boundTo(rows []Decision) (int64, error) {
	trial := &machine{def: m.def, w: m.w, now: m.now, before: m.before, s: m.s.clone()}
	bound := int64(0)
	for _, row := range rows {
		if trial.s.Flow != orgflow.FlowRunning {
			break
		}
		err := trial.decide(row, nil)
		var refusal *Refusal
		if errors.As(err, &refusal) {
			break
		}
		if err != nil {
			return 0, err
		}
		last := trial.eff.Audits[len(trial.eff.Audits)-1]
		if last.Outcome == orgflow.AuditApplied && ends(row.Verdict) {
			bound = row.ID
		}
	}
	return bound, nil
}

// ends tells whether a verdict ends its task for good.
func ends(v orgflow.Verdict) bool {
	return v == orgflow.VerdictApprove || v == orgflow.VerdictReject || v == orgflow.VerdictReturn
}

// decide works on one decision. One that does not count is marked and leaves
// the flow as it was.
func (m *machine) decide(row Decision, over *Override) error {
	m.s.Decided = m.moment()
	m.s.LastAudit = max(m.s.LastAudit, row.ID)
	m.deptsUsed, m.firstEntered, m.steps = false, 0, 0
	m.fresh = over != nil && len(over.Depts) > 0
	task, result := m.match(row)
	if result.Outcome == orgflow.AuditApplied {
		why, err := m.check(task, row)
		if err != nil {
			return err
		}
		if why != "" {
			result.Outcome, result.Message = orgflow.AuditInvalid, why
		}
	}
	m.eff.Audits = append(m.eff.Audits, result)
	if result.Outcome != orgflow.AuditApplied {
		m.log(Entry{Type: EntryIgnored, Actor: row.User, Node: seqOf(row.NodeSeq), Task: result.Task,
			Data: EntryData{Verdict: string(row.Verdict), Outcome: string(result.Outcome), Audit: row.ID, Message: result.Message}})
		return nil
	}
	m.answer.Applied++
	m.acts(row.User)
	m.audit = row.ID
	m.log(Entry{Type: EntryDecided, Actor: row.User, Node: seqOf(task.Node), Visit: task.Visit, Task: task.ID,
		Data: EntryData{Verdict: string(row.Verdict), Audit: row.ID, To: row.TargetSeq, Users: slices.Clone(row.TargetUsers)}})
	return m.goOn(m.apply(task.ID, row, over))
}

// match finds the task a decision is about and says what becomes of it.
func (m *machine) match(row Decision) (*Task, AuditResult) {
	out := AuditResult{ID: row.ID}
	drop := func(o orgflow.AuditOutcome, format string, args ...any) (*Task, AuditResult) {
		out.Outcome, out.Message = o, fmt.Sprintf(format, args...)
		return nil, out
	}
	round := row.Round
	if round == 0 {
		round = m.s.Round
	}
	switch {
	case m.s.Flow != orgflow.FlowRunning:
		return drop(orgflow.AuditLate, "the flow was %s already", m.s.Flow)
	case round < m.s.Round:
		return drop(orgflow.AuditLate, "round %d is over, the flow is in round %d", round, m.s.Round)
	case round > m.s.Round:
		return drop(orgflow.AuditInvalid, "there is no round %d yet, the flow is in round %d", round, m.s.Round)
	}
	if _, ok := m.def.Node(row.NodeSeq); !ok {
		return drop(orgflow.AuditInvalid, "version %d of the definition has no node %d", m.s.Version, row.NodeSeq)
	}
	task := m.taskFor(row)
	if task == nil {
		return drop(orgflow.AuditNotAssignee, "%s has no task at node %d", row.User, row.NodeSeq)
	}
	out.Task = task.ID
	switch task.State {
	case orgflow.TaskActive:
		out.Outcome = orgflow.AuditApplied
		return task, out
	case orgflow.TaskWaiting:
		return drop(orgflow.AuditNotAssignee, "it is not the turn of %s yet", row.User)
	case orgflow.TaskDoneByOthers, orgflow.TaskTimedOut, orgflow.TaskCancelled:
		return drop(orgflow.AuditLate, "already handled by %s", m.handler(task))
	default:
		return drop(orgflow.AuditDuplicate, "the task is %s already", task.State)
	}
}

// taskFor returns the task a row names, else the newest ACTIVE task of its
// person at its node, else the newest one at all.
func (m *machine) taskFor(row Decision) *Task {
	var found *Task
	for i := range m.s.Tasks {
		t := &m.s.Tasks[i]
		if t.User != row.User || t.Node != row.NodeSeq || row.Task != 0 && t.ID != row.Task {
			continue
		}
		if found == nil || rank(t, row.Verdict) >= rank(found, row.Verdict) {
			found = t
		}
	}
	return found
}

// rank says which of a person's tasks a decision is about: an ACTIVE one
// before others, one that takes the verdict before one that does not, what the
// flow waits for before side tasks.
func rank(t *Task, v orgflow.Verdict) int {
	switch {
	case t.State == orgflow.TaskActive && t.Kind != TaskSide && slices.Contains(takes[t.Kind], v):
		return 3
	case t.State == orgflow.TaskActive && t.Kind != TaskSide:
		return 2
	case t.State == orgflow.TaskActive:
		return 1
	}
	return 0
}

// handler names who ended the visit of a task.
func (m *machine) handler(task *Task) string {
	by := "the flow's course"
	for _, id := range m.s.tasksOf(task.Visit) {
		if t := m.s.task(id); t.Audit != 0 && t.ID != task.ID {
			by = t.User
		}
	}
	return by
}
