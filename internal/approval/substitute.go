package approval

import "orgflow"

// absenceBegan gives the open tasks of somebody who is away from now on to the
// agent. They stay there when the absence ends: the definition's policy is
// about its begin only (approval reference B.2).
func (m *machine) absenceBegan(c AbsenceBegan) error {
	if m.s.Flow != orgflow.FlowRunning && m.s.Flow != orgflow.FlowFaulted {
		return nil
	}
	for i := range m.s.Tasks {
		t := m.s.Tasks[i] // a copy: substituting adds tasks
		if t.User != c.User || t.State != orgflow.TaskActive || t.Kind == TaskSide {
			continue
		}
		n, ok := m.def.Node(t.Node)
		if !ok {
			continue
		}
		if err := m.substitute(t.ID, n); err != nil {
			return err
		}
	}
	return nil
}

// substitute gives the task of an absent person to the agent. One who decides
// on the same visit anyway gets the absent person's voice, as when the node
// was entered (see merge): nothing waits for somebody who is away.
func (m *machine) substitute(id int, n *Node) error {
	t := m.s.task(id)
	agent, err := m.agent(n, t.User)
	if err != nil || agent == "" {
		return err
	}
	own := m.seated(t.Visit, agent)
	m.log(Entry{Type: EntrySubstituted, Actor: t.User, Node: seqOf(t.Node), Visit: t.Visit, Task: id, Data: EntryData{Users: []string{agent}}})
	m.closeTask(t, orgflow.TaskTransferred, CauseSubstitution)
	switch asker := m.asker(t); {
	case asker != nil && asker.User == agent:
		return m.answerAsker(asker) // whom nobody advises now
	case t.Kind != TaskApprove && t.Kind != TaskHandle, own == nil:
		return m.handOver(id, agent, t.Kind, t.User)
	case m.claimed(t):
		return nil // others of the same seat have it still
	case own.State == orgflow.TaskWaiting && own.Cause != CauseBefore: // the agent's turn comes later: now, then
		m.closeTask(own, orgflow.TaskTransferred, CauseSubstitution)
		if !m.claimed(own) {
			m.giveVoices(t.Visit, own.Seat, t.Seat)
		}
		return m.handOver(id, agent, t.Kind, t.User)
	default:
		m.giveVoices(t.Visit, t.Seat, own.Seat)
	}
	return nil
}

// seated returns the open task of a person who has a seat of a visit.
func (m *machine) seated(visit int, user string) *Task {
	for _, id := range m.s.tasksOf(visit) {
		t := m.s.task(id)
		if t.User == user && t.Open() && (t.Kind == TaskApprove || t.Kind == TaskHandle) {
			return t
		}
	}
	return nil
}

// asker returns whose task waits for a signature before it or for advice, nil
// for a task that nobody has asked for.
func (m *machine) asker(t *Task) *Task {
	switch t.Kind {
	case TaskBefore:
		return m.s.task(m.root(t.ID))
	case TaskDelegate:
		return m.delegator(t)
	default:
		return nil
	}
}

// answerAsker lets whoever asked go on, unless others were asked too.
func (m *machine) answerAsker(asker *Task) error {
	if asker.State == orgflow.TaskDelegated {
		return m.openTask(asker)
	}
	return m.wakeAsker(asker.ID)
}

// claimed tells whether somebody else may claim a task's seat still.
func (m *machine) claimed(of *Task) bool {
	for _, id := range m.s.tasksOf(of.Visit) {
		if t := m.s.task(id); t.ID != of.ID && t.Seat == of.Seat && t.Kind == of.Kind && t.Open() {
			return true
		}
	}
	return false
}

// giveVoices lets one seat of a visit speak for another, which falls silent.
func (m *machine) giveVoices(visit, from, to int) {
	v := m.s.visit(visit)
	if from == to {
		return
	}
	v.Seats[to-1].Voices += v.Seats[from-1].Voices
	v.Seats[to-1].Weight += v.Seats[from-1].Weight
}
