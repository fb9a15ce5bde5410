package store

import (
	"context"
	"fmt"

	"orgflow"
)

// StagedPull is what a pull has read.
type StagedPull struct {
	Tree orgflow.OrgTree // remote ids only
	// Unread are the departments that could not be read to the end.
	Unread map[string]bool
	// Supervised are the members of whom it is known who their supervisor is.
	Supervised map[string]bool
}

// StagedPull returns what a pull has read.
func (s *Store) StagedPull(ctx context.Context, pullID string) (StagedPull, error) {
	out := StagedPull{Unread: map[string]bool{}, Supervised: map[string]bool{}}
	var units []struct {
		ID       string `db:"remote_id"`
		Parent   string `db:"parent"`
		Name     string `db:"name"`
		Code     string `db:"code"`
		Position int64  `db:"position"`
		State    string `db:"state"`
	}
	err := s.list(ctx, "departments of pull "+pullID, &units,
		`SELECT remote_id, parent, name, code, position, state FROM org_pull_unit WHERE pull_id = ? ORDER BY remote_id`, pullID)
	if err != nil {
		return out, err
	}
	for _, u := range units {
		out.Tree.Units = append(out.Tree.Units, orgflow.OrgUnit{RemoteID: u.ID, ParentRemoteID: u.Parent, Name: u.Name, Code: u.Code, Position: u.Position})
		if u.State != unitDone {
			out.Unread[u.ID] = true
		}
	}
	if out.Tree.Members, err = s.stagedMembers(ctx, pullID, out.Supervised); err != nil {
		return out, err
	}
	var seats []struct {
		Unit     string `db:"unit"`
		Member   string `db:"member"`
		Position int64  `db:"position"`
		Leader   bool   `db:"leader"`
		Main     bool   `db:"main"`
	}
	// A seat in a department that was deleted while it was read is none.
	err = s.list(ctx, "memberships of pull "+pullID, &seats, `SELECT unit, member, position, leader, main FROM org_pull_seat
		WHERE pull_id = ? AND unit IN (SELECT remote_id FROM org_pull_unit WHERE pull_id = ?) ORDER BY unit, member`, pullID, pullID)
	for _, st := range seats {
		out.Tree.Seats = append(out.Tree.Seats, orgflow.OrgSeat{
			UnitRemoteID: st.Unit, UserID: st.Member, Position: st.Position, Leader: st.Leader, Main: st.Main,
		})
	}
	return out, err
}

func (s *Store) stagedMembers(ctx context.Context, pullID string, supervised map[string]bool) ([]orgflow.OrgMember, error) {
	var rows []struct {
		Record     string  `db:"record"`
		Supervisor *string `db:"supervisor"`
	}
	err := s.list(ctx, "members of pull "+pullID, &rows, `SELECT record, supervisor FROM org_pull_member WHERE pull_id = ? ORDER BY remote_id`, pullID)
	if err != nil {
		return nil, err
	}
	out := make([]orgflow.OrgMember, len(rows))
	for i, r := range rows {
		if err := decode(r.Record, &out[i]); err != nil {
			return nil, fmt.Errorf("members of pull %s: %w", pullID, err)
		}
		if r.Supervisor != nil {
			out[i].Supervisor = *r.Supervisor
			supervised[out[i].UserID] = true
		}
	}
	return out, nil
}

// UnsupervisedMembers returns up to n members of a pull of whom nobody has
// told who their supervisor is, in the order of their userids.
func (s *Store) UnsupervisedMembers(ctx context.Context, pullID string, n int) ([]string, error) {
	var ids []string
	err := s.list(ctx, "members without supervisor of pull "+pullID, &ids,
		`SELECT remote_id FROM org_pull_member WHERE pull_id = ? AND supervisor IS NULL ORDER BY remote_id LIMIT ?`, pullID, n)
	return ids, err
}

// SetSupervisor stores who a member's supervisor is; empty is nobody.
func (s *Store) SetSupervisor(ctx context.Context, pullID, userID, supervisor string) error {
	_, err := s.exec(ctx, "supervisor in pull "+pullID,
		`UPDATE org_pull_member SET supervisor = ? WHERE pull_id = ? AND remote_id = ?`, clean(supervisor), pullID, userID)
	return err
}

// SaveMissing stores what became of a record that a whole read has not seen.
// The first answer stays.
func (s *Store) SaveMissing(ctx context.Context, pullID string, key orgflow.RemoteKey, gone bool) error {
	_, err := s.exec(ctx, "missing record of pull "+pullID, `INSERT INTO org_pull_missing (pull_id, kind, remote_id, gone)
		VALUES (?, ?, ?, ?) ON CONFLICT (pull_id, kind, remote_id) DO NOTHING`, pullID, string(key.Kind), key.ID, gone)
	return err
}

// MissingOf returns what became of the records that were looked for.
func (s *Store) MissingOf(ctx context.Context, pullID string) (map[orgflow.RemoteKey]bool, error) {
	var rows []struct {
		Kind string `db:"kind"`
		ID   string `db:"remote_id"`
		Gone bool   `db:"gone"`
	}
	err := s.list(ctx, "missing records of pull "+pullID, &rows, `SELECT kind, remote_id, gone FROM org_pull_missing WHERE pull_id = ?`, pullID)
	out := make(map[orgflow.RemoteKey]bool, len(rows))
	for _, r := range rows {
		out[orgflow.RemoteKey{Kind: orgflow.Kind(r.Kind), ID: r.ID}] = r.Gone
	}
	return out, err
}
