package approval

import (
	"slices"

	"orgflow"
)

// enterPeople opens a visit with its tasks. Everything is looked up before
// anything is changed.
func (m *machine) enterPeople(t *Token, n *Node) error {
	who, err := m.appoint(n, t)
	if err != nil {
		return err
	}
	timers, err := m.arm(n, m.now)
	if err != nil {
		return err
	}
	spared := m.spared(n, t)
	asksDepts := lists(n, RuleTaskDeptManagers)
	token := t.ID
	v := m.openVisit(t, n)
	t.SentBack = false
	if asksDepts {
		m.deptsUsed = m.deptsUsed || len(t.Depts) > 0
	}
	switch {
	case who.skip != "":
		m.closeVisit(v, orgflow.VisitSkipped, who.skip)
		m.goAhead(token)
		return nil
	case who.no:
		return m.rejectVisit(v.ID, orgflow.VisitRejected, CauseMissing)
	}
	if m.firstEntered == 0 {
		m.firstEntered = v.ID
	}
	v.Timers = timers
	for _, c := range who.seats {
		m.seat(v, n, c, spared)
	}
	return m.settle(v.ID)
}

func (m *machine) goAhead(token int) {
	t := m.s.token(token)
	t.Stage, t.Visit = StageLeave, 0
}

func lists(n *Node, rule Rule) bool {
	return slices.ContainsFunc(n.Approvers, func(a Approver) bool { return a.By == rule })
}

// seat adds a seat with its tasks. Somebody who is spared a second approval
// has it at once.
func (m *machine) seat(v *Visit, n *Node, c candidates, spared []string) {
	v.Seats = append(v.Seats, c.seat)
	for i, user := range c.users {
		t := m.addTask(v, kindAt(n), user)
		t.Seat, t.For = len(v.Seats), c.absent[i]
		if slices.Contains(spared, user) {
			m.closeTask(t, orgflow.TaskApproved, CauseDedup)
		}
	}
}

func kindAt(n *Node) TaskKind {
	if n.Type == NodeHandle {
		return TaskHandle
	}
	return TaskApprove
}

// spared returns who need not approve again. What was approved before the
// last send-back does not count, nor does anything right after one.
func (m *machine) spared(n *Node, t *Token) []string {
	if m.def.Policy.Dedup == DedupNone || n.Type != NodeApprove || t.SentBack {
		return nil
	}
	var users []string
	for i := range m.s.Tasks {
		task := &m.s.Tasks[i]
		near := m.def.Policy.Dedup == DedupAny || task.Visit == t.From
		if near && task.Kind == TaskApprove && task.State == orgflow.TaskApproved && task.Visit > m.s.AskedFrom {
			users = append(users, task.User)
		}
	}
	return users
}

// handOver makes and opens a task of the same seat for somebody else, or for
// whoever stands in for that person now. absent is whom user stands in for, if
// that is known already.
func (m *machine) handOver(from int, user string, kind TaskKind, absent string) error {
	old := *m.s.task(from)
	if absent == "" {
		agent, err := m.deputy(old.Node, user)
		if err != nil {
			return err
		}
		if agent != "" && agent != old.User && !m.hasOpen(old.Visit, agent) {
			user, absent = agent, user
		}
	}
	t := m.addTask(m.s.visit(old.Visit), kind, user)
	t.Seat, t.Parent, t.For = old.Seat, from, absent
	return m.openTask(t)
}

// deputy is agent by the seq of a node.
func (m *machine) deputy(seq int, user string) (string, error) {
	n, err := m.node(seq)
	if err != nil {
		return "", err
	}
	return m.agent(n, user)
}

// hasOpen tells whether a person has an open task of a visit.
func (m *machine) hasOpen(visit int, user string) bool {
	return slices.ContainsFunc(m.s.Tasks, func(t Task) bool {
		return t.Visit == visit && t.User == user && t.Open() && t.Kind != TaskSide
	})
}

// others says what the tasks become that a decided visit no longer needs
// (approval reference, Settled 8).
func others(n *Node) orgflow.TaskState {
	if n.Sign.Mode == SignAll || n.Sign.Mode == SignSequence {
		return orgflow.TaskCancelled
	}
	return orgflow.TaskDoneByOthers
}
