package approval

import (
	"fmt"
	"slices"

	"orgflow"
)

// override reads nextNodeSeq and taskDeptManager (approval reference B.4). nil
// is "as the definition says". Whatever is wrong refuses the call before any
// decision is worked on.
func (m *machine) override(c Asked) (*Override, error) {
	var over Override
	if c.NextNodeSeq != nil {
		to, err := m.jumpTarget(*c.NextNodeSeq)
		if err != nil {
			return nil, err
		}
		over.Jump = to
	}
	depts, err := m.resolveDepts(c.TaskDeptManager)
	if err != nil {
		return nil, err
	}
	over.Depts = depts
	if over.Jump == nil && len(over.Depts) == 0 {
		return nil, nil
	}
	return &over, nil
}

// jumpTarget checks a nextNodeSeq. nil is no jump: -1 under the default
// policy.
func (m *machine) jumpTarget(seq int) (*int, error) {
	if seq == -1 {
		switch m.def.Policy.MinusOne {
		case MinusOneInitiator:
			return seqOf(StartSeq), nil
		case MinusOneEnd:
			return m.endNode()
		default:
			return nil, nil
		}
	}
	n, ok := m.def.Node(seq)
	if !ok || seq < 0 {
		return nil, refusef(NodeNotFound, "version %d of %s has no node %d", m.def.Version, m.def.FlowCode, seq)
	}
	switch n.Type {
	case NodeStart, NodeApprove, NodeHandle, NodeSubflow, NodeEnd:
		return seqOf(seq), nil
	default:
		return nil, refusef(NodeNotJumpable, "node %d is a %s; jump to start, approve, handle, subflow or end", seq, n.Type)
	}
}

// endNode returns the seq of the end outside of all branches.
func (m *machine) endNode() (*int, error) {
	where := m.ways()
	for i := range m.def.Nodes {
		if n := &m.def.Nodes[i]; n.Type == NodeEnd && len(where[n.Seq]) == 0 {
			return seqOf(n.Seq), nil
		}
	}
	return nil, refusef(NodeNotJumpable, "%s has no end node outside of its branches", m.def.FlowCode)
}

// bind keeps what a call wants for the end of a visit. The last one wins.
func (m *machine) bind(visit int, over *Override) error {
	if over == nil {
		return nil
	}
	v := m.s.visit(visit)
	if over.Jump != nil {
		if err := m.reachable(v, *over.Jump); err != nil {
			return err
		}
		m.answer.Jump = JumpPending
	}
	if v.Override == nil {
		v.Override = &Override{}
	}
	if over.Jump != nil {
		v.Override.Jump = seqOf(*over.Jump)
	}
	if len(over.Depts) > 0 {
		v.Override.Depts = slices.Clone(over.Depts)
	}
	return nil
}

// reachable refuses jumps from a node that allows none, and to the end of
// another branch.
func (m *machine) reachable(v *Visit, to int) error {
	if from, ok := m.def.Node(v.Node); ok && from.Type != NodeSubflow && !slices.Contains(from.Allow, ActionJump) {
		return refusef(NotAllowed, "%s allows no jump", label(from))
	}
	n, err := m.node(to)
	if err != nil {
		return err
	}
	t := m.s.tokenAt(v.ID)
	if t == nil {
		return fmt.Errorf("flow %s: visit %d has no token; the stored state is damaged", m.s.Number, v.ID)
	}
	return m.endsHere(t, n)
}

// endsHere refuses the end of a branch the token is not in.
func (m *machine) endsHere(t *Token, n *Node) error {
	where := m.ways()[n.Seq]
	if n.Type == NodeEnd && m.shared(t, where) < len(where) {
		return refusef(NodeNotJumpable, "node %d is the end of another branch", n.Seq)
	}
	return nil
}

