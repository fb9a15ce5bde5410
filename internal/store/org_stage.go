package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"orgflow"
)

// States of a department that a pull reads.
const (
	unitOpen    = "open"
	unitMembers = "members"
	unitDone    = "done"
	unitUnread  = "unread"
)

// PullUnit is a department to read.
type PullUnit struct {
	ID string
	// Known: the departments below it are stored; members are missing from
	// Cursor on.
	Known  bool
	Cursor string
	Level  int
}

// PullStep is what one call about a department gave.
type PullStep struct {
	Unit PullUnit
	// Found are the departments below it; Deep: of all levels, none of which
	// need be asked for what is below it.
	Found []orgflow.OrgUnit
	Deep  bool
	// People and Seats are a page of its members; Supervised those of whom it
	// shows the supervisor.
	People     []orgflow.OrgMember
	Seats      []orgflow.OrgSeat
	Supervised map[string]bool
	Cursor     string // of the next page of members
	Done       bool   // nothing of the department is missing
	// Gone: it was deleted after it had been found. Unread: it cannot be read.
	Gone, Unread bool
	Calls        int // spent, whatever they gave
}

var (
	insertPullUnit = insertRows("org_pull_unit", "ON CONFLICT (pull_id, remote_id) DO NOTHING",
		column{"pull_id", "text"}, column{"remote_id", "text"}, column{"parent", "text"}, column{"name", "text"}, column{"code", "text"},
		column{"position", "bigint"}, column{"level", "bigint"}, column{"state", "text"})
	insertPullMember = insertRows("org_pull_member", "ON CONFLICT (pull_id, remote_id) DO NOTHING",
		column{"pull_id", "text"}, column{"remote_id", "text"}, column{"record", "text"}, column{"supervisor", "text"})
	insertPullSeat = insertRows("org_pull_seat", "ON CONFLICT (pull_id, unit, member) DO NOTHING",
		column{"pull_id", "text"}, column{"unit", "text"}, column{"member", "text"},
		column{"position", "bigint"}, column{"leader", "boolean"}, column{"main", "boolean"})
)

// BeginPull starts the reading at the root department. whole tells whether
// all below it can be seen, cause why not. Where it has begun already, it
// changes nothing.
func (s *Store) BeginPull(ctx context.Context, pullID string, root orgflow.OrgUnit, cause string) error {
	if err := required("/root", root.RemoteID); err != nil {
		return fmt.Errorf("begin pull: %w", err)
	}
	return s.inTx(ctx, "begin pull "+pullID, func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE org_pull SET root = ?, cause = ?, phase = ?, departments = 1 WHERE id = ? AND root = ''`,
			root.RemoteID, clean(cause), string(orgflow.PhaseFetch), pullID)
		if err != nil || n == 0 {
			return err
		}
		_, err = t.run(ctx, insertPullUnit, unitValues(pullID, []orgflow.OrgUnit{root}, 0, unitOpen))
		return err
	})
}

func unitValues(pullID string, units []orgflow.OrgUnit, level int, state string) []any {
	units = slices.SortedFunc(slices.Values(units), func(a, b orgflow.OrgUnit) int { return cmp.Compare(a.RemoteID, b.RemoteID) })
	out := make([]any, 0, len(units)*len(insertPullUnit.cols))
	for _, u := range units {
		out = append(out, pullID, u.RemoteID, u.ParentRemoteID, clean(u.Name), clean(u.Code), u.Position, level, state)
	}
	return out
}

// NextPullUnits returns up to n departments that are not done, breadth first;
// none is the end of the reading.
func (s *Store) NextPullUnits(ctx context.Context, pullID string, n int) ([]PullUnit, error) {
	var rows []struct {
		ID     string `db:"remote_id"`
		State  string `db:"state"`
		Cursor string `db:"next_cursor"`
		Level  int    `db:"level"`
	}
	err := s.list(ctx, "departments to read of pull "+pullID, &rows, `SELECT remote_id, state, next_cursor, level FROM org_pull_unit
		WHERE pull_id = ? AND state IN ('open', 'members') ORDER BY level, remote_id LIMIT ?`, pullID, n)
	out := make([]PullUnit, len(rows))
	for i, r := range rows {
		out[i] = PullUnit{ID: r.ID, Known: r.State == unitMembers, Cursor: r.Cursor, Level: r.Level}
	}
	return out, err
}

// SavePullStep stores what a call gave and moves the department on, in one
// transaction. What is there already stays as it is, and a department that is
// done stays done, so that a step may be repeated and a late worker spoils
// nothing; calls count every time. ErrNotFound: the reading has ended.
func (s *Store) SavePullStep(ctx context.Context, pullID string, step PullStep) error {
	people, seats, err := step.values(pullID)
	if err != nil {
		return fmt.Errorf("save step of pull %s: %w", pullID, err)
	}
	for _, u := range step.Found {
		if err := required("/found", u.RemoteID); err != nil {
			return fmt.Errorf("save step of pull %s: %w", pullID, err)
		}
	}
	below := unitOpen
	if step.Deep {
		below = unitMembers
	}
	return s.inTx(ctx, "save step of pull "+pullID, func(t *tx) error {
		// The head is locked first, so that pages with the same people wait
		// for each other instead of dead-locking. A pull that has ended takes
		// nothing more.
		n, err := t.exec(ctx, `UPDATE org_pull SET calls = calls + ? WHERE id = ? AND status = 'running' AND NOT read_end`, step.Calls, pullID)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNotFound
		}
		found, err := t.run(ctx, insertPullUnit, unitValues(pullID, step.Found, step.Unit.Level+1, below))
		if err != nil {
			return err
		}
		members, err := t.run(ctx, insertPullMember, people)
		if err != nil {
			return err
		}
		if _, err := t.run(ctx, insertPullSeat, seats); err != nil {
			return err
		}
		gone, err := t.movePullUnit(ctx, pullID, step)
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE org_pull SET departments = departments + ?, members = members + ? WHERE id = ?`, found-gone, members, pullID)
		return err
	})
}

