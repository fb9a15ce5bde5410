package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"orgflow"
)

// ErrAmbiguous says that a code or name is that of several people or departments.
var ErrAmbiguous = errors.New("is not unique in the organisation")

// The methods of this file answer from the newest version of a company's
// organisation (see OrgOrigin), for approvers to be found. What is not there,
// or a company that was never pulled, is ErrNotFound.

const newest = ` until_version IS NULL AND company_id = ? AND origin = ?`

// membersWhere selects members of the newest version. from follows the table
// m, cond is true of its rows.
func (s *Store) membersWhere(ctx context.Context, company int64, from, cond, order string, args ...any) ([]orgflow.OrgMember, error) {
	origin, err := s.OrgOrigin(ctx, company)
	if err != nil {
		return nil, err
	}
	var rows []memberRow
	err = s.list(ctx, fmt.Sprintf("members of company %d", company), &rows, `
		SELECT m.id, m.since_version, m.remote_id, m.job_number, m.name, m.title, m.mobile, m.supervisor, m.active
		FROM org_member m `+from+` WHERE m.until_version IS NULL AND m.company_id = ? AND m.origin = ? AND `+cond+` ORDER BY `+order,
		append([]any{company, origin}, args...)...)
	out := make([]orgflow.OrgMember, len(rows))
	for i, r := range rows {
		out[i] = r.member()
	}
	return out, err
}

// UserByCode returns the member with a user code: the job number, else (for
// members without one, or where nobody has that number) the userid.
// ErrAmbiguous: several people share the job number.
func (s *Store) UserByCode(ctx context.Context, company int64, code string) (orgflow.OrgMember, error) {
	found, err := s.UsersByCodes(ctx, company, []string{code})
	if err != nil {
		return orgflow.OrgMember{}, err
	}
	m, ok := found[code]
	if !ok {
		return m, fmt.Errorf("user code %q: %w", code, ErrNotFound)
	}
	return m, nil
}

// UsersByCodes returns the members with these user codes (see UserByCode).
// Codes nobody has are left out.
func (s *Store) UsersByCodes(ctx context.Context, company int64, codes []string) (map[string]orgflow.OrgMember, error) {
	codes = slices.DeleteFunc(slices.Clone(codes), func(c string) bool { return c == "" || !sound(c) })
	if len(codes) == 0 {
		return map[string]orgflow.OrgMember{}, nil
	}
	numbers, first := s.dialect.inList("m.job_number", "text", anys(codes))
	users, second := s.dialect.inList("m.remote_id", "text", anys(codes))
	list, err := s.membersWhere(ctx, company, "", "("+numbers+" OR "+users+")", "m.id", first, second)
	if err != nil {
		return nil, err
	}
	out := make(map[string]orgflow.OrgMember, len(codes))
	for _, code := range codes {
		m, err := withCode(list, code)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("user code %q: %w", code, err)
		}
		out[code] = m
	}
	return out, nil
}

func withCode(list []orgflow.OrgMember, code string) (orgflow.OrgMember, error) {
	for _, has := range []func(orgflow.OrgMember) bool{
		func(m orgflow.OrgMember) bool { return m.UserCode() == code },
		func(m orgflow.OrgMember) bool { return m.UserID == code },
	} {
		var found []orgflow.OrgMember
		for _, m := range list {
			if has(m) {
				found = append(found, m)
			}
		}
		switch {
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			return orgflow.OrgMember{}, fmt.Errorf("%d people have it: %w", len(found), ErrAmbiguous)
		}
	}
	return orgflow.OrgMember{}, ErrNotFound
}

// UsersByName returns the members with exactly this name.
func (s *Store) UsersByName(ctx context.Context, company int64, name string) ([]orgflow.OrgMember, error) {
	return s.membersWhere(ctx, company, "", "m.name = ?", "m.id", clean(name))
}

// DepartmentByCodeOrName returns the department with a code, else the one
// with that id at the origin, else the one of exactly that name. ErrAmbiguous:
// several have the code or name.
func (s *Store) DepartmentByCodeOrName(ctx context.Context, company int64, codeOrName string) (orgflow.OrgUnit, error) {
	if codeOrName == "" || !sound(codeOrName) {
		return orgflow.OrgUnit{}, fmt.Errorf("department %q: %w", clean(codeOrName), ErrNotFound)
	}
	list, err := s.unitsWhere(ctx, company, "(code = ? OR remote_id = ? OR name = ?)", codeOrName, codeOrName, codeOrName)
	if err != nil {
		return orgflow.OrgUnit{}, err
	}
	for _, has := range []func(orgflow.OrgUnit) bool{
		func(u orgflow.OrgUnit) bool { return u.Code == codeOrName },
		func(u orgflow.OrgUnit) bool { return u.RemoteID == codeOrName },
		func(u orgflow.OrgUnit) bool { return u.Name == codeOrName },
	} {
		found := slices.DeleteFunc(slices.Clone(list), func(u orgflow.OrgUnit) bool { return !has(u) })
		switch {
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			return orgflow.OrgUnit{}, fmt.Errorf("department %q: %d departments have that code or name: %w", codeOrName, len(found), ErrAmbiguous)
		}
	}
	return orgflow.OrgUnit{}, fmt.Errorf("department %q: %w", codeOrName, ErrNotFound)
}

