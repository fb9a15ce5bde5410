package approval

import (
	"slices"
	"strings"
	"time"
)

// targets: rejections lead somewhere that was before.
func (c *checker) targets() {
	c.resume("/policy/reject", c.d.Policy.Reject)
	for i, n := range c.d.Nodes {
		if n.Type != NodeApprove && n.Type != NodeSubflow {
			continue
		}
		if n.OnReject != nil {
			pointer := at("nodes", i, "onReject")
			c.resume(pointer, *n.OnReject)
			c.target(pointer+"/to", n.OnReject.To, n)
			continue
		}
		c.target("/policy/reject/to", c.d.Policy.Reject.To, n)
	}
}

func (c *checker) resume(pointer string, r Reject) {
	if r.To.End && r.Resume == ResumeDirect {
		c.add(pointer+"/resume", `nothing is resumed after "to": "end"`)
	}
}

func (c *checker) target(pointer string, t Target, from Node) {
	if t.End || t.Initiator() {
		return
	}
	n, ok := c.d.Node(t.Seq)
	switch {
	case !ok:
		c.once(pointer, "there is no node %d", t.Seq)
	case n.Type != NodeApprove && n.Type != NodeHandle && n.Type != NodeSubflow:
		c.once(pointer, "node %d is of type %s; must be approve, handle or subflow", t.Seq, n.Type)
	case !c.graph.Upstream(t.Seq, from.Seq):
		c.once(pointer, "node %d is not before node %d", t.Seq, from.Seq)
	case !within(c.ways[t.Seq], c.ways[from.Seq]):
		way := c.ways[t.Seq]
		c.once(pointer, "node %d is in a branch of fork %d, which is over at node %d; must be outside of it", t.Seq, way[len(way)-1].Fork, from.Seq)
	}
}

// once adds a problem that several nodes share only once.
func (c *checker) once(pointer, format string, args ...any) {
	before := len(c.problems)
	c.add(pointer, format, args...)
	if slices.Contains(c.problems[:before], c.problems[before]) {
		c.problems = c.problems[:before]
	}
}

// within tells whether the outer branches are those of the inner place too.
func within(outer, inner []Way) bool {
	return len(outer) <= len(inner) && slices.Equal(outer, inner[:len(outer)])
}

// timeouts: they can happen, and do what the node can do.
func (c *checker) timeouts() {
	for i, n := range c.d.Nodes {
		for k, t := range n.Timeouts {
			pointer := at("nodes", i, "timeouts", k)
			c.duration(pointer+"/after", t.After, t.Calendar)
			c.timeoutAction(pointer, t, n)
			c.repetition(pointer, t)
		}
	}
}

func (c *checker) timeoutAction(pointer string, t Timeout, n Node) {
	switch {
	case t.Do == TimeoutReject && n.Type == NodeHandle:
		c.add(pointer+"/do", "nobody can reject here; must be remind, escalate or pass")
	case t.Do == TimeoutClose && n.Sign.Mode != SignVote:
		c.add(pointer+"/do", "closes a vote, and there is none here; must be remind, escalate, pass or reject")
	case t.Do == TimeoutEscalate && t.To == nil:
		c.add(pointer+"/to", `is required with "do": "escalate"`)
	case t.Do != TimeoutEscalate && t.To != nil:
		c.add(pointer+"/to", `stands with "do": "escalate" only`)
	}
	if t.To == nil {
		return
	}
	c.rule(pointer+"/to", *t.To)
	switch t.To.By {
	case RuleTaskDeptManagers, RulePreviousSelect, RuleSupervisorChain:
		c.add(pointer+"/to/by", "%s finds nobody when time is up; use user, role, deptManager, supervisor or expr", t.To.By)
	default:
	}
}

func (c *checker) repetition(pointer string, t Timeout) {
	if t.Do != TimeoutRemind && (!t.Every.IsZero() || t.Max > 1) {
		c.add(pointer+"/do", `"every" and "max" stand with "do": "remind" only`)
		return
	}
	if t.Every.IsZero() && t.Max > 1 {
		c.add(pointer+"/every", `is required with "max"`)
	}
	if t.Every.IsZero() {
		return
	}
	c.duration(pointer+"/every", t.Every, t.Calendar)
	if t.Max == 1 {
		c.add(pointer+"/max", `must be at least 2 beside "every"`)
	}
}

// maxSpan is the longest duration in days: ten years.
const maxSpan = 3660

// duration: it fits its calendar.
func (c *checker) duration(pointer string, d Duration, calendar Calendar) {
	if calendar == WorkCalendar && d.Months != 0 {
		c.add(pointer, `months and years have no length in the "work" calendar; use days or hours`)
	}
	if d.Months*31+d.Days+int(d.Clock/(24*time.Hour)) > maxSpan {
		c.add(pointer, "must be at most ten years")
	}
}

// automatic: nodes without people.
func (c *checker) automatic() {
	for i, n := range c.d.Nodes {
		switch n.Type {
		case NodeDelay:
			c.duration(at("nodes", i, "after"), n.After, n.Calendar)
		case NodeSubflow:
			c.subflow(i, n)
		case NodeTrigger:
			c.call(i, n)
		default:
		}
	}
}

func (c *checker) subflow(node int, n Node) {
	switch {
	case n.Flow == c.d.FlowCode:
	case c.known.Flow == nil || !c.known.Flow(n.Flow):
		c.add(at("nodes", node, "flow"), "there is no published flow %q", n.Flow)
	}
	if circle := c.circle(n.Flow); circle != nil {
		c.add(at("nodes", node, "flow"), "the flow would start itself again and again: %s", strings.Join(circle, " → "))
	}
	if n.DataField != "" {
		c.field(at("nodes", node, "dataField"), n.DataField)
	}
}

func (c *checker) call(node int, n Node) {
	if c.known.Call == nil || n.HTTP == nil {
		return
	}
	if err := c.known.Call(*n.HTTP); err != nil {
		c.add(at("nodes", node, "http", "url"), "%s", err)
	}
}
