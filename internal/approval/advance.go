package approval

import (
	"fmt"
	"slices"

	"orgflow"
)

// advance moves tokens until each of them waits for something, the flow has
// ended, or one cannot go on. Tokens move in the order of their ids, so that
// the same commands give the same flow.
func (m *machine) advance() error {
	for m.s.Flow == orgflow.FlowRunning {
		t := m.movable()
		if t == nil {
			joined, err := m.joinNext()
			if err != nil {
				return err
			}
			if !joined {
				break
			}
			continue
		}
		id := t.ID
		err := m.moveOn(t)
		if err == nil {
			continue
		}
		st, ok := asStuck(err)
		if !ok {
			return err
		}
		if err := m.fault(id, st); err != nil {
			return err
		}
	}
	if err := m.settleDepts(); err != nil {
		return err
	}
	return m.stillMoving()
}

// movable returns the first token that has not come to rest.
func (m *machine) movable() *Token {
	for i := range m.s.Tokens {
		if st := m.s.Tokens[i].Stage; st == StageEnter || st == StageLeave {
			return &m.s.Tokens[i]
		}
	}
	return nil
}

// moveOn takes one token one node further. It changes nothing when it fails.
func (m *machine) moveOn(t *Token) error {
	m.steps++
	if limit := 200 + 50*len(m.def.Nodes); m.steps > limit {
		return stuckf(RouteLoop, "the flow passed %d nodes without meeting anybody; its edges or send-backs lead in a circle", limit)
	}
	if t.Stage == StageLeave {
		return m.leave(t)
	}
	return m.enter(t)
}

// fault makes the flow FAULTED, or refuses the launch or the call that asked
// for what cannot be.
func (m *machine) fault(token int, st *stuck) error {
	t := m.s.token(token)
	if m.launching {
		return refusef(st.code, "%s", st.message)
	}
	if m.fresh && (st.code == DeptManagerMissing || st.code == DeptNotFound) {
		return refusef(st.code, "%s", st.message)
	}
	m.s.Flow, m.s.Cause = orgflow.FlowFaulted, CauseFault
	m.s.Faults++
	m.s.Fault = &Fault{Code: st.code, Node: t.Node, Token: token, Message: st.message}
	m.log(Entry{Type: EntryFaulted, Node: seqOf(t.Node), Data: EntryData{Code: string(st.code), Message: st.message, Count: m.s.Faults}})
	return m.tellFlow(OnFaulted, nil, m.s.Faults)
}

// stillMoving is the last line of defence: a RUNNING flow that nothing can
// move any more becomes FAULTED, so that somebody looks at it.
func (m *machine) stillMoving() error {
	if m.s.Flow != orgflow.FlowRunning {
		return nil
	}
	if len(m.s.Tokens) == 0 {
		return m.closeFlow(orgflow.FlowApproved, CauseEnd)
	}
	for i := range m.s.Tokens {
		if m.s.Tokens[i].Stage == StageAt {
			return nil
		}
	}
	t := &m.s.Tokens[0]
	return m.fault(t.ID, stuckf(NoWayOn, "the branches wait at node %d for a branch that cannot come", t.Node))
}

// addToken makes a token.
func (m *machine) addToken(t Token) *Token {
	m.s.LastToken++
	t.ID = m.s.LastToken
	m.s.Tokens = append(m.s.Tokens, t)
	return &m.s.Tokens[len(m.s.Tokens)-1]
}

// dropToken ends a token, and forks that no token is inside of any more.
func (m *machine) dropToken(id int) {
	m.s.Tokens = slices.DeleteFunc(m.s.Tokens, func(t Token) bool { return t.ID == id })
	m.pruneForks()
}

func (m *machine) pruneForks() {
	m.s.Forks = slices.DeleteFunc(m.s.Forks, func(f Fork) bool { return !m.insideAny(f.ID) })
}

func (m *machine) insideAny(fork int) bool {
	return slices.ContainsFunc(m.s.Tokens, func(t Token) bool { return t.inside(fork) })
}

// inside tells whether the token is in a branch of a fork.
func (t *Token) inside(fork int) bool {
	return slices.ContainsFunc(t.Path, func(b Branch) bool { return b.Fork == fork })
}

// node returns a node of the definition, or says that the token cannot go on
// because there is none.
func (m *machine) node(seq int) (*Node, error) {
	n, ok := m.def.Node(seq)
	if !ok {
		return nil, stuckf(NodeNotFound, "version %d of %s has no node %d", m.def.Version, m.def.FlowCode, seq)
	}
	return n, nil
}

func seqOf(seq int) *int { return &seq }

func label(n *Node) string {
	if n.Name == "" {
		return fmt.Sprintf("node %d", n.Seq)
	}
	return fmt.Sprintf("node %d (%s)", n.Seq, n.Name)
}
