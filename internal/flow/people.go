package flow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"orgflow"
	"orgflow/internal/approval"
	"orgflow/internal/store"
	"orgflow/meta"
)

// maxLevels bounds how far up supervisors are looked for: who reports to
// oneself in a circle has no top.
const maxLevels = 50

// directory answers the machine's questions about people for the length of
// one step. What was asked once is answered the same again.
type directory struct {
	ctx       context.Context //nolint:containedctx // lives for one step, behind an interface without contexts
	org       Organisation
	company   meta.Company
	initiator store.Initiator

	members map[string]*orgflow.OrgMember // nil: nobody
	units   map[string]orgflow.OrgUnit
	lists   map[string][]string
}

func newDirectory(ctx context.Context, org Organisation, company meta.Company, initiator store.Initiator) *directory {
	return &directory{ctx: ctx, org: org, company: company, initiator: initiator,
		members: map[string]*orgflow.OrgMember{}, units: map[string]orgflow.OrgUnit{}, lists: map[string][]string{}}
}

// member returns who has a user code, nil if nobody has. A number that
// several people share tells nobody: it is as good as none.
func (d *directory) member(code string) (*orgflow.OrgMember, error) {
	if m, ok := d.members[code]; ok {
		return m, nil
	}
	found, err := d.org.UsersByCodes(d.ctx, d.company.ID, []string{code})
	if err != nil && !isNobody(err) {
		return nil, err
	}
	d.members[code] = nil
	if m, ok := found[code]; ok {
		d.members[code] = &m
	}
	return d.members[code], nil
}

// name returns what a person is called, "" if nobody has the code.
func (d *directory) name(code string) (string, error) {
	m, err := d.member(code)
	if err != nil || m == nil {
		return "", err
	}
	return m.Name, nil
}

// isNobody tells that the organisation was asked and has no such person or
// department, or none that the question names beyond doubt.
func isNobody(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrAmbiguous)
}

// Employed tells whether a user code belongs to somebody in the organisation:
// whoever has left is gone from it at the next pull. A member's Active says
// something else: whether the person has ever signed in.
func (d *directory) Employed(user string) (bool, error) {
	m, err := d.member(user)
	return m != nil, err
}

// RoleMembers returns the people that the company's file lists for a role.
func (d *directory) RoleMembers(role string) ([]string, error) { return d.company.Role(role), nil }

// InitiatorDept returns the department the flow was launched for: the one of
// the initiator's that has the name given at launch, else the one in the
// organisation with that name, else the initiator's main one.
func (d *directory) InitiatorDept() (string, error) {
	return d.once("initiator", func() ([]string, error) {
		m, err := d.member(d.initiator.Code)
		if err != nil {
			return nil, err
		}
		var own []orgflow.OrgUnit
		if m != nil {
			if own, err = d.org.DepartmentsOf(d.ctx, d.company.ID, m.ID); err != nil && !isNobody(err) {
				return nil, err
			}
		}
		for _, u := range own {
			if name := d.initiator.Dept; name != "" && (u.Name == name || u.Code == name) {
				return []string{d.know(u)}, nil
			}
		}
		if d.initiator.Dept != "" {
			code, err := d.Department(d.initiator.Dept)
			if un := (*approval.Unmet)(nil); err == nil || !errors.As(err, &un) {
				return []string{code}, err
			}
		}
		if len(own) == 0 {
			return []string{""}, nil
		}
		return []string{d.know(own[0])}, nil
	})
}

// once asks for one text and remembers the answer.
func (d *directory) once(key string, ask func() ([]string, error)) (string, error) {
	list, err := d.list(key, ask)
	if err != nil || len(list) == 0 {
		return "", err
	}
	return list[0], nil
}

func (d *directory) list(key string, ask func() ([]string, error)) ([]string, error) {
	if list, ok := d.lists[key]; ok {
		return slices.Clone(list), nil
	}
	list, err := ask()
	if err != nil {
		return nil, err
	}
	d.lists[key] = list
	return slices.Clone(list), nil
}

// know remembers a department and returns the code flows call it by.
func (d *directory) know(u orgflow.OrgUnit) string {
	code := cmp.Or(u.Code, u.RemoteID)
	d.units[code] = u
	return code
}

