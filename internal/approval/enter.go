package approval

import (
	"orgflow"
)

// enter takes a token into its node. It changes nothing when it fails.
func (m *machine) enter(t *Token) error {
	n, err := m.node(t.Node)
	if err != nil {
		return err
	}
	switch n.Type {
	case NodeApprove, NodeHandle:
		return m.enterPeople(t, n)
	case NodeCC:
		return m.enterCC(t, n)
	case NodeFork:
		return m.enterFork(t, n)
	case NodeJoin:
		return m.enterJoin(t, n)
	case NodeSubflow:
		return m.enterSubflow(t, n)
	case NodeDelay:
		return m.enterDelay(t, n)
	case NodeTrigger:
		v := m.openVisit(t, n)
		m.log(Entry{Type: EntryTrigger, Node: seqOf(n.Seq), Visit: v.ID})
		m.eff.Triggers = append(m.eff.Triggers, Trigger{Visit: v.ID, Node: n.Seq, Round: m.s.Round})
		return nil
	case NodeEnd:
		v := m.openVisit(t, n)
		m.closeVisit(v, orgflow.VisitPassed, "")
		m.dropToken(t.ID)
		return nil
	default:
		m.passThrough(t, n)
		return nil
	}
}

// passThrough visits a node that waits for nothing.
func (m *machine) passThrough(t *Token, n *Node) {
	v := m.openVisit(t, n)
	m.closeVisit(v, orgflow.VisitPassed, "")
	t.Stage, t.Visit = StageLeave, 0
}

// enterCC sends copies. That there is nobody to get one holds nobody up.
func (m *machine) enterCC(t *Token, n *Node) error {
	seats, err := m.seats(n.To, t)
	if err != nil {
		return err
	}
	var users []string
	for _, s := range seats {
		users = append(users, s.users...)
	}
	visit := m.s.LastVisit + 1
	m.passThrough(t, n)
	m.log(Entry{Type: EntryCopied, Node: seqOf(n.Seq), Visit: visit, Data: EntryData{Users: users}})
	return m.tellNode(OnCC, n, visit, users)
}

func (m *machine) enterSubflow(t *Token, n *Node) error {
	v := m.openVisit(t, n)
	m.log(Entry{Type: EntryChild, Node: seqOf(n.Seq), Visit: v.ID, Data: EntryData{Code: n.Flow}})
	wait := n.Wait != WaitNot
	m.eff.Children = append(m.eff.Children, Child{Visit: v.ID, Flow: n.Flow, DataField: n.DataField, Wait: wait})
	if !wait {
		m.closeVisit(v, orgflow.VisitPassed, "")
		t.Stage, t.Visit = StageLeave, 0
	}
	return nil
}

func (m *machine) enterDelay(t *Token, n *Node) error {
	due, err := m.w.Deadline(m.now, n.After, n.Calendar)
	if err != nil {
		return err
	}
	v := m.openVisit(t, n)
	v.Timers = []Timer{{Index: -1, Due: instant(due)}}
	return nil
}

// childDone takes in the end of a flow that a subflow's visit waits for. A
// visit that waits no longer is left alone, so that telling it twice changes
// nothing.
func (m *machine) childDone(c ChildDone) error {
	if c.Refused != "" {
		return m.noChild(c)
	}
	v, n := m.waitingVisit(c.Visit, NodeSubflow)
	if v == nil {
		return nil
	}
	m.acts("")
	m.log(Entry{Type: EntryChildDone, Node: seqOf(v.Node), Visit: v.ID, Data: EntryData{State: string(c.State)}})
	if c.State == orgflow.FlowApproved || n.OnChildReject == ChildPasses {
		return m.goOn(m.passVisit(c.Visit, orgflow.VisitPassed, ""))
	}
	return m.goOn(m.rejectVisit(c.Visit, orgflow.VisitRejected, CauseChild))
}

// childRefused is what the timeline calls a child that there can be none of.
const childRefused = "REFUSED"

// noChild makes the flow FAULTED whose subflow cannot be launched: nobody has
// rejected anything, and somebody can mend it. Where the flow does not wait
// for the child the timeline alone says so.
func (m *machine) noChild(c ChildDone) error {
	v := m.s.visit(c.Visit)
	if v == nil || v.Type != NodeSubflow || v.State != orgflow.VisitActive && v.State != orgflow.VisitPassed {
		return nil
	}
	m.log(Entry{Type: EntryChildDone, Node: seqOf(v.Node), Visit: v.ID, Data: EntryData{State: childRefused, Message: c.Refused}})
	waiting, n := m.waitingVisit(c.Visit, NodeSubflow)
	if waiting == nil {
		return nil
	}
	return m.failVisit(v, CauseChild, stuckf(SubflowFailed, "the subflow of %s cannot be launched: %s", label(n), c.Refused))
}

// failVisit ends a visit of a node that works by itself and could not. A
// repair enters the node again.
func (m *machine) failVisit(v *Visit, cause Cause, why *stuck) error {
	t := m.s.tokenAt(v.ID)
	m.closeVisit(v, orgflow.VisitCancelled, cause)
	t.Stage, t.Visit = StageEnter, 0
	if m.s.Flow == orgflow.FlowFaulted {
		return nil // for something else, whose repair enters this node too
	}
	return m.fault(t.ID, why)
}

// triggerDone takes in the end of a trigger's call.
func (m *machine) triggerDone(c TriggerDone) error {
	v, n := m.waitingVisit(c.Visit, NodeTrigger)
	if v == nil {
		return nil
	}
	state := "done"
	if !c.OK {
		state = "failed"
	}
	m.log(Entry{Type: EntryTriggerDone, Node: seqOf(v.Node), Visit: v.ID, Data: EntryData{State: state, Message: c.Message}})
	if c.OK || n.OnFailure == FailurePasses {
		return m.goOn(m.passVisit(c.Visit, orgflow.VisitPassed, ""))
	}
	return m.failVisit(v, CauseTrigger, stuckf(TriggerFailed, "the call of %s failed: %s", label(n), c.Message))
}

// waitingVisit returns an ACTIVE visit of a flow that is RUNNING or FAULTED:
// what the service itself waits for may come while people are held up.
func (m *machine) waitingVisit(id int, want NodeType) (*Visit, *Node) {
	if m.s.Flow != orgflow.FlowRunning && m.s.Flow != orgflow.FlowFaulted {
		return nil, nil
	}
	v := m.s.visit(id)
	if v == nil || v.State != orgflow.VisitActive || v.Type != want {
		return nil, nil
	}
	n, ok := m.def.Node(v.Node)
	if !ok {
		return nil, nil
	}
	return v, n
}

// goOn moves the tokens on, unless the step before has failed. In a FAULTED
// flow they stay where they are until the repair.
func (m *machine) goOn(err error) error {
	if err != nil {
		return err
	}
	return m.advance()
}
