package approval

import (
	"slices"

	"orgflow"
)

// enterFork splits a token into one per branch that is taken. A fork without
// a join is a mere choice: nothing holds its branches together.
func (m *machine) enterFork(t *Token, n *Node) error {
	edges, err := m.chooseAll(n)
	if err != nil {
		return err
	}
	m.passThrough(t, n)
	parent := *t
	_, joined := NewGraph(m.def).Join(n.Seq)
	if joined {
		m.s.LastFork++
		m.s.Forks = append(m.s.Forks, Fork{ID: m.s.LastFork, Node: n.Seq})
	}
	fork := m.s.LastFork
	for _, edge := range edges {
		child := parent
		child.Node, child.Stage = n.Next[edge].To, StageEnter
		child.Path = slices.Clone(parent.Path)
		if joined {
			child.Path = append(child.Path, Branch{Fork: fork, Edge: edge})
		}
		child.Chosen, child.Depts = slices.Clone(parent.Chosen), slices.Clone(parent.Depts)
		m.addToken(child)
	}
	m.dropToken(parent.ID)
	return nil
}

// enterJoin lets a token wait for the other branches.
func (m *machine) enterJoin(t *Token, n *Node) error {
	for i := len(t.Path) - 1; i >= 0; i-- {
		if m.forkNode(t.Path[i].Fork) == n.Of {
			t.Path = t.Path[:i+1]
			t.Stage = StageJoin
			m.pruneForks()
			return nil
		}
	}
	m.passThrough(t, n) // came here from outside of the fork
	return nil
}

func (m *machine) forkNode(id int) int {
	for i := range m.s.Forks {
		if m.s.Forks[i].ID == id {
			return m.s.Forks[i].Node
		}
	}
	return -1
}

// joinNext joins the first fork whose living tokens have all arrived. A token
// that is gone is not waited for.
func (m *machine) joinNext() (bool, error) {
	for _, f := range m.s.Forks {
		arrived := m.arrived(f.ID)
		if len(arrived) == 0 {
			continue
		}
		n, err := m.node(arrived[0].Node)
		if err != nil {
			return false, err
		}
		m.join(f.ID, n, arrived)
		return true, nil
	}
	return false, nil
}

// arrived returns the tokens of a fork if all of them wait at its join.
func (m *machine) arrived(fork int) []Token {
	var all []Token
	for i := range m.s.Tokens {
		t := &m.s.Tokens[i]
		if !t.inside(fork) {
			continue
		}
		innermost := t.Path[len(t.Path)-1].Fork == fork
		if t.Stage != StageJoin || !innermost || len(all) > 0 && all[0].Node != t.Node {
			return nil
		}
		all = append(all, *t)
	}
	return all
}

// join makes one token of those that have arrived.
func (m *machine) join(fork int, n *Node, arrived []Token) {
	joined := Token{Node: n.Seq, Path: slices.Clone(arrived[0].Path[:len(arrived[0].Path)-1])}
	for _, t := range arrived {
		if t.From >= joined.From {
			joined.From, joined.Chosen = t.From, t.Chosen
		}
		joined.Depts = append(joined.Depts, t.Depts...)
	}
	m.s.Tokens = slices.DeleteFunc(m.s.Tokens, func(t Token) bool { return t.inside(fork) })
	t := m.addToken(joined)
	m.pruneForks()
	v := m.openVisit(t, n)
	m.closeVisit(v, orgflow.VisitPassed, "")
	t.Stage, t.Visit = StageLeave, 0
}
