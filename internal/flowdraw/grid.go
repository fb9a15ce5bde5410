package flowdraw

import (
	"cmp"
	"math"
	"slices"

	"orgflow/internal/approval"
)

// grid is a definition in layers. Spots 0 … n-1 are its nodes; the others are
// the places where an edge crosses a layer.
type grid struct {
	def    *approval.Definition
	spots  []spot
	edges  []edge
	layers [][]int // spots, from left to right
}

type spot struct {
	layer    int
	x        int // of its middle
	width    int
	ups      []int // spots that ways come from
	downs    []int // spots that ways lead to
	crossing bool  // of an edge, no node
}

type edge struct {
	from, to int // indices of nodes
	via      []int
	when     string
	labelled bool
}

func newGrid(d *approval.Definition) *grid {
	g := &grid{def: d, spots: make([]spot, len(d.Nodes))}
	index := map[int]int{}
	for i, n := range d.Nodes {
		g.spots[i].width = boxWidth
		if _, twice := index[n.Seq]; !twice {
			index[n.Seq] = i
		}
	}
	for i, n := range d.Nodes {
		for _, e := range tried(n.Next) {
			if to, ok := index[e.To]; ok && to != i {
				g.edges = append(g.edges, edge{from: i, to: to, when: e.When, labelled: e.When != "" || e.Default && len(n.Next) > 1})
			}
		}
	}
	g.layer()
	g.cross()
	return g
}

// tried are a node's ways out in the order they are tried, the default one
// last.
func tried(next []approval.Edge) []approval.Edge {
	rank := func(e approval.Edge) int {
		if e.Default {
			return math.MaxInt
		}
		return e.Order
	}
	out := slices.Clone(next)
	slices.SortStableFunc(out, func(a, b approval.Edge) int { return cmp.Compare(rank(a), rank(b)) })
	return out
}

// layer gives each node the length of the longest way to it; edges that lead
// back do not count.
func (g *grid) layer() {
	down := make([][]int, len(g.spots))
	waiting := make([]int, len(g.spots))
	back := g.leadingBack()
	for i, e := range g.edges {
		if !back[i] {
			down[e.from] = append(down[e.from], e.to)
			waiting[e.to]++
		}
	}
	var ready []int
	for i, n := range waiting {
		if n == 0 {
			ready = append(ready, i)
		}
	}
	for at := 0; at < len(ready); at++ {
		i := ready[at]
		for _, to := range down[i] {
			g.spots[to].layer = max(g.spots[to].layer, g.spots[i].layer+1)
			if waiting[to]--; waiting[to] == 0 {
				ready = append(ready, to)
			}
		}
	}
}

// leadingBack finds the edges that close a circle, by looking into depth.
func (g *grid) leadingBack() []bool {
	back := make([]bool, len(g.edges))
	out := make([][]int, len(g.spots))
	for i, e := range g.edges {
		out[e.from] = append(out[e.from], i)
	}
	const unseen, open, done = 0, 1, 2
	state := make([]int, len(g.spots))
	var look func(int)
	look = func(i int) {
		state[i] = open
		for _, e := range out[i] {
			switch to := g.edges[e].to; state[to] {
			case open:
				back[e] = true
			case unseen:
				look(to)
			}
		}
		state[i] = done
	}
	for i := range g.def.Nodes {
		if state[i] == unseen {
			look(i)
		}
	}
	return back
}

// cross makes the spots where long edges cross layers, and the layers.
func (g *grid) cross() {
	for i := range g.edges {
		e := &g.edges[i]
		before := e.from
		for layer := g.spots[e.from].layer + 1; layer < g.spots[e.to].layer; layer++ {
			width := between
			if e.labelled && len(e.via) == 0 {
				width = max(width, min(boxWidth, halvesOf([]rune(e.when))*labelSize/2), otherwiseWidth) // its label stands above
			}
			g.spots = append(g.spots, spot{layer: layer, width: width, crossing: true})
			via := len(g.spots) - 1
			e.via = append(e.via, via)
			g.join(before, via)
			before = via
		}
		if g.spots[e.from].layer < g.spots[e.to].layer {
			g.join(before, e.to)
		}
	}
	last := 0
	for _, s := range g.spots {
		last = max(last, s.layer)
	}
	g.layers = make([][]int, last+1)
}

func (g *grid) join(up, down int) {
	g.spots[up].downs = append(g.spots[up].downs, down)
	g.spots[down].ups = append(g.spots[down].ups, up)
}
