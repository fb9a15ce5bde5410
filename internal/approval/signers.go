package approval

import (
	"fmt"
	"slices"

	"orgflow"
)

// resolve gives a delegated task back to its owner.
func (m *machine) resolve(task int) error {
	t := m.s.task(task)
	m.closeTask(t, orgflow.TaskTransferred, "")
	if owner := m.delegator(t); owner != nil {
		return m.openTask(owner)
	}
	return fmt.Errorf("flow %s: delegated task %d has no owner; the stored state is damaged", m.s.Number, task)
}

// addSign lets people sign before the one who asks: that task waits for all
// of them, and one rejection rejects for it.
func (m *machine) addSign(task int, users []string) error {
	m.claim(task)
	t := m.s.task(task)
	t.State, t.Cause = orgflow.TaskWaiting, CauseBefore
	for _, u := range users {
		if m.hasOpen(m.s.task(task).Visit, u) {
			continue // stands in for one of the others
		}
		if err := m.handOver(task, u, TaskBefore, ""); err != nil {
			return err
		}
	}
	return nil
}

// wakeAsker opens the task of somebody who asked others to sign before, when
// all of them have.
func (m *machine) wakeAsker(task int) error {
	asker := m.s.task(m.root(task))
	if asker == nil || asker.State != orgflow.TaskWaiting || asker.Cause != CauseBefore {
		return nil
	}
	for i := range m.s.Tasks {
		t := &m.s.Tasks[i]
		if t.ID != asker.ID && t.Visit == asker.Visit && t.Seat == asker.Seat && t.Open() {
			return nil
		}
	}
	return m.openTask(asker)
}

// root follows what was handed over back to who asked first.
func (m *machine) root(task int) int {
	t := m.s.task(task)
	for t != nil && t.Kind != TaskApprove && t.Kind != TaskHandle && t.Parent != 0 {
		t = m.s.task(t.Parent)
	}
	if t == nil {
		return 0
	}
	return t.ID
}

// removeSign takes open tasks of a visit away.
func (m *machine) removeSign(task int, users []string) error {
	visit := m.s.task(task).Visit
	for _, id := range m.s.tasksOf(visit) {
		t := m.s.task(id)
		if t.Kind != TaskSide && t.Open() && slices.Contains(users, t.User) {
			m.closeTask(t, orgflow.TaskCancelled, CauseRemoved)
			m.closeBranch(id)
		}
	}
	for _, id := range m.s.tasksOf(visit) {
		if err := m.wakeAsker(id); err != nil {
			return err
		}
	}
	return m.settle(visit)
}

// closeBranch removes what was made of a removed task, and gives a delegated
// task back whose adviser was removed.
func (m *machine) closeBranch(removed int) {
	for i := range m.s.Tasks {
		if t := &m.s.Tasks[i]; t.Open() && m.descends(t.ID, removed) {
			m.closeTask(t, orgflow.TaskCancelled, CauseRemoved)
		}
	}
	r := m.s.task(removed)
	if r.Kind != TaskDelegate {
		return
	}
	if owner := m.delegator(r); owner != nil {
		owner.State, owner.Cause = orgflow.TaskActive, ""
	}
}

// descends tells whether a task was made of another one, over any number of
// hands.
func (m *machine) descends(task, of int) bool {
	for t := m.s.task(m.s.task(task).Parent); t != nil; t = m.s.task(t.Parent) {
		if t.ID == of {
			return true
		}
	}
	return false
}

// delegator returns the task that waits for a delegate's advice.
func (m *machine) delegator(advice *Task) *Task {
	for t := m.s.task(advice.Parent); t != nil; t = m.s.task(t.Parent) {
		if t.State == orgflow.TaskDelegated {
			return t
		}
	}
	return nil
}
