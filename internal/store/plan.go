package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"orgflow"
)

// PlanMeta is the head of a plan.
type PlanMeta struct {
	Hash        string // of the frozen plan; equal hashes are the same plan
	Counts      map[orgflow.Kind]orgflow.PlanCount
	Content     json.RawMessage // anything else worth keeping; kept byte for byte. The summary shows its list "irreversible"
	SnapshotIDs []int64
	CreatedAt   time.Time // zero: now
}

type planRow struct {
	Hash      string `db:"hash"`
	Counts    string `db:"counts"`
	Content   string `db:"content"`
	Snapshots string `db:"snapshot_ids"`
	CreatedAt stamp  `db:"created_at"`
}

// saveChunk is how many changes are encoded before they are written: bounds
// memory only.
const saveChunk = 2048

var insertChanges = insertRows("sync_change", "",
	column{"run_id", "text"}, column{"id", "bigint"}, column{"kind", "text"}, column{"op", "text"}, column{"aspect", "text"},
	column{"source_id", "text"}, column{"consumer_id", "text"}, column{"wave", "bigint"}, column{"state", "text"},
	column{"fields", "text"}, column{"payload", "text"}, column{"hash", "text"}, column{"reason", "text"},
	column{"depends_on", "text"}, column{"error", "jsonb"}, column{"base_hash", "text"}, column{"before_payload", "text"},
	column{"adopted", "boolean"}, column{"updated_at", "timestamptz"})

// SavePlan stores a run's plan, head and changes, in one transaction. It
// does nothing when the run has the plan with this hash already, replaces
// another plan that nobody has begun to apply, and returns ErrPlanStarted
// when one has been begun.
//
// changes may be read more than once and must not use the Store.
func (s *Store) SavePlan(ctx context.Context, runID string, meta PlanMeta, changes iter.Seq[orgflow.Change]) error {
	if err := required("/hash", meta.Hash); err != nil {
		return fmt.Errorf("save plan of run %s: %w", runID, err)
	}
	return s.inTx(ctx, "save plan of run "+runID, func(t *tx) error {
		same, err := t.clearPlan(ctx, runID, meta.Hash)
		if err != nil || same {
			return err
		}
		if err := t.insertPlan(ctx, runID, meta); err != nil {
			return err
		}
		now := s.now()
		values := make([]any, 0, saveChunk*len(insertChanges.cols))
		for c := range changes {
			if values, err = appendChange(values, runID, c, now); err != nil {
				return err
			}
			if len(values) == cap(values) {
				if _, err := t.run(ctx, insertChanges, values); err != nil {
					return err
				}
				values = values[:0]
			}
		}
		_, err = t.run(ctx, insertChanges, values)
		return err
	})
}

// clearPlan makes room for a plan, or tells that it is there.
func (t *tx) clearPlan(ctx context.Context, runID, hash string) (same bool, err error) {
	var stored string
	if err := t.get(ctx, &stored, `SELECT plan_hash FROM sync_run WHERE id = ?`+t.s.dialect.forUpdate, runID); err != nil {
		return false, err
	}
	if stored == hash {
		return true, nil
	}
	if stored == "" {
		return false, nil
	}
	var begun bool
	if err := t.get(ctx, &begun, `SELECT count(*) > 0 FROM sync_change WHERE run_id = ? AND attempts > 0`, runID); err != nil {
		return false, err
	}
	if begun {
		return false, ErrPlanStarted
	}
	for _, table := range []string{"sync_change", "sync_plan"} {
		if _, err := t.exec(ctx, `DELETE FROM `+table+` WHERE run_id = ?`, runID); err != nil {
			return false, err
		}
	}
	return false, nil
}

func (t *tx) insertPlan(ctx context.Context, runID string, meta PlanMeta) error {
	counts, err := encode(meta.Counts)
	if err != nil {
		return err
	}
	ids, err := encode(append([]int64{}, meta.SnapshotIDs...))
	if err != nil {
		return err
	}
	if err := check("/content", string(meta.Content)); err != nil {
		return err
	}
	_, err = t.exec(ctx, `INSERT INTO sync_plan (run_id, hash, counts, content, snapshot_ids, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
		runID, meta.Hash, counts, string(meta.Content), ids, t.s.or(meta.CreatedAt))
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `UPDATE sync_run SET plan_hash = ? WHERE id = ?`, meta.Hash, runID)
	return err
}

func appendChange(values []any, runID string, c orgflow.Change, now stamp) ([]any, error) {
	fields, err := encodeSome(len(c.Fields), c.Fields)
	if err != nil {
		return nil, fmt.Errorf("change %d: %w", c.ID, err)
	}
	depends, err := encodeSome(len(c.DependsOn), c.DependsOn)
	if err != nil {
		return nil, err
	}
	cause, err := faultJSON(c.Error)
	if err != nil {
		return nil, err
	}
	err = errors.Join(required("/source_id", c.SourceID), check("/consumer_id", c.ConsumerID, "/payload", string(c.Payload), "/before", string(c.Before)))
	if err != nil {
		return nil, fmt.Errorf("change %d: %w", c.ID, err)
	}
	state := c.State
	if state == "" {
		state = orgflow.Planned
	}
	return append(values, runID, c.ID, string(c.Kind), string(c.Op), c.Aspect, c.SourceID, c.ConsumerID, c.Wave, string(state),
		fields, string(c.Payload), c.Hash, clean(c.Reason), depends, cause, c.Base, string(c.Before), c.Adopted, now), nil
}

// encodeSome is encode, but the empty text for nothing.
func encodeSome(n int, v any) (string, error) {
	if n == 0 {
		return "", nil
	}
	return encode(v)
}

// Plan returns the head of a run's plan, or ErrNotFound.
func (s *Store) Plan(ctx context.Context, runID string) (PlanMeta, error) {
	var row planRow
	err := s.get(ctx, "plan of run "+runID, &row,
		`SELECT hash, counts, content, snapshot_ids, created_at FROM sync_plan WHERE run_id = ?`, runID)
	if err != nil {
		return PlanMeta{}, err
	}
	meta := PlanMeta{Hash: row.Hash, CreatedAt: row.CreatedAt.Time}
	if row.Content != "" {
		meta.Content = json.RawMessage(row.Content)
	}
	if err := errors.Join(decode(row.Counts, &meta.Counts), decode(row.Snapshots, &meta.SnapshotIDs)); err != nil {
		return PlanMeta{}, fmt.Errorf("plan of run %s: %w", runID, err)
	}
	return meta, nil
}
