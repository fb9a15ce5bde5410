package approval

import (
	"fmt"
	"slices"
)

// appointment is who gets the tasks of a node that is about to be entered, or
// why nobody does.
type appointment struct {
	seats []candidates
	skip  Cause // the visit is SKIPPED
	no    bool  // nobody, which counts as a rejection
}

// appoint finds the people of a node and applies the policies, in this order:
// inactive people are left out, the initiator is replaced, nobody is dealt
// with, agents stand in.
func (m *machine) appoint(n *Node, t *Token) (appointment, error) {
	seats, err := m.seats(n.Approvers, t)
	if err != nil {
		return appointment{}, err
	}
	var alone bool
	if n.Type == NodeApprove && !t.SentBack {
		if seats, alone, err = m.withoutInitiator(seats); err != nil {
			return appointment{}, err
		}
	}
	if len(seats) == 0 {
		if alone {
			return appointment{skip: CauseInitiator}, nil
		}
		a, err := m.nobody(n)
		if err != nil || a.no || a.skip != "" {
			return a, err
		}
		seats = a.seats
	}
	for i := range seats {
		s := &seats[i].seat
		s.Weight = 1
		if len(seats[i].users) == 1 {
			s.User = seats[i].users[0]
			s.Weight = n.Sign.Weight(s.User)
		}
	}
	seats, err = m.withAgents(n, seats)
	return appointment{seats: seats}, err
}

// nobody does what the definition says for a node without approvers.
func (m *machine) nobody(n *Node) (appointment, error) {
	missing := m.def.MissingOf(n)
	switch missing.Do {
	case MissingPass:
		return appointment{skip: CauseMissing}, nil
	case MissingReject:
		return appointment{no: true}, nil
	case MissingToUsers, MissingToAdmin:
		users, err := m.standby(missing)
		if err != nil {
			return appointment{}, err
		}
		if len(users) > 0 {
			var seats []candidates
			for _, u := range users {
				seats = append(seats, seatOf(u))
			}
			return appointment{seats: seats}, nil
		}
	default:
	}
	return appointment{}, stuckf(ApproverMissing, "nobody is there to approve %s", label(n))
}

// standby returns who approves instead of nobody.
func (m *machine) standby(missing Missing) ([]string, error) {
	users := unique(missing.Users)
	if missing.Do == MissingToAdmin {
		var err error
		if users, err = m.admins(); err != nil {
			return nil, err
		}
	}
	return m.present(users)
}

// withoutInitiator replaces the initiator among approvers. alone says that
// there was nobody else and the policy is to skip.
func (m *machine) withoutInitiator(seats []candidates) (out []candidates, alone bool, err error) {
	policy := m.def.Policy.InitiatorIsApprover
	among := func(s candidates) bool { return slices.Contains(s.users, m.s.Initiator) }
	if policy == InitiatorSelf || policy == "" || !slices.ContainsFunc(seats, among) {
		return seats, false, nil
	}
	var instead []string
	if policy != InitiatorSkip {
		if instead, err = m.insteadOfInitiator(policy); err != nil {
			return nil, false, err
		}
	}
	seen := map[string]bool{m.s.Initiator: true}
	for _, s := range seats {
		for _, u := range s.users {
			seen[u] = true
		}
	}
	for _, s := range seats {
		if !among(s) {
			out = append(out, s)
			continue
		}
		rest := slices.DeleteFunc(slices.Clone(s.users), func(u string) bool { return u == m.s.Initiator })
		if len(rest) > 0 {
			out = append(out, seatOf(rest...))
			continue
		}
		for _, u := range instead {
			if !seen[u] {
				seen[u] = true
				out = append(out, seatOf(u))
			}
		}
	}
	return out, len(out) == 0 && policy == InitiatorSkip, nil
}

// climbLimit bounds the search upwards for somebody other than the initiator.
const climbLimit = 20

// insteadOfInitiator finds the nearest manager or supervisor who is not the
// initiator.
func (m *machine) insteadOfInitiator(policy InitiatorApproval) ([]string, error) {
	dept, err := m.w.InitiatorDept()
	if err != nil {
		return nil, fmt.Errorf("the initiator's department: %w", err)
	}
	for level := 1; level <= climbLimit; level++ {
		var users []string
		switch {
		case policy == InitiatorToSupervisor:
			users, err = m.w.Supervisors(m.s.Initiator, level, true)
		case dept != "":
			users, err = m.w.DeptManagers(dept, level, true)
		}
		if err != nil {
			return nil, fmt.Errorf("who approves instead of the initiator: %w", err)
		}
		if len(users) == 0 {
			return nil, nil
		}
		users = slices.DeleteFunc(unique(users), func(u string) bool { return u == m.s.Initiator })
		if users, err = m.present(users); err != nil || len(users) > 0 {
			return users, err
		}
	}
	return nil, nil
}

// withAgents lets agents stand in for people who are absent now. An agent who
// has a seat already gets the other's voice, not a second task.
func (m *machine) withAgents(n *Node, seats []candidates) ([]candidates, error) {
	var out []candidates
	for _, s := range seats {
		for i, u := range s.users {
			agent, err := m.agent(n, u)
			if err != nil {
				return nil, err
			}
			if agent != "" {
				s.users[i], s.absent[i] = agent, u
			}
		}
		s.seat.Voices = 1
		out = merge(out, s)
	}
	return out, nil
}

// merge adds a seat to others, each person once.
func merge(seats []candidates, s candidates) []candidates {
	if len(s.users) == 1 {
		for i := range seats {
			if slices.Contains(seats[i].users, s.users[0]) {
				seats[i].seat.Voices += s.seat.Voices
				seats[i].seat.Weight += s.seat.Weight
				return seats
			}
		}
		return append(seats, s)
	}
	taken := func(u string) bool {
		return slices.ContainsFunc(seats, func(o candidates) bool { return slices.Contains(o.users, u) })
	}
	rest := candidates{seat: s.seat}
	for i, u := range s.users {
		if !taken(u) && !slices.Contains(rest.users, u) {
			rest.users, rest.absent = append(rest.users, u), append(rest.absent, s.absent[i])
		}
	}
	if len(rest.users) == 0 {
		return seats
	}
	return append(seats, rest)
}

// agentHops bounds how far a chain of absent agents is followed.
const agentHops = 5

// agent returns who stands in for a person now, "" if nobody has to or nobody
// who is there can. An initiator whom the policy keeps from approving does
// not come back as an agent.
func (m *machine) agent(n *Node, user string) (string, error) {
	if m.def.Policy.Substitution != SubstitutionHonour {
		return "", nil
	}
	seen := []string{user}
	for range agentHops {
		last := seen[len(seen)-1]
		next, err := m.w.Agent(last, m.def.FlowCode, m.now)
		if err != nil {
			return "", fmt.Errorf("who stands in for %s: %w", last, err)
		}
		if next == "" {
			break
		}
		there, err := m.w.Employed(next)
		if err != nil {
			return "", fmt.Errorf("person %s: %w", next, err)
		}
		if !there || slices.Contains(seen, next) {
			return "", nil
		}
		seen = append(seen, next)
	}
	agent := seen[len(seen)-1]
	own := n.Type == NodeApprove && agent == m.s.Initiator && m.def.Policy.InitiatorIsApprover != InitiatorSelf
	if len(seen) == 1 || own {
		return "", nil
	}
	return agent, nil
}
