package approval

import (
	"slices"

	"orgflow"
)

// withdraw takes a running flow back to its initiator, if every current node
// allows it.
func (m *machine) withdraw(c DoWithdraw) error {
	if c.By != m.s.Initiator {
		return refusef(NotInitiator, "only the initiator may withdraw flow %s", m.s.Number)
	}
	if m.s.Flow == orgflow.FlowReturned && m.s.Cause == CauseWithdraw && m.recent(m.s.Withdrawn) {
		return m.already()
	}
	if err := m.running(); err != nil {
		return err
	}
	for i := range m.s.Visits {
		v := &m.s.Visits[i]
		n, ok := m.def.Node(v.Node)
		if ok && v.State == orgflow.VisitActive && (n.Type == NodeApprove || n.Type == NodeHandle) && !slices.Contains(n.Allow, ActionWithdraw) {
			return refusef(NotAllowed, "%s does not allow the initiator to withdraw", label(n))
		}
	}
	m.acts(c.By)
	m.s.Withdrawn = m.moment()
	m.log(Entry{Type: EntryWithdrawn, Actor: c.By})
	return m.returnFlow(CauseWithdraw, m.def.Policy.Relaunch.Resume)
}

// retract takes a person's newest approval back: the person is asked again. In
// a visit that still runs the others go on; one that has passed is entered
// once more, with what the others approved kept, as long as what came of it
// is a single node with people, and nobody has decided there.
func (m *machine) retract(c DoRetract) error {
	if err := m.running(); err != nil {
		return err
	}
	if m.recent(m.s.Retracted) && m.s.Retracted.By == c.By && m.undecided(m.s.Retracted) {
		return m.already()
	}
	t := m.newestApproval(c.By)
	if t == nil {
		return refusef(NotRetractable, "%s has approved nothing in round %d", c.By, m.s.Round)
	}
	v := m.s.visit(t.Visit)
	n, err := m.node(v.Node)
	if err != nil {
		return err
	}
	if !slices.Contains(n.Allow, ActionRetract) {
		return refusef(NotAllowed, "%s does not allow to take a decision back", label(n))
	}
	if n.Sign.Mode == SignSequence && m.decidedAfter(t) {
		return refusef(NotRetractable, "others have signed after %s", c.By)
	}
	m.acts(c.By)
	if v.State == orgflow.VisitActive {
		err = m.askAgain(t.ID)
	} else {
		err = m.reopen(t.ID, n)
	}
	if err != nil {
		return err
	}
	m.s.Retracted = m.moment()
	m.s.Retracted.By = c.By
	m.log(Entry{Type: EntryRetracted, Actor: c.By, Node: seqOf(n.Seq), Visit: t.Visit, Task: t.ID})
	return nil
}

// newestApproval returns the last task a person has approved in this round.
func (m *machine) newestApproval(user string) *Task {
	for i := len(m.s.Tasks) - 1; i >= 0; i-- {
		t := &m.s.Tasks[i]
		seated := t.Kind == TaskApprove || t.Kind == TaskHandle
		if seated && t.User == user && t.State == orgflow.TaskApproved && t.Audit != 0 {
			return t
		}
	}
	return nil
}

// decidedAfter tells whether a later seat of the same visit has been decided.
func (m *machine) decidedAfter(t *Task) bool {
	return slices.ContainsFunc(m.s.Tasks, func(o Task) bool {
		return o.Visit == t.Visit && o.Seat > t.Seat && (o.Audit != 0 || o.State == orgflow.TaskApproved)
	})
}

// askAgain gives a person of a running visit a new task in place of the one
// that was decided; the decision stays with the old one.
func (m *machine) askAgain(task int) error {
	old := m.s.task(task)
	old.State, old.Cause = orgflow.TaskCancelled, CauseRetract
	for _, id := range m.s.tasksOf(old.Visit) { // under sequence the next one waits again
		if t := m.s.task(id); t.Seat > old.Seat && t.State == orgflow.TaskActive && m.sequential(t.Visit) {
			t.State = orgflow.TaskWaiting
		}
	}
	return m.handOver(task, old.User, old.Kind, old.For)
}

func (m *machine) sequential(visit int) bool {
	n, ok := m.def.Node(m.s.visit(visit).Node)
	return ok && n.Sign.Mode == SignSequence
}

// reopen enters a node again whose visit has passed.
func (m *machine) reopen(task int, n *Node) error {
	t, err := m.untouched(task)
	if err != nil {
		return err
	}
	timers, err := m.arm(n, m.now)
	if err != nil {
		return err
	}
	old := *m.s.visit(m.s.task(task).Visit)
	m.cancelVisit(t.Visit, CauseRetract)
	t.Node, t.From, t.Depts, t.Chosen, t.Back = n.Seq, old.From, nil, nil, nil
	v := m.openVisit(t, n)
	v.Timers, v.Seats = timers, slices.Clone(old.Seats)
	for _, id := range m.s.tasksOf(old.ID) {
		m.carry(*m.s.task(id), task)
	}
	taken := m.s.task(task)
	taken.State, taken.Cause = orgflow.TaskCancelled, CauseRetract
	return m.settle(m.s.LastVisit)
}

// carry repeats a task in the visit that was entered again: what others have
// approved stays approved, all others are asked.
func (m *machine) carry(old Task, retracted int) {
	if old.Kind != TaskApprove && old.Kind != TaskHandle || old.State == orgflow.TaskTransferred ||
		old.State == orgflow.TaskTimedOut || old.State == orgflow.TaskCancelled && old.Cause != CauseDecided {
		return
	}
	v := &m.s.Visits[len(m.s.Visits)-1]
	t := m.addTask(v, old.Kind, old.User)
	t.Seat, t.For, t.Parent = old.Seat, old.For, old.ID
	if old.State == orgflow.TaskApproved && old.ID != retracted {
		m.closeTask(t, orgflow.TaskApproved, CauseCarried)
	}
}

// untouched returns the token that a visit's passing led on, if it waits at a
// single node with people none of whom has decided.
func (m *machine) untouched(task int) (*Token, error) {
	old := m.s.visit(m.s.task(task).Visit)
	refused := refusef(NotRetractable, "the flow has gone on past node %d too far", old.Node)
	if old.State != orgflow.VisitPassed && old.State != orgflow.VisitTimedOut {
		return nil, refused
	}
	var found *Token
	for i := range m.s.Tokens {
		if t := &m.s.Tokens[i]; t.From == old.ID {
			if found != nil {
				return nil, refused
			}
			found = t
		}
	}
	if found == nil || found.Stage != StageAt {
		return nil, refused
	}
	for i := range m.s.Visits {
		if v := &m.s.Visits[i]; v.From == old.ID && v.ID != found.Visit {
			return nil, refused // it passed something that cannot be undone
		}
	}
	n, ok := m.def.Node(found.Node)
	if !ok || n.Type != NodeApprove && n.Type != NodeHandle {
		return nil, refused
	}
	for _, id := range m.s.tasksOf(found.Visit) {
		if m.s.task(id).Audit != 0 {
			return nil, refused
		}
	}
	return found, nil
}
