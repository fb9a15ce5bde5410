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

// ClaimPage marks the planned changes with ids from…to as in flight and
// returns them. A change is in doubt when it was in flight already, or when
// an earlier run left the record's change in flight: a call may have been
// made whose outcome nobody recorded. The intent is stored before the call.
// A claim is not exclusive: the target's hold keeps two runs apart, and one
// page of a run has one activity.
func (s *Store) ClaimPage(ctx context.Context, runID string, from, to int) ([]ClaimedChange, error) {
	var rows []changeRow
	var doubts map[orgflow.RecordKey]bool
	now := s.now()
	err := s.inTx(ctx, "claim changes of run "+runID, func(t *tx) error {
		rows = rows[:0]
		err := t.list(ctx, &rows, `SELECT `+changeColumns+` FROM sync_change
			WHERE run_id = ? AND id BETWEEN ? AND ? AND state = 'planned' ORDER BY id`+s.dialect.forUpdate, runID, from, to)
		if err != nil || len(rows) == 0 {
			return err
		}
		keys := make([]orgflow.RecordKey, len(rows))
		for i, row := range rows {
			keys[i] = orgflow.RecordKey{Kind: orgflow.Kind(row.Kind), ID: row.SourceID}
		}
		if doubts, err = t.openDoubts(ctx, runID, keys); err != nil {
			return err
		}
		_, err = t.exec(ctx, `
			UPDATE sync_change SET in_flight = true, attempts = attempts + 1, updated_at = ?
			WHERE run_id = ? AND id BETWEEN ? AND ? AND state = 'planned'`, now, runID, from, to)
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
		claimed[i] = ClaimedChange{Change: change, InDoubt: row.InFlight || doubts[change.Key()]}
	}
	return claimed, nil
}

// sameTarget selects the changes that other runs of a run's target left in
// flight; its two arguments are the run's id.
const sameTarget = ` in_flight AND run_id <> ? AND run_id IN (
	SELECT o.id FROM sync_run o JOIN sync_run r ON r.company_id = o.company_id AND r.consumer = o.consumer WHERE r.id = ?)`

// openDoubts returns those of the records whose change another run of the
// target left in flight.
func (t *tx) openDoubts(ctx context.Context, runID string, keys []orgflow.RecordKey) (map[orgflow.RecordKey]bool, error) {
	out := map[orgflow.RecordKey]bool{}
	for kind, ids := range byKind(keys) {
		in, arg := t.s.dialect.inList("source_id", "text", anys(ids))
		var rows []changeRow
		err := t.list(ctx, &rows, `SELECT DISTINCT source_id FROM sync_change WHERE kind = ? AND `+in+` AND`+sameTarget, string(kind), arg, runID, runID)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[orgflow.RecordKey{Kind: kind, ID: r.SourceID}] = true
		}
	}
	return out, nil
}

// settleDoubts forgets what earlier runs left in flight of the records whose
// outcome is certain now.
func (p *page) settleDoubts(ctx context.Context) error {
	var keys []orgflow.RecordKey
	for _, o := range p.outcomes {
		if c := p.changes[o.ChangeID]; !o.InDoubt && (o.State == orgflow.Done || o.State == orgflow.PendingInvite) {
			keys = append(keys, orgflow.RecordKey{Kind: orgflow.Kind(c.Kind), ID: c.SourceID})
		}
	}
	for kind, ids := range byKind(keys) {
		in, arg := p.s.dialect.inList("source_id", "text", anys(ids))
		_, err := p.exec(ctx, `UPDATE sync_change SET in_flight = false WHERE kind = ? AND `+in+` AND`+sameTarget, string(kind), arg, p.runID, p.runID)
		if err != nil {
			return err
		}
	}
	return nil
}

// ReleaseClaims gives back changes of which it is certain that no call was
// made, so that the next claim does not hold them in doubt.
func (s *Store) ReleaseClaims(ctx context.Context, runID string, ids []int) error {
	if len(ids) == 0 {
		return nil
	}
	in, arg := s.dialect.inList("id", "bigint", anys(ids))
	_, err := s.exec(ctx, "release claims of run "+runID,
		`UPDATE sync_change SET in_flight = false WHERE run_id = ? AND state = 'planned' AND `+in, runID, arg)
	return err
}

// CountDoubts counts the changes of a run whose call had begun and whose
// outcome nobody recorded.
func (s *Store) CountDoubts(ctx context.Context, runID string) (n int, err error) {
	err = s.get(ctx, "count doubts of run "+runID, &n,
		`SELECT count(*) FROM sync_change WHERE run_id = ? AND state = 'planned' AND in_flight`, runID)
	return n, err
}

// CountPage counts the outcomes of the changes with ids from…to: those of
// the records themselves by kind and operation, and all with a final state.
func (s *Store) CountPage(ctx context.Context, runID string, from, to int) (done map[orgflow.Kind]map[orgflow.Op]orgflow.Applied, settled int, err error) {
	var rows []stateCount
	err = s.list(ctx, "outcomes of run "+runID, &rows, `
		SELECT kind, op, aspect, state, count(*) AS n FROM sync_change
		WHERE run_id = ? AND id BETWEEN ? AND ? GROUP BY kind, op, aspect, state`, runID, from, to)
	done = map[orgflow.Kind]map[orgflow.Op]orgflow.Applied{}
	for _, r := range rows {
		if r.State.Final() {
			settled += r.N
		}
		r.addTo(done)
	}
	return done, settled, err
}
