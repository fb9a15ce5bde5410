package approval

import (
	"maps"
	"slices"
)

// signs: the sign mode suits the node and its rules.
func (c *checker) signs() {
	for i, n := range c.d.Nodes {
		if !decides(n.Type) {
			continue
		}
		pointer := at("nodes", i)
		if n.Type == NodeHandle && n.Sign.Mode == SignVote {
			c.add(pointer+"/sign/mode", "there is nothing to vote on where nobody can reject; must be any, all or sequence")
		}
		for r, a := range n.Approvers {
			c.signRule(pointer+at("approvers", r), a, n.Sign.Mode)
		}
		if n.Sign.Mode == SignVote && n.Sign.Pass != nil {
			c.goal(pointer, n)
		}
	}
}

func (c *checker) signRule(pointer string, a Approver, mode SignMode) {
	if a.By == RuleSupervisorChain && mode != SignSequence {
		c.add(pointer+"/by", `supervisorChain asks one level after the other; it needs "sign": {"mode": "sequence"}`)
	}
	if a.Pick == PickClaim && mode != SignAny {
		c.add(pointer+"/pick", `"claim" leaves the task to one of them; it needs "sign": {"mode": "any"}`)
	}
}

// goal: one goal, which can be reached.
func (c *checker) goal(pointer string, n Node) {
	p := n.Sign.Pass
	goals := 0
	for _, given := range []bool{p.Percent != "", p.Count > 0, p.Weights != nil} {
		if given {
			goals++
		}
	}
	if goals != 1 {
		c.add(pointer+"/sign/pass", `must have exactly one of "percent", "count", and "weights" with "threshold"`)
		return
	}
	voters, fixed := fixedVoters(n.Approvers)
	switch {
	case p.Weights != nil:
		c.weights(pointer, p, voters, fixed)
	case fixed && p.Count > len(voters):
		c.add(pointer+"/sign/pass/count", "cannot be reached: there are only %d voters", len(voters))
	}
}

func (c *checker) weights(pointer string, p *Pass, voters []string, fixed bool) {
	if !fixed {
		c.add(pointer+"/sign/pass/weights", `needs voters who are known: only rules {"by": "user"} without "pick": "random"`)
		return
	}
	for _, user := range slices.Sorted(maps.Keys(p.Weights)) {
		if !slices.Contains(voters, user) {
			c.add(pointer+at("sign", "pass", "weights", user), "does not vote here")
		}
	}
	sum := 0
	for _, user := range voters {
		if p.Weights[user] == 0 {
			c.add(pointer+"/sign/pass/weights", "user %q votes here and has no weight", user)
		}
		sum += p.Weights[user]
	}
	if p.Threshold > sum {
		c.add(pointer+"/sign/pass/threshold", "cannot be reached: the weights of the voters add up to %d", sum)
	}
}

// fixedVoters returns the voters, if the definition alone says who they are.
func fixedVoters(rules []Approver) (voters []string, fixed bool) {
	for _, a := range rules {
		if a.By != RuleUser || a.Pick != PickAll {
			return nil, false
		}
		for _, user := range a.Users {
			if !slices.Contains(voters, user) {
				voters = append(voters, user)
			}
		}
	}
	return voters, true
}
