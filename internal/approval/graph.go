package approval

import (
	"slices"
)

// Graph is a definition seen as a graph: what comes before what, and which
// branches a node is in. It is made for any definition; whether the answers
// mean something is told by Check.
type Graph struct {
	index  map[int]int // seq → index in Nodes; the first of repeated ones
	nodes  []Node
	order  []int // indices, each after all its predecessors; short if there are cycles
	before [][]bool
	joins  map[int]int // seq of a fork → index of its join
}

// NewGraph makes the graph of a definition.
func NewGraph(d *Definition) *Graph {
	g := &Graph{index: map[int]int{}, nodes: d.Nodes, joins: map[int]int{}}
	for i, n := range d.Nodes {
		if _, twice := g.index[n.Seq]; !twice {
			g.index[n.Seq] = i
		}
	}
	for i, n := range d.Nodes {
		if _, twice := g.joins[n.Of]; n.Type == NodeJoin && !twice {
			g.joins[n.Of] = i
		}
	}
	g.sort()
	g.reach()
	return g
}

// successors returns the indices of the nodes behind i's edges that exist.
func (g *Graph) successors(i int) []int {
	var out []int
	for _, e := range g.nodes[i].Next {
		if to, ok := g.index[e.To]; ok {
			out = append(out, to)
		}
	}
	return out
}

// sort orders the nodes by Kahn's algorithm.
func (g *Graph) sort() {
	waiting := make([]int, len(g.nodes))
	for i := range g.nodes {
		for _, to := range g.successors(i) {
			waiting[to]++
		}
	}
	for i := range g.nodes {
		if waiting[i] == 0 {
			g.order = append(g.order, i)
		}
	}
	for at := 0; at < len(g.order); at++ {
		for _, to := range g.successors(g.order[at]) {
			if waiting[to]--; waiting[to] == 0 {
				g.order = append(g.order, to)
			}
		}
	}
}

// reach fills in who comes before whom.
func (g *Graph) reach() {
	g.before = make([][]bool, len(g.nodes))
	for i := range g.before {
		g.before[i] = make([]bool, len(g.nodes))
	}
	for _, i := range g.order {
		for _, to := range g.successors(i) {
			for k, earlier := range g.before[i] {
				g.before[to][k] = g.before[to][k] || earlier
			}
			g.before[to][i] = true
		}
	}
}

// Upstream tells whether a way leads from one node to another, later one.
func (g *Graph) Upstream(earlier, later int) bool {
	from, ok := g.index[earlier]
	to, too := g.index[later]
	return ok && too && g.before[to][from]
}

// Join returns the seq of the join that ends the branches of a fork; false if
// there is none.
func (g *Graph) Join(fork int) (int, bool) {
	i, ok := g.joins[fork]
	if !ok {
		return 0, false
	}
	return g.nodes[i].Seq, true
}

// inCycle returns the indices of the nodes on a cycle, or between two.
func (g *Graph) inCycle() []int {
	sorted := make([]bool, len(g.nodes))
	for _, i := range g.order {
		sorted[i] = true
	}
	var out []int
	for i := range g.nodes {
		if !sorted[i] && g.leadsBack(i) {
			out = append(out, i)
		}
	}
	return out
}

// leadsBack tells whether a node can be reached from itself.
func (g *Graph) leadsBack(start int) bool {
	return slices.Contains(g.from(g.successors(start)), start)
}

// from returns the indices reachable from some, those included, ascending.
func (g *Graph) from(starts []int) []int {
	seen := make([]bool, len(g.nodes))
	todo := slices.Clone(starts)
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !seen[i] {
			seen[i] = true
			todo = append(todo, g.successors(i)...)
		}
	}
	var out []int
	for i, yes := range seen {
		if yes {
			out = append(out, i)
		}
	}
	return out
}

// Way is a branch in a definition: an edge of a fork that has a join.
type Way struct {
	Fork int // seq
	Edge int // index in the fork's Next
}

// Ways returns the branches each node is in, outermost first, by seq. Nodes
// that cannot be reached are in none. Where two ways to a node disagree it
// reports the later one by index of node and edge, and follows the first.
func (g *Graph) Ways(report func(node, edge int, found, wanted []Way)) map[int][]Way {
	paths := make([][]Way, len(g.nodes))
	known := make([]bool, len(g.nodes))
	for i, n := range g.nodes {
		known[i] = n.Type == NodeEnd || n.Seq == StartSeq // outside of all branches
	}
	for _, i := range g.order {
		if !known[i] {
			continue // cannot be reached
		}
		for e, edge := range g.nodes[i].Next {
			to, ok := g.index[edge.To]
			if !ok {
				continue
			}
			path := g.behind(paths[i], i, e, to)
			if known[to] && !slices.Equal(paths[to], path) {
				report(i, e, path, paths[to])
				continue
			}
			known[to], paths[to] = true, path
		}
	}
	out := map[int][]Way{}
	for i, n := range g.nodes {
		if g.index[n.Seq] == i {
			out[n.Seq] = paths[i]
		}
	}
	return out
}

// behind returns the branches of the node behind an edge.
func (g *Graph) behind(path []Way, from, edge, to int) []Way {
	n := g.nodes[from]
	if _, joined := g.joins[n.Seq]; n.Type == NodeFork && joined {
		path = append(slices.Clone(path), Way{Fork: n.Seq, Edge: edge})
	}
	if t := g.nodes[to]; t.Type == NodeJoin && len(path) > 0 && path[len(path)-1].Fork == t.Of {
		path = path[:len(path)-1]
	}
	return path
}
