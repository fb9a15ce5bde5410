package store

import (
	"context"
	"fmt"

	"orgflow"
)

// The methods of this file answer from any version of an organisation, the
// newest one too.

// MembersIn returns the direct members that a department has in a version, by
// their ids, and the cursor of the next page, empty on the last one.
func (s *Store) MembersIn(ctx context.Context, target orgflow.Target, version, unit int64, cursor string, limit int) ([]OrgPerson, string, error) {
	after, err := parseCursor(cursor, 0)
	if err != nil {
		return nil, "", fmt.Errorf("members: %w", err)
	}
	limit = pageSize(limit)
	var rows []memberRow
	err = s.list(ctx, "members of "+target.String(), &rows, `SELECT `+memberColumns+` FROM org_member WHERE`+inVersion+`
		AND id > ? AND id IN (SELECT member_id FROM org_membership WHERE unit_id = ? AND`+inVersion+`) ORDER BY id LIMIT ?`,
		target.CompanyID, target.Consumer, version, version, after, unit, target.CompanyID, target.Consumer, version, version, limit+1)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, limit, func(r memberRow) string { return fmt.Sprint(r.ID) })
	people, err := s.placed(ctx, rows, placesThen, version, version, version, version)
	return people, next, err
}

// MemberIn returns a member as a version has them, or ErrNotFound.
func (s *Store) MemberIn(ctx context.Context, target orgflow.Target, version, member int64) (OrgPerson, error) {
	var row memberRow
	err := s.get(ctx, fmt.Sprintf("member %d", member), &row, `SELECT `+memberColumns+` FROM org_member WHERE`+inVersion+` AND id = ?`,
		target.CompanyID, target.Consumer, version, version, member)
	if err != nil {
		return OrgPerson{}, err
	}
	people, err := s.placed(ctx, []memberRow{row}, placesThen, version, version, version, version)
	if err != nil {
		return OrgPerson{}, err
	}
	return people[0], nil
}

// MemberOf returns a member as a version has them by their userid, or
// ErrNotFound.
func (s *Store) MemberOf(ctx context.Context, target orgflow.Target, version int64, userID string) (orgflow.OrgMember, error) {
	var row memberRow
	err := s.get(ctx, "member by userid", &row, `SELECT `+memberColumns+` FROM org_member WHERE`+inVersion+` AND remote_id = ?`,
		target.CompanyID, target.Consumer, version, version, userID)
	return row.member(), err
}

// ParkedRemovals returns up to limit departments and up to limit members that
// a pull which waits for a decision would remove: those of the newest version
// that it has not seen, and has not looked for and found. Where a pull has
// ended, what it has seen is forgotten: ask only for one that waits.
func (s *Store) ParkedRemovals(ctx context.Context, p Pull, limit int) ([]orgflow.OrgChange, error) {
	var out []orgflow.OrgChange
	for _, from := range []struct {
		kind        orgflow.Kind
		table, seen string
	}{{orgflow.Org, "org_unit", "org_pull_unit"}, {orgflow.Person, "org_member", "org_pull_member"}} {
		var rows []struct {
			ID       int64  `db:"id"`
			RemoteID string `db:"remote_id"`
			Name     string `db:"name"`
		}
		err := s.list(ctx, "parked removals of pull "+p.ID, &rows, `SELECT id, remote_id, name FROM `+from.table+` r WHERE`+newest+`
			AND NOT EXISTS (SELECT 1 FROM `+from.seen+` p WHERE p.pull_id = ? AND p.remote_id = r.remote_id)
			AND NOT EXISTS (SELECT 1 FROM org_pull_missing m WHERE m.pull_id = ? AND m.kind = ? AND m.remote_id = r.remote_id AND NOT m.gone)
			ORDER BY id LIMIT ?`, p.Input.CompanyID, p.Input.Origin, p.ID, p.ID, string(from.kind), pageSize(limit))
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out = append(out, orgflow.OrgChange{Kind: from.kind, Op: orgflow.Delete, ID: r.ID, Remote: r.RemoteID, Name: r.Name})
		}
	}
	return out, nil
}

// SourcesOf returns the source ids of the person that a consumer calls by an
// id: at most one, none where orgflow has not bound them.
func (s *Store) SourcesOf(ctx context.Context, target orgflow.Target, consumerID string) ([]string, error) {
	var ids []string
	if !sound(consumerID) {
		return nil, nil
	}
	err := s.list(ctx, "source id of a person", &ids, `SELECT source_id FROM binding WHERE company_id = ? AND consumer = ? AND kind = 'person' AND consumer_id = ?`,
		target.CompanyID, target.Consumer, consumerID)
	return ids, err
}