func (s *Store) unitsWhere(ctx context.Context, company int64, cond string, args ...any) ([]orgflow.OrgUnit, error) {
	origin, err := s.OrgOrigin(ctx, company)
	if err != nil {
		return nil, err
	}
	var rows []unitRow
	err = s.list(ctx, fmt.Sprintf("departments of company %d", company), &rows,
		`SELECT `+unitColumns+` FROM org_unit WHERE`+newest+` AND `+cond+` ORDER BY id`, append([]any{company, origin}, args...)...)
	out := make([]orgflow.OrgUnit, len(rows))
	for i, r := range rows {
		out[i] = r.unit()
	}
	return out, err
}

// Department returns a department by orgflow's id.
func (s *Store) Department(ctx context.Context, company, unit int64) (orgflow.OrgUnit, error) {
	list, err := s.unitsWhere(ctx, company, "id = ?", unit)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("department %d: %w", unit, ErrNotFound)
	}
	if err != nil {
		return orgflow.OrgUnit{}, err
	}
	return list[0], nil
}

const seated = "JOIN org_membership s ON s.member_id = m.id AND s.until_version IS NULL"

// DepartmentManagers returns who manages a department, as the origin reports
// it, in the order of their places there.
func (s *Store) DepartmentManagers(ctx context.Context, company, unit int64) ([]orgflow.OrgMember, error) {
	return s.membersWhere(ctx, company, seated, "s.unit_id = ? AND s.leader", "s.position DESC, m.id", unit)
}

// MembersOf returns the direct members of a department, in the order of their
// places there.
func (s *Store) MembersOf(ctx context.Context, company, unit int64) ([]orgflow.OrgMember, error) {
	return s.membersWhere(ctx, company, seated, "s.unit_id = ?", "s.position DESC, m.id", unit)
}

// DepartmentParents returns the departments above one, the nearest first, the
// root last; none for the root.
func (s *Store) DepartmentParents(ctx context.Context, company, unit int64) ([]orgflow.OrgUnit, error) {
	all, err := s.unitsWhere(ctx, company, "TRUE")
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]orgflow.OrgUnit, len(all))
	for _, u := range all {
		byID[u.ID] = u
	}
	at, known := byID[unit]
	if !known {
		return nil, fmt.Errorf("department %d: %w", unit, ErrNotFound)
	}
	var out []orgflow.OrgUnit
	for range all { // a tree is no deeper than it is large
		up, ok := byID[at.ParentID]
		if !ok {
			break
		}
		out = append(out, up)
		at = up
	}
	return out, nil
}

// DepartmentsOf returns the departments a member is in, the main one first.
func (s *Store) DepartmentsOf(ctx context.Context, company, member int64) ([]orgflow.OrgUnit, error) {
	units, err := s.unitsWhere(ctx, company, `id IN (SELECT unit_id FROM org_membership WHERE member_id = ? AND until_version IS NULL)`, member)
	if err != nil {
		return nil, err
	}
	var main []int64
	err = s.list(ctx, "main department", &main, `SELECT unit_id FROM org_membership WHERE member_id = ? AND until_version IS NULL AND main`, member)
	slices.SortStableFunc(units, func(a, b orgflow.OrgUnit) int {
		switch {
		case slices.Contains(main, a.ID) == slices.Contains(main, b.ID):
			return 0
		case slices.Contains(main, a.ID):
			return -1
		}
		return 1
	})
	return units, err
}

// SupervisorOf returns a member's supervisor. ErrNotFound: the member has
// none, or nobody has told.
func (s *Store) SupervisorOf(ctx context.Context, company, member int64) (orgflow.OrgMember, error) {
	list, err := s.membersWhere(ctx, company, "",
		`m.remote_id = (SELECT supervisor FROM org_member b WHERE b.id = ? AND b.until_version IS NULL AND b.supervisor <> '')`, "m.id", member)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("supervisor of member %d: %w", member, ErrNotFound)
	}
	if err != nil {
		return orgflow.OrgMember{}, err
	}
	return list[0], nil
}

// UserByID returns the member with a userid at an origin, or ErrNotFound,
// also before the first pull.
func (s *Store) UserByID(ctx context.Context, target orgflow.Target, userID string) (orgflow.OrgMember, error) {
	var row memberRow
	if !sound(userID) {
		return orgflow.OrgMember{}, fmt.Errorf("userid: %w", ErrNotFound)
	}
	err := s.get(ctx, "member by userid", &row, `SELECT `+memberColumns+` FROM org_member WHERE`+newest+` AND remote_id = ?`,
		target.CompanyID, target.Consumer, userID)
	return row.member(), err
}
