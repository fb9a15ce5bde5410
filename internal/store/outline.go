package store

import (
	"context"
	"encoding/json"
	"fmt"

	"orgflow"
)

// PlanLine is a change in short, with the payloads that name the record and
// its department: what it shall be sent and what was there before.
type PlanLine struct {
	ID       int
	Kind     orgflow.Kind
	Op       orgflow.Op
	SourceID string
	State    orgflow.State
	Payload  json.RawMessage // nil for a delete
	Before   json.RawMessage // nil where it is not known
}

type planLineRow struct {
	ID       int    `db:"id"`
	Kind     string `db:"kind"`
	Op       string `db:"op"`
	SourceID string `db:"source_id"`
	State    string `db:"state"`
	Payload  string `db:"payload"`
	Before   string `db:"before_payload"`
}

const planLineColumns = `id, kind, op, source_id, state, payload, before_payload`

func planLines(rows []planLineRow) []PlanLine {
	out := make([]PlanLine, len(rows))
	for i, r := range rows {
		out[i] = PlanLine{ID: r.ID, Kind: orgflow.Kind(r.Kind), Op: orgflow.Op(r.Op), SourceID: r.SourceID, State: orgflow.State(r.State)}
		if r.Payload != "" {
			out[i].Payload = json.RawMessage(r.Payload)
		}
		if r.Before != "" {
			out[i].Before = json.RawMessage(r.Before)
		}
	}
	return out
}

// PlanLines returns the first changes of a run in canonical order, at most
// limit, and whether there are more. Second passes and temporary changes are
// left out: each record stands for what shall become of it.
func (s *Store) PlanLines(ctx context.Context, runID string, limit int) (lines []PlanLine, more bool, err error) {
	for after := 0; len(lines) <= limit; {
		var rows []planLineRow
		err := s.list(ctx, "outline of run "+runID, &rows, `SELECT `+planLineColumns+` FROM sync_change
			WHERE run_id = ? AND id > ? AND aspect = '' ORDER BY id LIMIT ?`, runID, after, readPage)
		if err != nil {
			return nil, false, err
		}
		lines = append(lines, planLines(rows)...)
		if len(rows) < readPage {
			break
		}
		after = rows[len(rows)-1].ID
	}
	if len(lines) > limit {
		return lines[:limit], true, nil
	}
	return lines, false, nil
}

// PlanLinesOf returns the changes of a run with these ids, in canonical order.
func (s *Store) PlanLinesOf(ctx context.Context, runID string, ids []int) ([]PlanLine, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	in, arg := s.dialect.inList("id", "bigint", anys(ids))
	var rows []planLineRow
	err := s.list(ctx, "changes of run "+runID, &rows, `SELECT `+planLineColumns+` FROM sync_change WHERE run_id = ? AND `+in+` ORDER BY id`, runID, arg)
	return planLines(rows), err
}

// StagedDepartment is a department as it was read from the source.
type StagedDepartment struct {
	SourceID string
	ParentID string // empty is a root
	Name     string
}

// StagedDepartments returns the good records of a read of departments in
// reading order, at most limit. A read whose records were removed has none.
func (s *Store) StagedDepartments(ctx context.Context, snapshotID int64, limit int) ([]StagedDepartment, error) {
	var rows []recordRow
	err := s.list(ctx, fmt.Sprintf("departments of snapshot %d", snapshotID), &rows, `
		SELECT source_id, parent_id, record FROM base_sync_data
		WHERE snapshot_id = ? AND reject_reason IS NULL ORDER BY position LIMIT ?`, snapshotID, limit)
	if err != nil {
		return nil, err
	}
	out := make([]StagedDepartment, len(rows))
	for i, r := range rows {
		var record struct {
			Name string `json:"name"`
		}
		if err := json.Unmarshal([]byte(r.Record), &record); err != nil {
			return nil, fmt.Errorf("staged department %s: %w", r.SourceID, err)
		}
		out[i] = StagedDepartment{SourceID: r.SourceID, ParentID: r.ParentID, Name: record.Name}
	}
	return out, nil
}
