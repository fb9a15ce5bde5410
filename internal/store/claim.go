package store

import (
	"context"
	"fmt"

	"orgflow"
)

// ClaimedChange is a change whose call may begin.
type ClaimedChange struct {
	orgflow.Change
	// InDoubt: an earlier claim was never followed by an outcome, so its
	// call may have taken effect. Read back before writing.
	InDoubt bool
}

// ClaimChanges returns, in id order, up to limit changes of a wave that are
// in state planned and have an id above afterID. In the same transaction each
// is marked in flight and its attempts are counted up: the intent is stored
// before the call. A claim is not exclusive; the target's hold is what keeps
// two runs apart, and one page of a run has one activity.
func (s *Store) ClaimChanges(ctx context.Context, runID string, wave, afterID, limit int) ([]ClaimedChange, error) {
	var rows []changeRow
	now := s.now()
	err := s.inTx(ctx, "claim changes of run "+runID, func(t *tx) error {
		rows = rows[:0]
		err := t.list(ctx, &rows, `SELECT `+changeColumns+` FROM sync_change
			WHERE run_id = ? AND wave = ? AND id > ? AND state = 'planned' ORDER BY id LIMIT ?`+s.dialect.forUpdate,
			runID, wave, afterID, pageSize(limit))
		if err != nil || len(rows) == 0 {
			return err
		}
		// The page is locked, and it is every planned change of the range.
		n, err := t.exec(ctx, `
			UPDATE sync_change SET in_flight = true, attempts = attempts + 1, updated_at = ?
			WHERE run_id = ? AND wave = ? AND id > ? AND id <= ? AND state = 'planned'`,
			now, runID, wave, afterID, rows[len(rows)-1].ID)
		if err == nil && n != len(rows) {
			err = fmt.Errorf("the page moved while it was claimed: %d changes read, %d marked", len(rows), n)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	claimed := make([]ClaimedChange, len(rows))
	for i, row := range rows {
		change, err := row.change()
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", runID, err)
		}
		change.Attempts++
		change.UpdatedAt = now.Time
		claimed[i] = ClaimedChange{Change: change, InDoubt: row.InFlight}
	}
	return claimed, nil
}
