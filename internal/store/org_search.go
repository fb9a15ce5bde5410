package store

import (
	"context"
	"fmt"
	"strings"

	"orgflow"
)

// OrgPerson is a member with the departments they are in.
type OrgPerson struct {
	orgflow.OrgMember
	Departments []OrgPlace
}

// OrgPlace is a department of a member.
type OrgPlace struct {
	UnitID int64
	Name   string
	Leader bool
	Main   bool
}

// UnitCompany returns whose organisation a department belongs to, or
// ErrNotFound where no organisation has it now.
func (s *Store) UnitCompany(ctx context.Context, unit int64) (orgflow.Target, error) {
	var row struct {
		CompanyID int64  `db:"company_id"`
		Origin    string `db:"origin"`
	}
	err := s.get(ctx, fmt.Sprintf("department %d", unit), &row,
		`SELECT company_id, origin FROM org_unit WHERE id = ? AND until_version IS NULL`, unit)
	return orgflow.Target{CompanyID: row.CompanyID, Consumer: row.Origin}, err
}

// UnitMembers returns the direct members of a department by their ids, and
// the cursor of the next page, empty on the last one.
func (s *Store) UnitMembers(ctx context.Context, target orgflow.Target, unit int64, cursor string, limit int) ([]OrgPerson, string, error) {
	return s.people(ctx, target, cursor, limit,
		`m.id IN (SELECT member_id FROM org_membership WHERE unit_id = ? AND until_version IS NULL)`, unit)
}

// SearchMembers returns the members whose name, mobile number, job number or
// userid contains a text, upper and lower case alike, by their ids; an empty
// text finds everybody.
func (s *Store) SearchMembers(ctx context.Context, target orgflow.Target, text, cursor string, limit int) ([]OrgPerson, string, error) {
	return s.people(ctx, target, cursor, limit, s.dialect.contains("search"), sought(text))
}

// search is what a member is found by (see migration 18). Its length is
// bounded because an index of PostgreSQL takes 2,700 bytes.
func (m memberRow) search() string {
	const most = 100 // characters of each, at most four bytes long
	parts := []string{cutText(m.Name, most+most/2), cutText(m.Mobile, most), cutText(m.JobNumber, most), cutText(m.RemoteID, most)}
	for i, p := range parts {
		parts[i] = sought(p)
	}
	return strings.Join(parts, "\t")
}

// sought is a text as it stands in what is searched: tabs separate there.
func sought(text string) string {
	return strings.ReplaceAll(strings.ToLower(clean(text)), "\t", " ")
}

// cutText is a text's first n characters.
func cutText(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

func (s *Store) people(ctx context.Context, target orgflow.Target, cursor string, limit int, cond string, args ...any) ([]OrgPerson, string, error) {
	after, err := parseCursor(cursor, 0)
	if err != nil {
		return nil, "", fmt.Errorf("members: %w", err)
	}
	limit = pageSize(limit)
	var rows []memberRow
	err = s.list(ctx, "members of "+target.String(), &rows, `SELECT `+memberColumns+` FROM org_member m
		WHERE until_version IS NULL AND company_id = ? AND origin = ? AND id > ? AND `+cond+` ORDER BY id LIMIT ?`,
		append(append([]any{target.CompanyID, target.Consumer, after}, args...), limit+1)...)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, limit, func(r memberRow) string { return fmt.Sprint(r.ID) })
	people, err := s.placed(ctx, rows, placesNow)
	return people, next, err
}

// Which memberships (s) and departments (u) count for placed: those of now, or
// those of a version, which is then given four times.
const (
	placesNow  = `s.until_version IS NULL AND u.until_version IS NULL`
	placesThen = `s.since_version <= ? AND (s.until_version IS NULL OR s.until_version > ?)
		AND u.since_version <= ? AND (u.until_version IS NULL OR u.until_version > ?)`
)

// placed adds the departments that members have, the main one first.
func (s *Store) placed(ctx context.Context, rows []memberRow, when string, args ...any) ([]OrgPerson, error) {
	out := make([]OrgPerson, len(rows))
	ids, at := make([]any, len(rows)), make(map[int64]int, len(rows))
	for i, r := range rows {
		out[i] = OrgPerson{OrgMember: r.member(), Departments: []OrgPlace{}}
		ids[i], at[r.ID] = r.ID, i
	}
	if len(rows) == 0 {
		return out, nil
	}
	cond, arg := s.dialect.inList("s.member_id", "bigint", ids)
	var places []struct {
		MemberID int64  `db:"member_id"`
		UnitID   int64  `db:"unit_id"`
		Name     string `db:"name"`
		Leader   bool   `db:"leader"`
		Main     bool   `db:"main"`
	}
	err := s.list(ctx, "departments of members", &places, `SELECT s.member_id, s.unit_id, u.name, s.leader, s.main FROM org_membership s
		JOIN org_unit u ON u.id = s.unit_id
		WHERE `+when+` AND `+cond+` ORDER BY s.member_id, s.main DESC, s.unit_id`, append(args, arg)...)
	for _, p := range places {
		person := &out[at[p.MemberID]]
		person.Departments = append(person.Departments, OrgPlace{UnitID: p.UnitID, Name: p.Name, Leader: p.Leader, Main: p.Main})
	}
	return out, err
}
