package store

import (
	"context"
	"fmt"

	"orgflow"
)

// ErrVersionMoved says that the organisation has a newer version than the one
// that a new one was made from.
var ErrVersionMoved = fmt.Errorf("the organisation has a newer version by now")

// NewVersion is an organisation to store.
type NewVersion struct {
	PullID string
	Target orgflow.Target
	Base   int64 // the version it was made from; 0 for the first
	// Tree is the whole organisation, by remote ids; own ids are given here.
	Tree    orgflow.OrgTree
	Changes map[orgflow.Kind]orgflow.OrgCount
	Parked  int // removals that wait for a decision
}

var (
	insertIdentity = insertRows("org_identity", "ON CONFLICT (company_id, origin, kind, remote_id) DO NOTHING",
		column{"company_id", "bigint"}, column{"origin", "text"}, column{"kind", "text"}, column{"remote_id", "text"})
	insertUnit = insertRows("org_unit", "", column{"id", "bigint"}, column{"since_version", "bigint"}, column{"company_id", "bigint"},
		column{"origin", "text"}, column{"remote_id", "text"}, column{"parent_id", "bigint"}, column{"name", "text"}, column{"code", "text"}, column{"position", "bigint"})
	insertMember = insertRows("org_member", "", column{"id", "bigint"}, column{"since_version", "bigint"}, column{"company_id", "bigint"},
		column{"origin", "text"}, column{"remote_id", "text"}, column{"job_number", "text"}, column{"name", "text"}, column{"title", "text"},
		column{"mobile", "text"}, column{"supervisor", "text"}, column{"active", "boolean"}, column{"search", "text"})
	insertSeat = insertRows("org_membership", "", column{"unit_id", "bigint"}, column{"member_id", "bigint"}, column{"since_version", "bigint"},
		column{"company_id", "bigint"}, column{"origin", "text"}, column{"position", "bigint"}, column{"leader", "boolean"}, column{"main", "boolean"})
	endUnit   = updateRows("org_unit", 2, column{"until_version", "bigint"}, column{"id", "bigint"}, column{"since_version", "bigint"})
	endMember = updateRows("org_member", 2, column{"until_version", "bigint"}, column{"id", "bigint"}, column{"since_version", "bigint"})
	endSeat   = updateRows("org_membership", 3, column{"until_version", "bigint"},
		column{"unit_id", "bigint"}, column{"member_id", "bigint"}, column{"since_version", "bigint"})
)