// Department returns the code of the department with a code or exact name.
func (d *directory) Department(codeOrName string) (string, error) {
	if u, ok := d.units[codeOrName]; ok {
		return d.know(u), nil
	}
	u, err := d.org.DepartmentByCodeOrName(d.ctx, d.company.ID, codeOrName)
	switch {
	case errors.Is(err, store.ErrAmbiguous):
		return "", &approval.Unmet{Code: approval.AmbiguousDept, Message: fmt.Sprintf("several departments are called %q; give the department's code", codeOrName)}
	case errors.Is(err, store.ErrNotFound):
		return "", &approval.Unmet{Code: approval.DeptNotFound, Message: fmt.Sprintf("the organisation has no department %q", codeOrName)}
	case err != nil:
		return "", err
	}
	return d.know(u), nil
}

// unit returns the department with a code that Department has given; false
// if it is gone.
func (d *directory) unit(code string) (orgflow.OrgUnit, bool, error) {
	if u, ok := d.units[code]; ok {
		return u, true, nil
	}
	_, err := d.Department(code)
	var un *approval.Unmet
	if errors.As(err, &un) {
		return orgflow.OrgUnit{}, false, nil
	}
	u, ok := d.units[code]
	return u, ok, err
}

// DeptMembers returns the direct members of a department.
func (d *directory) DeptMembers(dept string) ([]string, error) {
	return d.list("members "+dept, func() ([]string, error) {
		u, ok, err := d.unit(dept)
		if err != nil || !ok {
			return nil, err
		}
		return d.codes(d.org.MembersOf(d.ctx, d.company.ID, u.ID))
	})
}

// codes makes user codes of members, and remembers those.
func (d *directory) codes(list []orgflow.OrgMember, err error) ([]string, error) {
	if err != nil && !isNobody(err) {
		return nil, err
	}
	var out []string
	for _, m := range list {
		code := m.UserCode()
		if old, ok := d.members[code]; ok && old != nil && old.ID != m.ID {
			code = m.UserID // two people with one job number
		}
		d.members[code] = &m
		out = append(out, code)
	}
	return out, nil
}

// DeptManagers returns the managers of a department, or of the one so many
// levels above it; with climb, of the next one upwards that has any.
func (d *directory) DeptManagers(dept string, level int, climb bool) ([]string, error) {
	return d.list(fmt.Sprintf("managers %s %d %t", dept, level, climb), func() ([]string, error) {
		u, ok, err := d.unit(dept)
		if err != nil || !ok {
			return nil, err
		}
		chain := []orgflow.OrgUnit{u}
		if level > 1 || climb {
			above, err := d.org.DepartmentParents(d.ctx, d.company.ID, u.ID)
			if err != nil && !isNobody(err) {
				return nil, err
			}
			chain = append(chain, above...)
		}
		for i := level - 1; i < len(chain); i++ {
			users, err := d.codes(d.org.DepartmentManagers(d.ctx, d.company.ID, chain[i].ID))
			if err != nil || len(users) > 0 || !climb {
				return users, err
			}
		}
		return nil, nil
	})
}

// Supervisors returns the supervisor of a person so many levels up. Nobody
// is above the topmost one, so that there is nowhere to climb to.
func (d *directory) Supervisors(user string, level int, _ bool) ([]string, error) {
	chain, err := d.chain(user)
	if err != nil || level > len(chain) {
		return nil, err
	}
	return []string{chain[level-1]}, nil
}

// SupervisorChain returns one supervisor per level.
func (d *directory) SupervisorChain(user string, from int, to approval.ChainEnd) ([]string, error) {
	chain, err := d.chain(user)
	end := len(chain)
	if to != approval.ChainTop {
		end = min(end, int(to))
	}
	if err != nil || from > end {
		return nil, err
	}
	return chain[from-1 : end], nil
}

// chain returns a person's supervisors, the nearest first.
func (d *directory) chain(user string) ([]string, error) {
	return d.list("chain "+user, func() ([]string, error) {
		at, err := d.member(user)
		var out []string
		seen := map[int64]bool{}
		for err == nil && at != nil && !seen[at.ID] && len(out) < maxLevels {
			seen[at.ID] = true
			var up orgflow.OrgMember
			if up, err = d.org.SupervisorOf(d.ctx, d.company.ID, at.ID); err != nil {
				break
			}
			if seen[up.ID] {
				break
			}
			codes, _ := d.codes([]orgflow.OrgMember{up}, nil) // given no error it returns none
			out = append(out, codes...)
			at = &up
		}
		if err != nil && !isNobody(err) {
			return nil, err
		}
		return out, nil
	})
}
