package approval

import (
	"slices"
	"strings"
)

// policy: the rules of the flow as a whole.
func (c *checker) policy() {
	p := c.d.Policy
	c.missing("/policy/approverMissing", p.ApproverMissing)
	c.duration("/policy/urge/minInterval", p.Urge.MinInterval, WallClock)
	for i, who := range c.d.Admins {
		c.who(at("admins", i), who)
	}
	c.scope("/launch/who", c.d.Launch.Who)
}

func (c *checker) missing(pointer string, m Missing) {
	if m.Do == MissingToAdmin && len(c.d.Admins) == 0 {
		c.add(pointer+"/do", `"toAdmin" needs somebody in admins`)
	}
}

// who: roles exist. Whether people exist is seen when they are needed, for
// they come and go.
func (c *checker) who(pointer string, who Who) {
	if code, ok := strings.CutPrefix(string(who), "role:"); ok {
		c.role(pointer, code)
	}
}

func (c *checker) scope(pointer string, p People) {
	for i, code := range p.Roles {
		c.role(pointer+at("roles", i), code)
	}
}

// people: the rules that find them.
func (c *checker) people() {
	for i, n := range c.d.Nodes {
		for r, a := range n.Approvers {
			pointer := at("nodes", i, "approvers", r)
			c.rule(pointer, a)
			c.fromDecision(pointer, a.By, n.Seq)
		}
		for r, a := range n.To {
			pointer := at("nodes", i, "to", r)
			c.rule(pointer, a)
			c.fromDecision(pointer, a.By, n.Seq)
			if a.By == RuleSupervisorChain || a.Pick == PickClaim {
				c.add(pointer, "does not make sense for copies: nothing is decided")
			}
		}
		if n.ApproverMissing != nil {
			c.missing(at("nodes", i, "approverMissing"), *n.ApproverMissing)
		}
	}
}

func (c *checker) rule(pointer string, a Approver) {
	switch a.By {
	case RulePost, RuleGroup:
		c.add(pointer+"/by", "posts and groups have no source here; use role, user, deptMembers or expr")
	case RuleRole:
		c.role(pointer+"/code", a.Code)
	case RuleFormUser, RuleFormDeptManager:
		c.field(pointer+"/field", a.Field)
	case RuleInitiatorSelect:
		c.field(pointer+"/field", a.Field)
		c.selection(pointer, a)
	case RulePreviousSelect:
		c.selection(pointer, a)
	case RuleDeptMembers, RuleDeptManager:
		c.origin(pointer, a)
	case RuleSupervisorChain:
		if a.To != ChainTop && int(a.To) < a.From {
			c.add(pointer+"/to", "must be at least %d, where the chain begins", a.From)
		}
	default:
	}
}

func (c *checker) selection(pointer string, a Approver) {
	if a.Max > 0 && a.Max < a.Min {
		c.add(pointer+"/max", "must be at least min, %d", a.Min)
	}
	c.scope(pointer+"/scope", a.Scope)
}

func (c *checker) origin(pointer string, a Approver) {
	switch {
	case a.Of == OfList && len(a.Depts) == 0:
		c.add(pointer+"/depts", `is required with "of": "list"`)
	case a.Of != OfList && len(a.Depts) > 0:
		c.add(pointer+"/depts", `stands with "of": "list" only`)
	}
	switch {
	case a.Of == OfForm && a.Field == "":
		c.add(pointer+"/field", `is required with "of": "form"`)
	case a.Of == OfForm:
		c.field(pointer+"/field", a.Field)
	case a.Field != "":
		c.add(pointer+"/field", `stands with "of": "form" only`)
	}
}

// fromDecision: taskDeptManagers and previousSelect take what the call or
// the decision brought that led to the node, so that on every way to it the
// last node that waits for anything must be one where people decide.
func (c *checker) fromDecision(pointer string, by Rule, seq int) {
	if by != RuleTaskDeptManagers && by != RulePreviousSelect {
		return
	}
	for _, i := range c.lastWaits(seq) {
		if n := c.d.Nodes[i]; !decides(n.Type) {
			c.add(pointer+"/by", "%s needs a decision right before: on a way to this node the last one that waits is node %d (%s), where nobody decides", by, n.Seq, n.Type)
			return
		}
	}
}

// lastWaits returns, for every way to a node, the index of the last node
// before it that does not pass at once.
func (c *checker) lastWaits(seq int) []int {
	var out []int
	seen := map[int]bool{}
	todo := []int{seq}
	for len(todo) > 0 {
		to := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for i, n := range c.d.Nodes {
			leads := slices.ContainsFunc(n.Next, func(e Edge) bool { return e.To == to })
			if !leads || seen[i] {
				continue
			}
			seen[i] = true
			if n.Type == NodeCC || n.Type == NodeFork || n.Type == NodeJoin {
				todo = append(todo, n.Seq)
				continue
			}
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return out
}
