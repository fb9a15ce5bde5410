package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orgflow"
)

// OrgOrigin returns the origin whose organisation is the company's: DingTalk's
// where it was ever pulled, else WeCom's. ErrNotFound before the first pull.
func (s *Store) OrgOrigin(ctx context.Context, company int64) (string, error) {
	var origin string
	err := s.get(ctx, fmt.Sprintf("organisation of company %d", company), &origin,
		`SELECT origin FROM org_version WHERE company_id = ? ORDER BY CASE origin WHEN 'ding_talk' THEN 0 ELSE 1 END, origin LIMIT 1`, company)
	return origin, err
}

const versionColumns = `version, company_id, origin, pull_id, at, units, members`

type versionRow struct {
	Version   int64  `db:"version"`
	CompanyID int64  `db:"company_id"`
	Origin    string `db:"origin"`
	PullID    string `db:"pull_id"`
	At        stamp  `db:"at"`
	Units     int    `db:"units"`
	Members   int    `db:"members"`
}

func (r versionRow) version() orgflow.OrgVersion {
	return orgflow.OrgVersion{Version: r.Version, CompanyID: r.CompanyID, Origin: r.Origin, PullID: r.PullID, At: r.At.Time, Units: r.Units, Members: r.Members}
}

// LatestVersion returns the newest version of an organisation, or ErrNotFound.
func (s *Store) LatestVersion(ctx context.Context, target orgflow.Target) (orgflow.OrgVersion, error) {
	return s.oneVersion(ctx, target, `TRUE`)
}

// VersionAsOf returns the version that was the newest at a time, or ErrNotFound.
func (s *Store) VersionAsOf(ctx context.Context, target orgflow.Target, when time.Time) (orgflow.OrgVersion, error) {
	return s.oneVersion(ctx, target, `at <= ?`, at(when))
}

// OrgVersion returns a version by its number, or ErrNotFound.
func (s *Store) OrgVersion(ctx context.Context, target orgflow.Target, version int64) (orgflow.OrgVersion, error) {
	return s.oneVersion(ctx, target, `version = ?`, version)
}

func (s *Store) oneVersion(ctx context.Context, target orgflow.Target, cond string, args ...any) (orgflow.OrgVersion, error) {
	var row versionRow
	err := s.get(ctx, "version of the organisation "+target.String(), &row, `SELECT `+versionColumns+` FROM org_version
		WHERE company_id = ? AND origin = ? AND `+cond+` ORDER BY version DESC LIMIT 1`, append([]any{target.CompanyID, target.Consumer}, args...)...)
	return row.version(), err
}

// ListVersions returns versions, newest first, and the cursor of the next
// page, empty on the last one.
func (s *Store) ListVersions(ctx context.Context, target orgflow.Target, cursor string, limit int) ([]orgflow.OrgVersion, string, error) {
	before, err := parseCursor(cursor, 1<<62)
	if err != nil {
		return nil, "", fmt.Errorf("list versions: %w", err)
	}
	limit = pageSize(limit)
	var rows []versionRow
	err = s.list(ctx, "versions of the organisation "+target.String(), &rows, `SELECT `+versionColumns+` FROM org_version
		WHERE company_id = ? AND origin = ? AND version < ? ORDER BY version DESC LIMIT ?`, target.CompanyID, target.Consumer, before, limit+1)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, limit, func(r versionRow) string { return fmt.Sprint(r.Version) })
	out := make([]orgflow.OrgVersion, len(rows))
	for i, r := range rows {
		out[i] = r.version()
	}
	return out, next, nil
}

// orgRows are the rows that make up a version, with the version each began in.
type orgRows struct {
	units   []unitRow
	members []memberRow
	seats   []seatRow
}

type unitRow struct {
	ID       int64  `db:"id"`
	Since    int64  `db:"since_version"`
	RemoteID string `db:"remote_id"`
	ParentID int64  `db:"parent_id"`
	Name     string `db:"name"`
	Code     string `db:"code"`
	Position int64  `db:"position"`
}

type memberRow struct {
	ID         int64  `db:"id"`
	Since      int64  `db:"since_version"`
	RemoteID   string `db:"remote_id"`
	JobNumber  string `db:"job_number"`
	Name       string `db:"name"`
	Title      string `db:"title"`
	Mobile     string `db:"mobile"`
	Supervisor string `db:"supervisor"`
	Active     bool   `db:"active"`
}