// CommitVersion stores an organisation as the next version, in one
// transaction: rows that are as before stay as they are. It is idempotent: a
// pull that has made a version from this base already keeps it. The version
// is returned. ErrVersionMoved: another pull was faster.
func (s *Store) CommitVersion(ctx context.Context, n NewVersion) (version int64, err error) {
	changes, err := encode(n.Changes)
	if err != nil {
		return 0, err
	}
	err = s.inTx(ctx, "store version of the organisation "+n.Target.String(), func(t *tx) error {
		var newest versionRow
		err := t.get(ctx, &newest, `SELECT `+versionColumns+` FROM org_version WHERE company_id = ? AND origin = ?
			ORDER BY version DESC LIMIT 1`, n.Target.CompanyID, n.Target.Consumer)
		if err != nil && !noRows(err) {
			return err
		}
		version = n.Base + 1
		if newest.Version == version && newest.PullID == n.PullID {
			return nil // stored by an attempt whose answer was lost
		}
		if newest.Version != n.Base {
			return ErrVersionMoved
		}
		if err := t.writeVersion(ctx, n, version); err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE org_pull SET version = ?, changes = ?, parked = ? WHERE id = ?`, version, changes, n.Parked, n.PullID)
		return err
	})
	return version, err
}

func (t *tx) writeVersion(ctx context.Context, n NewVersion, version int64) error {
	// Two pulls cannot both insert the version: the other one waits, and fails.
	_, err := t.exec(ctx, `INSERT INTO org_version (company_id, origin, version, pull_id, at, units, members, units_removed, members_removed)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, n.Target.CompanyID, n.Target.Consumer, version, n.PullID, t.s.now(),
		len(n.Tree.Units), len(n.Tree.Members), n.Changes[orgflow.Org].Removed, n.Changes[orgflow.Person].Removed)
	if err != nil {
		return err
	}
	ids, err := t.identities(ctx, n)
	if err != nil {
		return err
	}
	before, err := rowsOf(ctx, t.list, n.Target, n.Base)
	if err != nil {
		return err
	}
	w := versionWriter{tx: t, version: version, target: n.Target}
	if err := w.units(ctx, before.units, ids.units(n.Tree)); err != nil {
		return err
	}
	if err := w.members(ctx, before.members, ids.members(n.Tree)); err != nil {
		return err
	}
	return w.seats(ctx, before.seats, ids.seats(n.Tree))
}

// identities gives every record its own id, the one it had before if it ever
// had one.
func (t *tx) identities(ctx context.Context, n NewVersion) (identities, error) {
	values := make([]any, 0, 4*(len(n.Tree.Units)+len(n.Tree.Members)))
	for _, u := range n.Tree.Units {
		if err := required("/remote_id", u.RemoteID); err != nil {
			return nil, err
		}
		values = append(values, n.Target.CompanyID, n.Target.Consumer, string(orgflow.Org), u.RemoteID)
	}
	for _, m := range n.Tree.Members {
		if err := required("/userid", m.UserID); err != nil {
			return nil, err
		}
		values = append(values, n.Target.CompanyID, n.Target.Consumer, string(orgflow.Person), m.UserID)
	}
	if _, err := t.run(ctx, insertIdentity, values); err != nil {
		return nil, err
	}
	var rows []struct {
		ID       int64  `db:"id"`
		Kind     string `db:"kind"`
		RemoteID string `db:"remote_id"`
	}
	err := t.list(ctx, &rows, `SELECT id, kind, remote_id FROM org_identity WHERE company_id = ? AND origin = ?`, n.Target.CompanyID, n.Target.Consumer)
	ids := make(identities, len(rows))
	for _, r := range rows {
		ids[orgflow.RemoteKey{Kind: orgflow.Kind(r.Kind), ID: r.RemoteID}] = r.ID
	}
	return ids, err
}

type identities map[orgflow.RemoteKey]int64

func (ids identities) unit(remote string) int64 {
	return ids[orgflow.RemoteKey{Kind: orgflow.Org, ID: remote}]
}

func (ids identities) user(remote string) int64 {
	return ids[orgflow.RemoteKey{Kind: orgflow.Person, ID: remote}]
}

func (ids identities) units(t orgflow.OrgTree) []unitRow {
	out := make([]unitRow, len(t.Units))
	for i, u := range t.Units {
		out[i] = unitRow{ID: ids.unit(u.RemoteID), RemoteID: u.RemoteID, Name: clean(u.Name), Code: clean(u.Code), Position: u.Position}
		if u.ParentRemoteID != "" {
			out[i].ParentID = ids.unit(u.ParentRemoteID)
		}
	}
	return out
}

func (ids identities) members(t orgflow.OrgTree) []memberRow {
	out := make([]memberRow, len(t.Members))
	for i, m := range t.Members {
		out[i] = memberRow{
			ID: ids.user(m.UserID), RemoteID: m.UserID, JobNumber: clean(m.JobNumber), Name: clean(m.Name), Title: clean(m.Title),
			Mobile: clean(m.Mobile), Supervisor: clean(m.Supervisor), Active: m.Active,
		}
	}
	return out
}

func (ids identities) seats(t orgflow.OrgTree) []seatRow {
	out := make([]seatRow, len(t.Seats))
	for i, st := range t.Seats {
		out[i] = seatRow{UnitID: ids.unit(st.UnitRemoteID), MemberID: ids.user(st.UserID), Position: st.Position, Leader: st.Leader, Main: st.Main}
	}
	return out
}

// versionWriter ends the rows that are no longer true and adds those that
// have become so.
type versionWriter struct {
	*tx
	version int64
	target  orgflow.Target
}

func (w versionWriter) units(ctx context.Context, before, after []unitRow) error {
	ended, begun := changed(before, after, func(r unitRow) (int64, unitRow) { k := r.ID; r.Since = 0; return k, r })
	var ends, begins []any
	for _, r := range ended {
		ends = append(ends, w.version, r.ID, r.Since)
	}
	for _, r := range begun {
		begins = append(begins, r.ID, w.version, w.target.CompanyID, w.target.Consumer, r.RemoteID, r.ParentID, r.Name, r.Code, r.Position)
	}
	return w.write(ctx, endUnit, ends, insertUnit, begins)
}

func (w versionWriter) members(ctx context.Context, before, after []memberRow) error {
	ended, begun := changed(before, after, func(r memberRow) (int64, memberRow) { k := r.ID; r.Since = 0; return k, r })
	var ends, begins []any
	for _, r := range ended {
		ends = append(ends, w.version, r.ID, r.Since)
	}
	for _, r := range begun {
		begins = append(begins, r.ID, w.version, w.target.CompanyID, w.target.Consumer, r.RemoteID, r.JobNumber, r.Name, r.Title, r.Mobile, r.Supervisor, r.Active, r.search())
	}
	return w.write(ctx, endMember, ends, insertMember, begins)
}

func (w versionWriter) seats(ctx context.Context, before, after []seatRow) error {
	ended, begun := changed(before, after, func(r seatRow) ([2]int64, seatRow) {
		k := [2]int64{r.UnitID, r.MemberID}
		r.Since = 0
		return k, r
	})
	var ends, begins []any
	for _, r := range ended {
		ends = append(ends, w.version, r.UnitID, r.MemberID, r.Since)
	}
	for _, r := range begun {
		begins = append(begins, r.UnitID, r.MemberID, w.version, w.target.CompanyID, w.target.Consumer, r.Position, r.Leader, r.Main)
	}
	return w.write(ctx, endSeat, ends, insertSeat, begins)
}

func (w versionWriter) write(ctx context.Context, end *batch, ends []any, begin *batch, begins []any) error {
	if _, err := w.run(ctx, end, ends); err != nil {
		return err
	}
	_, err := w.run(ctx, begin, begins)
	return err
}

// changed compares rows by their key and their content without Since.
func changed[K, R comparable](before, after []R, split func(R) (K, R)) (ended, begun []R) {
	was := make(map[K]R, len(before))
	for _, r := range before {
		k, content := split(r)
		was[k] = content
	}
	stays := make(map[K]bool, len(after))
	for _, r := range after {
		k, content := split(r)
		if old, known := was[k]; known && old == content {
			stays[k] = true
			continue
		}
		begun = append(begun, r)
	}
	for _, r := range before {
		if k, _ := split(r); !stays[k] {
			ended = append(ended, r)
		}
	}
	return ended, begun
}
