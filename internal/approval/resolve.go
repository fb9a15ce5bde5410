package approval

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// candidates are the people one rule found for one seat: one person, or
// several who may claim it.
type candidates struct {
	users  []string
	absent []string // the absent person each of them stands in for, "" if none
	seat   Seat
}

// seats resolves rules into seats: the union in their order, each person once
// (approval reference B.2). Nobody at all is an empty answer.
func (m *machine) seats(rules []Approver, t *Token) ([]candidates, error) {
	var seats []candidates
	seen := map[string]bool{}
	for i, rule := range rules {
		users, err := m.found(rule, t)
		if err != nil {
			return nil, err
		}
		users = slices.DeleteFunc(unique(users), func(u string) bool { return seen[u] })
		if len(users) == 0 {
			continue
		}
		if rule.Pick == PickRandom {
			users = users[m.draw(i, len(users)):][:1]
		}
		for _, u := range users {
			seen[u] = true
		}
		if rule.Pick == PickClaim {
			seats = append(seats, seatOf(users...))
			continue
		}
		for _, u := range users {
			seats = append(seats, seatOf(u))
		}
	}
	return seats, nil
}

func seatOf(users ...string) candidates {
	return candidates{users: users, absent: make([]string, len(users))}
}

// found returns whom a rule finds, without those who are not there.
func (m *machine) found(rule Approver, t *Token) ([]string, error) {
	users, err := m.look(rule, t)
	if err != nil {
		return nil, fmt.Errorf("rule %q: %w", rule.By, err)
	}
	users, err = m.present(users)
	if err != nil {
		return nil, err
	}
	if rule.By == RuleInitiatorSelect || rule.By == RulePreviousSelect {
		return m.selected(rule, users)
	}
	return users, nil
}

// present removes people who are not there, if the policy says so.
func (m *machine) present(users []string) ([]string, error) {
	if m.def.Policy.InactiveUser == InactiveKeep {
		return users, nil
	}
	var there []string
	for _, u := range users {
		employed, err := m.w.Employed(u)
		if err != nil {
			return nil, fmt.Errorf("person %s: %w", u, err)
		}
		if employed {
			there = append(there, u)
		}
	}
	return there, nil
}

// look asks the world for a rule's people. An *Unmet makes the flow stop; a
// person, department or post that is not there is nobody.
func (m *machine) look(rule Approver, t *Token) ([]string, error) {
	switch rule.By {
	case RuleUser:
		return slices.Clone(rule.Users), nil
	case RuleRole:
		return m.w.RoleMembers(rule.Code)
	case RuleDeptMembers:
		return m.eachDept(rule, m.w.DeptMembers)
	case RuleDeptManager, RuleFormDeptManager:
		return m.eachDept(rule, func(dept string) ([]string, error) {
			return m.w.DeptManagers(dept, max(rule.Level, 1), rule.ClimbIfVacant)
		})
	case RuleSupervisor:
		return m.w.Supervisors(m.s.Initiator, max(rule.Level, 1), rule.ClimbIfVacant)
	case RuleSupervisorChain:
		return m.w.SupervisorChain(m.s.Initiator, max(rule.From, 1), rule.To)
	case RuleInitiator:
		return []string{m.s.Initiator}, nil
	case RuleInitiatorSelect, RuleFormUser:
		return m.w.Field(rule.Field)
	case RulePreviousSelect:
		return slices.Clone(t.Chosen), nil
	case RuleTaskDeptManagers:
		return m.askedManagers(t)
	case RuleExpr:
		return m.w.People(rule.Expr)
	default:
		return nil, stuckf(ApproverMissing, "rule %q has no source here", rule.By)
	}
}

// eachDept collects people of the departments a rule means.
func (m *machine) eachDept(rule Approver, people func(string) ([]string, error)) ([]string, error) {
	names, err := m.ruleDepts(rule)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, dept := range names {
		users, err := people(dept)
		if err != nil {
			return nil, fmt.Errorf("department %s: %w", dept, err)
		}
		all = append(all, users...)
	}
	return all, nil
}

