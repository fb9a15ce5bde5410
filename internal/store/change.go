package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"orgflow"
)

const changeColumns = `id, kind, op, aspect, source_id, consumer_id, wave, state, fields, payload, hash, reason, note,
	depends_on, error, attempts, in_flight, base_hash, adopted, updated_at`

type changeRow struct {
	ID         int     `db:"id"`
	Kind       string  `db:"kind"`
	Op         string  `db:"op"`
	Aspect     string  `db:"aspect"`
	SourceID   string  `db:"source_id"`
	ConsumerID string  `db:"consumer_id"`
	Wave       int     `db:"wave"`
	State      string  `db:"state"`
	Fields     string  `db:"fields"`
	Payload    string  `db:"payload"`
	Hash       string  `db:"hash"`
	Reason     string  `db:"reason"`
	Note       string  `db:"note"`
	DependsOn  string  `db:"depends_on"`
	Error      *string `db:"error"`
	Attempts   int     `db:"attempts"`
	InFlight   bool    `db:"in_flight"`
	Base       string  `db:"base_hash"`
	Adopted    bool    `db:"adopted"`
	UpdatedAt  stamp   `db:"updated_at"`
}

func (r changeRow) change() (orgflow.Change, error) {
	c := orgflow.Change{
		ID: r.ID, Kind: orgflow.Kind(r.Kind), Op: orgflow.Op(r.Op), Aspect: r.Aspect,
		SourceID: r.SourceID, ConsumerID: r.ConsumerID, Wave: r.Wave, State: orgflow.State(r.State),
		Hash: r.Hash, Base: r.Base, Adopted: r.Adopted, Reason: r.Reason, Attempts: r.Attempts, UpdatedAt: r.UpdatedAt.Time,
	}
	if r.Payload != "" {
		c.Payload = json.RawMessage(r.Payload)
	}
	switch {
	case r.Note != "" && r.Reason != "":
		c.Reason += "; " + r.Note
	case r.Note != "":
		c.Reason = r.Note
	}
	err := errors.Join(decode(r.Fields, &c.Fields), decode(r.DependsOn, &c.DependsOn))
	if r.Error != nil {
		err = errors.Join(err, decode(*r.Error, &c.Error))
	}
	if err != nil {
		return orgflow.Change{}, fmt.Errorf("change %d: %w", r.ID, err)
	}
	return c, nil
}

// ChangeFilter selects changes of a run; zero fields select everything.
type ChangeFilter struct {
	State  orgflow.State
	Op     orgflow.Op
	Kind   orgflow.Kind
	Cursor string
	Limit  int // default 100, at most 1000
}

// ListChanges returns changes in canonical order and the cursor of the next
// page, empty on the last one. A note recorded with the outcome follows the
// reason.
func (s *Store) ListChanges(ctx context.Context, runID string, f ChangeFilter) ([]orgflow.Change, string, error) {
	after, err := parseCursor(f.Cursor, 0)
	if err != nil {
		return nil, "", fmt.Errorf("list changes: %w", err)
	}
	var w where
	w.add("run_id = ? AND id > ?", runID, after)
	if f.State != "" {
		w.add("state = ?", string(f.State))
	}
	if f.Op != "" {
		w.add("op = ?", string(f.Op))
	}
	if f.Kind != "" {
		w.add("kind = ?", string(f.Kind))
	}
	limit := pageSize(f.Limit)
	var rows []changeRow
	err = s.list(ctx, "list changes of run "+runID, &rows,
		`SELECT `+changeColumns+` FROM sync_change`+w.sql()+` ORDER BY id LIMIT `+strconv.Itoa(limit+1), w.args...)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, limit, func(r changeRow) string { return strconv.Itoa(r.ID) })
	changes := make([]orgflow.Change, len(rows))
	for i, row := range rows {
		if changes[i], err = row.change(); err != nil {
			return nil, "", fmt.Errorf("run %s: %w", runID, err)
		}
	}
	return changes, next, nil
}

