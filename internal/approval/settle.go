package approval

import (
	"orgflow"
)

// settle ends a visit whose result is fixed, and else opens the tasks whose
// turn has come.
func (m *machine) settle(id int) error {
	v := m.s.visit(id)
	if v == nil || v.State != orgflow.VisitActive {
		return nil
	}
	n, err := m.node(v.Node)
	if err != nil {
		return err
	}
	switch n.Sign.Tally(m.ballots(v)) {
	case TallyPassed:
		if m.onlySpared(id) {
			return m.passVisit(id, orgflow.VisitSkipped, CauseDedup)
		}
		return m.passVisit(id, orgflow.VisitPassed, "")
	case TallyRejected:
		return m.rejectVisit(id, orgflow.VisitRejected, "")
	default:
		return m.activate(id, n)
	}
}

// ballots counts the seats of a visit. One whose tasks were all taken away has
// no ballot: another seat stands for it, or nobody asks it any more.
func (m *machine) ballots(v *Visit) []Ballot {
	var all []Ballot
	for i, s := range v.Seats {
		cast, asked := m.cast(v.ID, i+1)
		if !asked {
			continue
		}
		for voice := range max(s.Voices, 1) {
			b := Ballot{Cast: cast}
			if voice == 0 {
				b.Weight = s.Weight
			}
			all = append(all, b)
		}
	}
	return all
}

// cast returns what a seat has said. Advice, and what was signed before, says
// nothing for the seat, except that a rejection rejects.
func (m *machine) cast(visit, seat int) (cast Cast, asked bool) {
	for _, id := range m.s.tasksOf(visit) {
		t := m.s.task(id)
		switch {
		case t.Seat != seat || t.Kind == TaskSide:
		case t.State == orgflow.TaskRejected:
			return CastReject, true
		case t.State == orgflow.TaskApproved && t.Kind != TaskBefore:
			return CastApprove, true
		case t.State == orgflow.TaskTimedOut && t.Cause == CauseClose:
			cast, asked = CastSilent, true
		case t.Open():
			cast, asked = CastOpen, true
		}
	}
	return cast, asked
}

// onlySpared tells whether nobody had to do anything for a visit to pass.
func (m *machine) onlySpared(visit int) bool {
	for _, id := range m.s.tasksOf(visit) {
		if t := m.s.task(id); t.Kind != TaskSide && t.State == orgflow.TaskApproved && t.Cause != CauseDedup {
			return false
		}
	}
	return true
}

// activate opens the tasks that wait for nothing else: all of them, under
// sequence those of the first seat that is not done.
func (m *machine) activate(id int, n *Node) error {
	v := m.s.visit(id)
	for seat := 1; seat <= len(v.Seats); seat++ {
		cast, asked := m.cast(id, seat)
		if !asked || cast != CastOpen {
			continue
		}
		if err := m.activateSeat(id, seat, n); err != nil {
			return err
		}
		if n.Sign.Mode == SignSequence {
			return nil
		}
	}
	return nil
}

func (m *machine) activateSeat(visit, seat int, n *Node) error {
	for _, id := range m.s.tasksOf(visit) {
		t := m.s.task(id)
		if t.Seat != seat || t.State != orgflow.TaskWaiting || t.Cause == CauseBefore {
			continue
		}
		if err := m.openTask(t); err != nil {
			return err
		}
		if m.before != nil && m.before.task(id) != nil { // it has waited: look again who is absent
			if err := m.substitute(id, n); err != nil {
				return err
			}
		}
	}
	return nil
}
