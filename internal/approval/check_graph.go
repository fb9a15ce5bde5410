package approval

import "slices"

// seqs: every seq once, one start.
func (c *checker) seqs() {
	starts := 0
	for i, n := range c.d.Nodes {
		if first := c.graph.index[n.Seq]; first != i {
			c.add(at("nodes", i, "seq"), "seq %d is also that of /nodes/%d; each may stand once", n.Seq, first)
		}
		if n.Type == NodeStart {
			starts++
		}
	}
	if starts == 0 {
		c.add("/nodes", `has no node of type "start"; exactly one is needed`)
	}
}

// edges: targets exist, and the choice between several is clear.
func (c *checker) edges() {
	for i, n := range c.d.Nodes {
		for e, edge := range n.Next {
			c.edgeTarget(i, e, edge)
		}
		if n.Type == NodeFork && len(n.Next) < 2 {
			c.add(at("nodes", i, "next"), "must have at least two branches")
		}
		if n.Type == NodeFork && n.Mode == ForkParallel {
			c.unconditional(i, n)
			continue
		}
		c.choice(i, n)
	}
}

func (c *checker) edgeTarget(node, edge int, e Edge) {
	pointer := at("nodes", node, "next", edge, "to")
	to, ok := c.graph.index[e.To]
	if !ok {
		c.add(pointer, "there is no node %d", e.To)
		return
	}
	for earlier, other := range c.d.Nodes[node].Next[:edge] {
		if other.To == e.To {
			c.add(pointer, "node %d is also the target of /nodes/%d/next/%d; join the conditions with ||", e.To, node, earlier)
			return
		}
	}
	if t := c.d.Nodes[to]; t.Type == NodeStart {
		c.add(pointer, "must not lead to the start")
	}
}

// unconditional: a parallel fork takes every branch.
func (c *checker) unconditional(node int, n Node) {
	for e, edge := range n.Next {
		if edge.When != "" || edge.Default {
			c.add(at("nodes", node, "next", e), `must not have "when" or "default": a parallel fork takes every branch`)
		}
	}
}

// choice: several ways out need conditions and exactly one default.
func (c *checker) choice(node int, n Node) {
	defaults, conditions := 0, 0
	for e, edge := range n.Next {
		switch {
		case edge.Default && edge.When != "":
			c.add(at("nodes", node, "next", e), `must not have both "when" and "default"`)
			defaults++
		case edge.Default:
			if defaults++; defaults > 1 {
				c.add(at("nodes", node, "next", e, "default"), "there is a default already; exactly one is needed")
			}
		case edge.When != "":
			conditions++
		case len(n.Next) > 1:
			c.add(at("nodes", node, "next", e), `must have "when" or "default": true, so that the choice is clear`)
		}
	}
	if defaults == 0 && (conditions > 0 || len(n.Next) > 1) {
		c.add(at("nodes", node, "next"), `has no edge with "default": true; exactly one is needed beside conditions`)
	}
}

// paths: every node is reachable, every path ends.
func (c *checker) paths() {
	start, ok := c.graph.index[StartSeq]
	if ok {
		reached := c.graph.from([]int{start})
		for i, n := range c.d.Nodes {
			if _, found := slices.BinarySearch(reached, i); !found && c.graph.index[n.Seq] == i {
				c.add(at("nodes", i), "node %d cannot be reached from the start", n.Seq)
			}
		}
	}
	for _, i := range c.graph.inCycle() {
		c.add(at("nodes", i, "next"), "node %d leads back to itself, so that a flow might never end; to go back use onReject, rollback or relaunch", c.d.Nodes[i].Seq)
	}
	for _, n := range c.d.Nodes {
		if n.Type == NodeEnd {
			return
		}
	}
	c.add("/nodes", `has no node of type "end"; every path must reach one`)
}

// branches: joins match their forks, no edge enters another fork's branch.
func (c *checker) branches() map[int][]Way {
	c.joins()
	ways := c.graph.Ways(c.crossing)
	for i, n := range c.d.Nodes {
		if n.Type == NodeJoin {
			c.strayJoin(i, n, ways)
		}
	}
	return ways
}

func (c *checker) crossing(node, edge int, found, wanted []Way) {
	pointer := at("nodes", node, "next", edge, "to")
	to := c.d.Nodes[node].Next[edge].To
	if n, _ := c.d.Node(to); n.Type == NodeJoin && len(found) > 0 && found[len(found)-1].Fork != n.Of {
		c.add(pointer, "must not reach the join of fork %d: fork %d is open here and must be joined before", n.Of, found[len(found)-1].Fork)
		return
	}
	common := 0
	for common < len(found) && common < len(wanted) && found[common] == wanted[common] {
		common++
	}
	if common < len(wanted) {
		c.add(pointer, "must not enter a branch of fork %d from outside: node %d is inside of it", wanted[common].Fork, to)
		return
	}
	c.add(pointer, "must not leave the branch of fork %d: node %d is outside of it; branches end at the fork's join", found[common].Fork, to)
}

func (c *checker) joins() {
	joined := map[int]int{}
	for i, n := range c.d.Nodes {
		if n.Type != NodeJoin {
			continue
		}
		fork, ok := c.d.Node(n.Of)
		if !ok || fork.Type != NodeFork {
			c.add(at("nodes", i, "of"), "node %d is not a fork; must be the seq of the fork whose branches end here", n.Of)
			continue
		}
		if first, twice := joined[n.Of]; twice {
			c.add(at("nodes", i, "of"), "the branches of fork %d end at node %d already; a fork has one join", n.Of, first)
			continue
		}
		joined[n.Of] = n.Seq
	}
	for i, n := range c.d.Nodes {
		if _, ok := joined[n.Seq]; n.Type == NodeFork && !ok && n.Mode != ForkExclusive {
			c.add(at("nodes", i), `fork %d has no join; its branches must end at a node of type "join" with "of": %d`, n.Seq, n.Seq)
		}
	}
}

// strayJoin: a join ends the branches of its own fork.
func (c *checker) strayJoin(node int, n Node, ways map[int][]Way) {
	fork, ok := c.d.Node(n.Of)
	if !ok || fork.Type != NodeFork || c.graph.joins[n.Of] != node {
		return
	}
	if !c.graph.Upstream(n.Of, n.Seq) {
		c.add(at("nodes", node, "of"), "no way leads from fork %d to this join", n.Of)
		return
	}
	if !slices.Equal(ways[n.Seq], ways[n.Of]) {
		c.add(at("nodes", node, "of"), "other forks are open where fork %d is joined; inner forks must be joined before outer ones", n.Of)
	}
}
