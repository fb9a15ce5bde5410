package approval

import (
	"slices"
)

// leave looks for a token's way on from a node it has done.
func (m *machine) leave(t *Token) error {
	if t.Back != nil {
		m.restore(t)
		return nil
	}
	n, err := m.node(t.Node)
	if err != nil {
		return err
	}
	edge, err := m.choose(n)
	if err != nil {
		return err
	}
	t.Node, t.Stage = n.Next[edge].To, StageEnter
	return nil
}

// choose returns the index of the edge a node is left by: the first whose
// condition holds, else the default.
func (m *machine) choose(n *Node) (int, error) {
	for _, i := range ordered(n.Next) {
		if n.Next[i].Default {
			continue
		}
		holds, err := m.holds(n.Next[i])
		if err != nil {
			return 0, err
		}
		if holds {
			return i, nil
		}
	}
	return defaultEdge(n)
}

// chooseAll returns the indices of the edges a fork is left by.
func (m *machine) chooseAll(n *Node) ([]int, error) {
	switch n.Mode {
	case ForkParallel:
		return ordered(n.Next), nil
	case ForkExclusive:
		one, err := m.choose(n)
		return []int{one}, err
	default: // inclusive
	}
	var taken []int
	for _, i := range ordered(n.Next) {
		if n.Next[i].Default {
			continue
		}
		holds, err := m.holds(n.Next[i])
		if err != nil {
			return nil, err
		}
		if holds {
			taken = append(taken, i)
		}
	}
	if len(taken) > 0 {
		return taken, nil
	}
	one, err := defaultEdge(n)
	return []int{one}, err
}

func (m *machine) holds(e Edge) (bool, error) {
	if e.When == "" {
		return true, nil
	}
	return m.w.Holds(e.When)
}

func defaultEdge(n *Node) (int, error) {
	for i := range n.Next {
		if n.Next[i].Default {
			return i, nil
		}
	}
	return 0, stuckf(ConditionFailed, "no condition of %s holds and it has no default edge", label(n))
}

// ordered returns the indices of edges by Order, then as written.
func ordered(edges []Edge) []int {
	order := make([]int, len(edges))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return edges[a].Order - edges[b].Order })
	return order
}
