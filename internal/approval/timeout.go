package approval

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"orgflow"
)

// arm returns the timers of a node that is entered now. A visit has its own,
// so that entering a node again arms them again.
func (m *machine) arm(n *Node, from time.Time) ([]Timer, error) {
	var timers []Timer
	for i, to := range n.Timeouts {
		due, err := m.w.Deadline(from, to.After, to.Calendar)
		if err != nil {
			return nil, fmt.Errorf("deadline of %s: %w", label(n), err)
		}
		timers = append(timers, Timer{Index: i, Due: instant(due)})
	}
	return timers, nil
}

// instant cuts a time so that it is the same after it was stored.
func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// wake lets timers fire that are due, oldest first. One that was overtaken is
// gone with its visit: a decision and a time-out never both count.
func (m *machine) wake() error {
	for m.s.Flow == orgflow.FlowRunning {
		visit, index := m.nextDue()
		if visit == 0 {
			return nil
		}
		m.acts("")
		m.deptsUsed, m.firstEntered, m.steps = false, 0, 0
		if err := m.goOn(m.fire(visit, index)); err != nil {
			return err
		}
	}
	return nil
}

// nextDue returns the visit and the position of the timer that is overdue
// longest.
func (m *machine) nextDue() (visit, at int) {
	var oldest time.Time
	for i := range m.s.Visits {
		v := &m.s.Visits[i]
		for j, t := range v.Timers {
			if v.State == orgflow.VisitActive && !t.Due.After(m.now) && (visit == 0 || t.Due.Before(oldest)) {
				visit, at, oldest = v.ID, j, t.Due
			}
		}
	}
	return visit, at
}

// fire carries out a timer.
func (m *machine) fire(visit, at int) error {
	v := m.s.visit(visit)
	timer := v.Timers[at]
	v.Timers = slices.Delete(v.Timers, at, at+1)
	n, err := m.node(v.Node)
	if err != nil {
		return err
	}
	if timer.Index < 0 {
		return m.passVisit(visit, orgflow.VisitPassed, "")
	}
	if timer.Index >= len(n.Timeouts) {
		return nil
	}
	to := n.Timeouts[timer.Index]
	switch to.Do {
	case TimeoutRemind:
		return m.remind(visit, timer, to)
	case TimeoutEscalate:
		return m.escalate(visit, n, to)
	case TimeoutPass:
		m.logTimeout(v, CausePass)
		return m.passVisit(visit, orgflow.VisitTimedOut, CausePass)
	case TimeoutReject:
		m.logTimeout(v, CauseReject)
		return m.rejectVisit(visit, orgflow.VisitTimedOut, CauseReject)
	case TimeoutClose:
		m.logTimeout(v, CauseClose)
		m.closeTasks(visit, orgflow.TaskTimedOut, CauseClose)
		return m.settle(visit)
	}
	return nil
}

func (m *machine) logTimeout(v *Visit, cause Cause) {
	m.log(Entry{Type: EntryTimedOut, Node: seqOf(v.Node), Visit: v.ID, Data: EntryData{Cause: cause}})
}

// remind tells whoever has an open task, and arms the next reminder. Those
// that were missed while nobody was awake are not caught up with.
func (m *machine) remind(visit int, timer Timer, to Timeout) error {
	timer.Fired++
	v := m.s.visit(visit)
	m.log(Entry{Type: EntryReminded, Node: seqOf(v.Node), Visit: visit, Data: EntryData{Users: m.activeAt(visit), Count: timer.Fired}})
	if timer.Fired < to.Max && !to.Every.IsZero() {
		from := timer.Due
		for range 2 { // after a long sleep reckon from now
			due, err := m.w.Deadline(from, to.Every, to.Calendar)
			if err != nil {
				return fmt.Errorf("next reminder of visit %d: %w", visit, err)
			}
			timer.Due, from = instant(due), m.now
			if timer.Due.After(m.now) {
				break
			}
		}
		v.Timers = append(v.Timers, timer)
		slices.SortFunc(v.Timers, func(a, b Timer) int { return cmp.Compare(a.Index, b.Index) })
	}
	for _, id := range m.s.tasksOf(visit) {
		t := m.s.task(id)
		if t.State != orgflow.TaskActive {
			continue
		}
		if err := m.tellTask(OnRemind, t); err != nil {
			return err
		}
	}
	return nil
}

func (m *machine) activeAt(visit int) []string {
	var users []string
	for _, id := range m.s.tasksOf(visit) {
		if t := m.s.task(id); t.State == orgflow.TaskActive {
			users = append(users, t.User)
		}
	}
	return users
}

// escalate gives what is open to others: one seat with the voices of all whose
// turn it was, for whoever of them acts first. If nobody is found the tasks
// stay where they are.
func (m *machine) escalate(visit int, n *Node, to Timeout) error {
	found, err := m.escalatees(visit, n, to)
	if err != nil {
		return err
	}
	v := m.s.visit(visit)
	m.log(Entry{Type: EntryEscalated, Node: seqOf(v.Node), Visit: visit, Data: EntryData{Users: found}})
	if len(found) == 0 {
		return nil
	}
	seat := Seat{}
	for i, s := range v.Seats {
		if m.inTurn(visit, i+1) {
			seat.Weight, seat.Voices = seat.Weight+s.Weight, seat.Voices+max(s.Voices, 1)
			m.closeSeat(visit, i+1)
		}
	}
	c := seatOf(found...)
	c.seat = seat
	if len(found) == 1 {
		c.seat.User = found[0]
	}
	m.seat(v, n, c, nil)
	return m.activateSeat(visit, len(v.Seats), n)
}

// escalatees returns who takes over: people without an open task there.
func (m *machine) escalatees(visit int, n *Node, to Timeout) ([]string, error) {
	if to.To == nil {
		return nil, nil
	}
	seats, err := m.seats([]Approver{*to.To}, m.s.tokenAt(visit))
	if _, ok := asStuck(err); err != nil && ok {
		return nil, nil // nobody to be found
	}
	if err != nil {
		return nil, fmt.Errorf("who takes over %s: %w", label(n), err)
	}
	var found []string
	for _, s := range seats {
		for _, u := range s.users {
			agent, err := m.agent(n, u)
			if err != nil {
				return nil, err
			}
			if u = cmp.Or(agent, u); !m.hasOpen(visit, u) {
				found = append(found, u)
			}
		}
	}
	return unique(found), nil
}

// inTurn tells whether a seat has been asked and has not answered.
func (m *machine) inTurn(visit, seat int) bool {
	cast, asked := m.cast(visit, seat)
	if !asked || cast != CastOpen {
		return false
	}
	for _, id := range m.s.tasksOf(visit) {
		t := m.s.task(id)
		if t.Seat == seat && t.Open() && (t.State != orgflow.TaskWaiting || t.Cause == CauseBefore) {
			return true
		}
	}
	return false
}

func (m *machine) closeSeat(visit, seat int) {
	for _, id := range m.s.tasksOf(visit) {
		if t := m.s.task(id); t.Seat == seat && t.Open() {
			m.closeTask(t, orgflow.TaskTimedOut, CauseEscalate)
		}
	}
}