// ruleDepts returns the codes of the departments a rule means.
func (m *machine) ruleDepts(rule Approver) ([]string, error) {
	names := rule.Depts
	switch {
	case rule.By == RuleFormDeptManager || rule.Of == OfForm:
		fields, err := m.w.Field(rule.Field)
		if err != nil {
			return nil, err
		}
		names = fields
	case rule.Of != OfList:
		dept, err := m.w.InitiatorDept()
		if err != nil || dept == "" {
			return nil, err
		}
		return []string{dept}, nil
	}
	return m.deptCodes(names)
}

// deptCodes trims names of departments, drops blanks and repeats, and returns
// their codes.
func (m *machine) deptCodes(names []string) ([]string, error) {
	var codes []string
	for _, name := range names {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		code, err := m.w.Department(name)
		if err != nil {
			return nil, err
		}
		codes = append(codes, code)
	}
	return unique(codes), nil
}

// selected applies the bounds of a choice. A choice outside of them is none.
func (m *machine) selected(rule Approver, users []string) ([]string, error) {
	users = unique(users)
	if len(users) < rule.Min || rule.Max > 0 && len(users) > rule.Max {
		return nil, nil
	}
	for _, u := range users {
		in, err := m.belongs(u, rule.Scope)
		if err != nil || !in {
			return nil, err
		}
	}
	return users, nil
}

// belongs tells whether a person is among people.
func (m *machine) belongs(user string, scope People) (bool, error) {
	if scope.IsZero() || slices.Contains(scope.Users, user) || slices.Contains(scope.Depts, "*") {
		return true, nil
	}
	for _, role := range scope.Roles {
		members, err := m.named(Who("role:" + role))
		if err != nil {
			return false, err
		}
		if slices.Contains(members, user) {
			return true, nil
		}
	}
	return m.worksIn(user, scope.Depts)
}

// worksIn tells whether a person is in one of some departments. One that does
// not exist any more has no members.
func (m *machine) worksIn(user string, depts []string) (bool, error) {
	for _, name := range depts {
		codes, err := m.deptCodes([]string{name})
		if _, none := asStuck(err); err != nil && !none {
			return false, fmt.Errorf("department %s: %w", name, err)
		}
		for _, dept := range codes {
			members, err := m.w.DeptMembers(dept)
			if err != nil {
				return false, fmt.Errorf("department %s: %w", name, err)
			}
			if slices.Contains(members, user) {
				return true, nil
			}
		}
	}
	return false, nil
}

// draw picks one of n, the same for the same flow, visit and rule, so that a
// step that is tried again draws again whom it drew before.
func (m *machine) draw(rule, n int) int {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%d", m.s.Number, m.s.LastVisit+1, rule))
	return int(binary.BigEndian.Uint64(sum[:8]) % uint64(n)) //nolint:gosec // the remainder is below n
}

// admins returns the flow's admins who are there.
func (m *machine) admins() ([]string, error) {
	whos := m.def.Admins
	if len(whos) == 0 {
		whos = []Who{"role:flow_admin"}
	}
	var users []string
	for _, who := range whos {
		found, err := m.named(who)
		if err != nil {
			return nil, err
		}
		users = append(users, found...)
	}
	return unique(users), nil
}

// named returns the people of "role:<code>" and "user:<code>".
func (m *machine) named(who Who) ([]string, error) {
	if role, ok := strings.CutPrefix(string(who), "role:"); ok {
		users, err := m.w.RoleMembers(role)
		if _, none := asStuck(err); err != nil && !none {
			return nil, fmt.Errorf("role %s: %w", role, err)
		}
		return users, nil
	}
	if user, ok := strings.CutPrefix(string(who), "user:"); ok {
		return []string{user}, nil
	}
	return nil, nil
}

func (m *machine) isAdmin(user string) (bool, error) {
	admins, err := m.admins()
	return err == nil && user != "" && slices.Contains(admins, user), err
}

// unique keeps the first of equal texts and drops empty ones.
func unique(texts []string) []string {
	var out []string
	for _, t := range texts {
		if t != "" && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}