// ChangeState is where a change stands, and the record it is about.
type ChangeState struct {
	Key   orgflow.RecordKey
	State orgflow.State
}

// StatesOf returns the states of the changes; ids the plan does not have are
// absent.
func (s *Store) StatesOf(ctx context.Context, runID string, ids []int) (map[int]ChangeState, error) {
	out := make(map[int]ChangeState, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	in, arg := s.dialect.inList("id", "bigint", anys(ids))
	var rows []changeRow
	err := s.list(ctx, "states of changes of run "+runID, &rows, `SELECT id, kind, source_id, state FROM sync_change WHERE run_id = ? AND `+in, runID, arg)
	for _, r := range rows {
		out[r.ID] = ChangeState{orgflow.RecordKey{Kind: orgflow.Kind(r.Kind), ID: r.SourceID}, orgflow.State(r.State)}
	}
	return out, err
}

// CountByState counts a run's changes per state.
func (s *Store) CountByState(ctx context.Context, runID string) (map[orgflow.State]int, error) {
	var rows []struct {
		State string `db:"state"`
		N     int    `db:"n"`
	}
	err := s.list(ctx, "count changes of run "+runID, &rows, `SELECT state, count(*) AS n FROM sync_change WHERE run_id = ? GROUP BY state`, runID)
	out := make(map[orgflow.State]int, len(rows))
	for _, r := range rows {
		out[orgflow.State(r.State)] = r.N
	}
	return out, err
}

// Wave is a group of changes that may run at the same time.
type Wave struct {
	No      int
	Total   int
	Open    int // in state planned
	FirstID int // of the open changes, or of all when none is open
	LastID  int
	Kind    orgflow.Kind // empty when the wave mixes kinds
	Op      orgflow.Op   // empty when the wave mixes operations
}

// Waves returns the waves of a run's plan in order.
func (s *Store) Waves(ctx context.Context, runID string) ([]Wave, error) {
	var rows []struct {
		No      int    `db:"wave"`
		Total   int    `db:"total"`
		Open    int    `db:"open"`
		FirstID int    `db:"first_id"`
		LastID  int    `db:"last_id"`
		Kind    string `db:"kind"`
		Op      string `db:"op"`
	}
	err := s.list(ctx, "waves of run "+runID, &rows, `
		SELECT wave, count(*) AS total, count(*) FILTER (WHERE state = 'planned') AS open,
			coalesce(min(id) FILTER (WHERE state = 'planned'), min(id)) AS first_id,
			coalesce(max(id) FILTER (WHERE state = 'planned'), max(id)) AS last_id,
			CASE WHEN min(kind) = max(kind) THEN min(kind) ELSE '' END AS kind,
			CASE WHEN min(op) = max(op) THEN min(op) ELSE '' END AS op
		FROM sync_change WHERE run_id = ? GROUP BY wave ORDER BY wave`, runID)
	waves := make([]Wave, len(rows))
	for i, r := range rows {
		waves[i] = Wave{No: r.No, Total: r.Total, Open: r.Open, FirstID: r.FirstID, LastID: r.LastID, Kind: orgflow.Kind(r.Kind), Op: orgflow.Op(r.Op)}
	}
	return waves, err
}

// SetStates moves every change of a run that is in state from to state to,
// with a note, and returns how many: an approval releases parked deletes, a
// rejection skips them. op empty means every operation. Changes already moved
// are not in state from any more, so a repeated call changes nothing.
func (s *Store) SetStates(ctx context.Context, runID string, op orgflow.Op, from, to orgflow.State, note string) (int, error) {
	if from.Final() {
		return 0, fmt.Errorf("set states of run %s: %q is final", runID, from)
	}
	return s.exec(ctx, "set states of run "+runID, `
		UPDATE sync_change SET state = ?, note = ?, updated_at = ? WHERE run_id = ? AND state = ? AND (op = ? OR ? = '')`,
		string(to), clean(note), s.now(), runID, string(from), string(op), string(op))
}