type seatRow struct {
	UnitID   int64 `db:"unit_id"`
	MemberID int64 `db:"member_id"`
	Since    int64 `db:"since_version"`
	Position int64 `db:"position"`
	Leader   bool  `db:"leader"`
	Main     bool  `db:"main"`
}

const (
	unitColumns   = `id, since_version, remote_id, parent_id, name, code, position`
	memberColumns = `id, since_version, remote_id, job_number, name, title, mobile, supervisor, active`
	seatColumns   = `unit_id, member_id, since_version, position, leader, main`
	// inVersion selects the rows that are true in a version.
	inVersion = ` company_id = ? AND origin = ? AND since_version <= ? AND (until_version IS NULL OR until_version > ?)`
)

// lister reads rows, in a transaction or outside one.
type lister func(ctx context.Context, dest any, query string, args ...any) error

func rowsOf(ctx context.Context, list lister, target orgflow.Target, version int64) (orgRows, error) {
	var r orgRows
	args := []any{target.CompanyID, target.Consumer, version, version}
	return r, errors.Join(
		list(ctx, &r.units, `SELECT `+unitColumns+` FROM org_unit WHERE`+inVersion+` ORDER BY id`, args...),
		list(ctx, &r.members, `SELECT `+memberColumns+` FROM org_member WHERE`+inVersion+` ORDER BY id`, args...),
		list(ctx, &r.seats, `SELECT `+seatColumns+` FROM org_membership WHERE`+inVersion+` ORDER BY unit_id, member_id`, args...),
	)
}

// OrgTree returns an organisation as a version has it; version 0 is empty.
func (s *Store) OrgTree(ctx context.Context, target orgflow.Target, version int64) (orgflow.OrgTree, error) {
	if version == 0 {
		return orgflow.OrgTree{}, nil
	}
	rows, err := rowsOf(ctx, func(ctx context.Context, dest any, query string, args ...any) error {
		return s.list(ctx, "organisation "+target.String(), dest, query, args...)
	}, target, version)
	return rows.tree(), err
}

// OrgShape is OrgTree without members: its seats name them by orgflow's id
// only. It is what a tree with counts needs, at a fraction of the time.
func (s *Store) OrgShape(ctx context.Context, target orgflow.Target, version int64) (orgflow.OrgTree, error) {
	var r orgRows
	args := []any{target.CompanyID, target.Consumer, version, version}
	what := "organisation " + target.String()
	err := errors.Join(
		s.list(ctx, what, &r.units, `SELECT `+unitColumns+` FROM org_unit WHERE`+inVersion+` ORDER BY id`, args...),
		s.list(ctx, what, &r.seats, `SELECT unit_id, member_id FROM org_membership WHERE`+inVersion, args...),
	)
	return r.tree(), err
}

func (r orgRows) tree() orgflow.OrgTree {
	units, users := make(map[int64]string, len(r.units)), make(map[int64]string, len(r.members))
	for _, u := range r.units {
		units[u.ID] = u.RemoteID
	}
	var t orgflow.OrgTree
	for _, u := range r.units {
		unit := u.unit()
		unit.ParentRemoteID = units[u.ParentID]
		t.Units = append(t.Units, unit)
	}
	for _, m := range r.members {
		users[m.ID] = m.RemoteID
		t.Members = append(t.Members, m.member())
	}
	for _, st := range r.seats {
		t.Seats = append(t.Seats, orgflow.OrgSeat{
			UnitID: st.UnitID, MemberID: st.MemberID, UnitRemoteID: units[st.UnitID], UserID: users[st.MemberID],
			Position: st.Position, Leader: st.Leader, Main: st.Main,
		})
	}
	return t
}

func (u unitRow) unit() orgflow.OrgUnit {
	return orgflow.OrgUnit{ID: u.ID, RemoteID: u.RemoteID, ParentID: u.ParentID, Name: u.Name, Code: u.Code, Position: u.Position}
}

func (m memberRow) member() orgflow.OrgMember {
	return orgflow.OrgMember{
		ID: m.ID, UserID: m.RemoteID, JobNumber: m.JobNumber, Name: m.Name, Title: m.Title,
		Mobile: m.Mobile, Supervisor: m.Supervisor, Active: m.Active,
	}
}
