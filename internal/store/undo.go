package store

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"

	"orgflow"
)

// tookEffect selects the changes after which the consumer is another, and
// those that failed with an outcome nobody knows.
const tookEffect = `(state = 'done' OR state = 'pending_invite' AND op = 'insert' AND aspect <> 'invitation' OR state = 'failed' AND in_flight) AND source_id NOT LIKE 'erased-%'`

// Effects streams the changes of a run that took effect at the consumer, or
// may have, with what they were planned from (Before), in canonical order.
// Those whose outcome is unknown are in state failed; one that a later run has
// read back since is not among them. The stream ends with the first error.
func (s *Store) Effects(ctx context.Context, runID string) iter.Seq2[orgflow.Change, error] {
	return func(yield func(orgflow.Change, error) bool) {
		for after := 0; ; {
			var rows []struct {
				changeRow
				Before string `db:"before_payload"`
			}
			err := s.list(ctx, "effects of run "+runID, &rows, `SELECT `+changeColumns+`, before_payload FROM sync_change
				WHERE run_id = ? AND id > ? AND `+tookEffect+` ORDER BY id LIMIT `+strconv.Itoa(readPage), runID, after)
			if err != nil {
				yield(orgflow.Change{}, err)
				return
			}
			for _, row := range rows {
				c, err := row.change()
				if err != nil {
					err = fmt.Errorf("run %s: %w", runID, err)
				}
				if row.Before != "" {
					c.Before = json.RawMessage(row.Before)
				}
				if !yield(c, err) || err != nil {
					return
				}
				after = c.ID
			}
			if len(rows) < readPage {
				return
			}
		}
	}
}

// CountEffects counts what Effects streams.
func (s *Store) CountEffects(ctx context.Context, runID string) (int, error) {
	var n int
	err := s.get(ctx, "count effects of run "+runID, &n, `SELECT count(*) FROM sync_change WHERE run_id = ? AND `+tookEffect, runID)
	return n, err
}
