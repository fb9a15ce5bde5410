package approval

import (
	"time"

	"orgflow"
)

// openVisit records that a token has entered a node.
func (m *machine) openVisit(t *Token, n *Node) *Visit {
	m.s.LastVisit++
	m.s.Visits = append(m.s.Visits, Visit{ID: m.s.LastVisit, Node: n.Seq, Type: n.Type, Round: m.s.Round,
		State: orgflow.VisitActive, From: t.From, EnteredAt: m.now})
	m.log(Entry{Type: EntryEntered, Node: seqOf(n.Seq), Visit: m.s.LastVisit})
	t.Stage, t.Visit = StageAt, m.s.LastVisit
	return &m.s.Visits[len(m.s.Visits)-1]
}

// closeVisit ends a visit and what is still open of it.
func (m *machine) closeVisit(v *Visit, state orgflow.VisitState, cause Cause) {
	if v.State != orgflow.VisitActive {
		return
	}
	v.State, v.Cause, v.LeftAt, v.Timers = state, cause, m.now, nil
	m.log(Entry{Type: EntryLeft, Node: seqOf(v.Node), Visit: v.ID, Data: EntryData{State: string(state), Cause: cause}})
}

// cancelVisit ends a visit that others have overtaken.
func (m *machine) cancelVisit(id int, cause Cause) {
	v := m.s.visit(id)
	if v == nil || v.State != orgflow.VisitActive {
		return
	}
	switch v.Type {
	case NodeSubflow:
		m.eff.Orphans = append(m.eff.Orphans, id)
	case NodeTrigger:
		m.eff.Dropped = append(m.eff.Dropped, id)
	default:
	}
	m.closeTasks(id, orgflow.TaskCancelled, cause)
	m.closeVisit(v, orgflow.VisitCancelled, cause)
}

// closeTasks ends whatever is open of a visit, but side tasks: nothing waits
// for them, and they wait for nothing.
func (m *machine) closeTasks(visit int, state orgflow.TaskState, cause Cause) {
	for _, id := range m.s.tasksOf(visit) {
		if t := m.s.task(id); t.Open() && t.Kind != TaskSide {
			m.closeTask(t, state, cause)
		}
	}
}

func (m *machine) closeTask(t *Task, state orgflow.TaskState, cause Cause) {
	t.State, t.Cause, t.DoneAt = state, cause, m.now
}

// addTask makes a task in state WAITING.
func (m *machine) addTask(v *Visit, kind TaskKind, user string) *Task {
	m.s.LastTask++
	t := Task{ID: m.s.LastTask, Visit: v.ID, Node: v.Node, Round: v.Round, Kind: kind, User: user, State: orgflow.TaskWaiting}
	if v.State == orgflow.VisitActive {
		t.Due = firstDue(v.Timers)
	}
	m.s.Tasks = append(m.s.Tasks, t)
	return &m.s.Tasks[len(m.s.Tasks)-1]
}

// openTask makes a task ACTIVE and tells its person.
func (m *machine) openTask(t *Task) error {
	t.State, t.Cause, t.OpenedAt = orgflow.TaskActive, "", m.now
	m.log(Entry{Type: EntryTask, Actor: t.User, Node: seqOf(t.Node), Visit: t.Visit, Task: t.ID})
	return m.tellTask(OnTask, t)
}

// firstDue returns the earliest deadline, zero if there is none.
func firstDue(timers []Timer) (due time.Time) {
	for _, t := range timers {
		if due.IsZero() || t.Due.Before(due) {
			due = t.Due
		}
	}
	return due
}