func (t *tx) movePullUnit(ctx context.Context, pullID string, step PullStep) (gone int, err error) {
	if step.Gone {
		return t.exec(ctx, `DELETE FROM org_pull_unit WHERE pull_id = ? AND remote_id = ? AND state IN ('open', 'members')`, pullID, step.Unit.ID)
	}
	state := unitMembers
	switch {
	case step.Unread:
		state = unitUnread
	case step.Done:
		state = unitDone
	}
	_, err = t.exec(ctx, `UPDATE org_pull_unit SET state = ?, next_cursor = ? WHERE pull_id = ? AND remote_id = ? AND state IN ('open', 'members')`,
		state, step.Cursor, pullID, step.Unit.ID)
	return 0, err
}

func (p PullStep) values(pullID string) (people, seats []any, err error) {
	for _, m := range slices.SortedFunc(slices.Values(p.People), func(a, b orgflow.OrgMember) int { return cmp.Compare(a.UserID, b.UserID) }) {
		if err := required("/userid", m.UserID); err != nil {
			return nil, nil, err
		}
		record, err := encode(m)
		if err != nil {
			return nil, nil, err
		}
		var supervisor any
		if p.Supervised[m.UserID] {
			supervisor = m.Supervisor
		}
		people = append(people, pullID, m.UserID, clean(record), supervisor)
	}
	for _, s := range slices.SortedFunc(slices.Values(p.Seats), func(a, b orgflow.OrgSeat) int { return cmp.Compare(a.UserID, b.UserID) }) {
		seats = append(seats, pullID, s.UnitRemoteID, s.UserID, s.Position, s.Leader, s.Main)
	}
	return people, seats, nil
}

// UnreadUnits counts the departments that could not be read.
func (s *Store) UnreadUnits(ctx context.Context, pullID string) (int, error) {
	var n int
	err := s.get(ctx, "unread departments of pull "+pullID, &n, `SELECT count(*) FROM org_pull_unit WHERE pull_id = ? AND state = 'unread'`, pullID)
	return n, err
}

// EndPullRead ends the reading. It is complete when every department was read
// and nothing kept the read from being whole at its beginning; cause is added
// to what was. It refuses while departments are to be read. The first end
// stays.
func (s *Store) EndPullRead(ctx context.Context, pullID, cause string) error {
	return s.inTx(ctx, "end read of pull "+pullID, func(t *tx) error {
		var open, unread int
		if err := t.get(ctx, &open, `SELECT count(*) FROM org_pull_unit WHERE pull_id = ? AND state IN ('open', 'members')`, pullID); err != nil {
			return err
		}
		if open > 0 {
			return fmt.Errorf("%d departments have not been read", open)
		}
		if err := t.get(ctx, &unread, `SELECT count(*) FROM org_pull_unit WHERE pull_id = ? AND state = 'unread'`, pullID); err != nil {
			return err
		}
		if unread > 0 && cause == "" {
			cause = fmt.Sprintf("%d departments could not be read", unread)
		}
		_, err := t.exec(ctx, `UPDATE org_pull SET read_end = true, complete = (cause = '' AND ? = ''), phase = ?,
			cause = CASE WHEN cause = '' THEN ? ELSE cause END WHERE id = ? AND NOT read_end`,
			clean(cause), string(orgflow.PhasePlan), clean(cause), pullID)
		return err
	})
}