// jumpByAdmin moves a running flow without a decision.
func (m *machine) jumpByAdmin(c DoJump) error {
	if err := m.mustAdmin(c.By); err != nil {
		return err
	}
	if err := m.running(); err != nil {
		if m.repeatedJump(c) {
			return m.already()
		}
		return err
	}
	if m.repeatedJump(c) {
		return m.already()
	}
	to, err := m.jumpTarget(c.To)
	if err != nil {
		return err
	}
	if to == nil {
		return refusef(NodeNotFound, "say which node to jump to; -1 is none")
	}
	t, err := m.jumper(c.From)
	if err != nil {
		return err
	}
	if n, ok := m.def.Node(*to); ok {
		if err := m.endsHere(t, n); err != nil {
			return err
		}
	}
	m.acts(c.By)
	m.s.Jumped = m.moment()
	m.s.Jumped.By, m.s.Jumped.To = c.By, *to
	if t.Stage == StageAt {
		m.cancelVisit(t.Visit, CauseJump)
	}
	if c.From == nil {
		m.gather(t)
	}
	return m.goOn(m.jump(t.ID, *to))
}

// repeatedJump tells a second click of the same jump.
func (m *machine) repeatedJump(c DoJump) bool {
	j := m.s.Jumped
	return m.recent(j) && j.By == c.By && j.To == c.To && m.undecided(j)
}

// jumper finds the token that jumps: the one at a current node, or the first.
func (m *machine) jumper(from *int) (*Token, error) {
	for i := range m.s.Tokens {
		if t := &m.s.Tokens[i]; from == nil || t.Node == *from && t.Stage == StageAt {
			return t, nil
		}
	}
	return nil, refusef(NodeNotFound, "node %d is not current; current are %v", *from, m.s.CurrentNodes())
}

// gather makes one token outside of all branches of all there are.
func (m *machine) gather(keep *Token) {
	id := keep.ID
	keep.Path = nil
	m.dropTokens(slices.DeleteFunc(m.allTokens(), func(t int) bool { return t == id }), CauseJump)
	m.pruneForks()
}

func (m *machine) mustAdmin(user string) error {
	admin, err := m.isAdmin(user)
	if err != nil {
		return err
	}
	if !admin {
		return refusef(NotAdmin, "only the admins of flow %s may do this", m.s.Number)
	}
	return nil
}

// repair moves a FAULTED flow on.
func (m *machine) repair(c DoRepair) error {
	if err := m.mustAdmin(c.By); err != nil {
		return err
	}
	if m.s.Flow != orgflow.FlowFaulted {
		if m.recent(m.s.Repaired) && m.undecided(m.s.Repaired) {
			return m.already()
		}
		return refusef(NotFaulted, "flow %s is %s, there is nothing to repair", m.s.Number, m.s.Flow)
	}
	var to *int
	switch c.Action {
	case RepairRetry:
	case RepairJump:
		if c.To == nil {
			return refusef(BadParam, "action jump needs to_node_seq")
		}
		var err error
		if to, err = m.jumpTarget(*c.To); err != nil {
			return err
		}
		if to == nil {
			return refusef(NodeNotFound, "say which node to jump to; -1 is none")
		}
	default:
		return refusef(BadParam, "action %q is none of %s, %s", c.Action, RepairRetry, RepairJump)
	}
	return m.carryOn(c, to)
}

// carryOn makes a FAULTED flow RUNNING and tries again, from another node if
// one is given.
func (m *machine) carryOn(c DoRepair, to *int) error {
	m.acts(c.By)
	faulty := 0
	if m.s.Fault != nil && m.s.token(m.s.Fault.Token) != nil {
		faulty = m.s.Fault.Token
	} else if len(m.s.Tokens) > 0 {
		faulty = m.s.Tokens[0].ID
	}
	if to != nil && faulty != 0 {
		if n, ok := m.def.Node(*to); ok {
			if err := m.endsHere(m.s.token(faulty), n); err != nil {
				return err
			}
		}
	}
	m.s.Flow, m.s.Cause, m.s.Fault = orgflow.FlowRunning, "", nil
	m.s.Repaired = m.moment()
	m.log(Entry{Type: EntryRepaired, Actor: c.By, Data: EntryData{Code: string(c.Action), To: to}})
	if to != nil && faulty != 0 {
		t := m.s.token(faulty)
		if t.Stage == StageAt {
			m.cancelVisit(t.Visit, CauseJump)
		}
		if err := m.jump(faulty, *to); err != nil {
			return err
		}
	}
	return m.advance()
}
