package store

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"orgflow"
)

// passedOver is how long a run that waits for a target may be silent before
// others go first: it looks every few seconds while it has a worker.
const passedOver = 30 * time.Second

// waiting is the condition of an entry w of the queue that counts: its run r
// has not ended and has been looking for its turn. Its argument is a time.
const waiting = ` r.` + live + ` AND w.seen_at > ?`

// QueueForTarget puts a run into the queue for a target, or says that it is
// still there: its place stays. Only the run in front is given a target that
// is free; runs outside the queue come after all in it. priority asks the run
// that holds the target to give way.
func (s *Store) QueueForTarget(ctx context.Context, target orgflow.Target, runID string, priority bool, now time.Time) error {
	return s.inTx(ctx, "queue for target "+target.String(), func(t *tx) error { return t.queue(ctx, target, runID, priority, now) })
}

func (t *tx) queue(ctx context.Context, target orgflow.Target, runID string, priority bool, now time.Time) error {
	_, err := t.exec(ctx, `
		INSERT INTO target_wait (company_id, consumer, run_id, priority, since, seen_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (company_id, consumer, run_id) DO UPDATE SET priority = excluded.priority, seen_at = excluded.seen_at`,
		target.CompanyID, target.Consumer, runID, priority, at(now), at(now))
	return err
}

// KeepPlace tells whether the run is in the queue for a target, and says that
// it is still waiting there.
func (s *Store) KeepPlace(ctx context.Context, target orgflow.Target, runID string, now time.Time) (bool, error) {
	n, err := s.exec(ctx, "keep the place of run "+runID, `
		UPDATE target_wait SET seen_at = ? WHERE company_id = ? AND consumer = ? AND run_id = ?`, at(now), target.CompanyID, target.Consumer, runID)
	return n > 0, err
}

// YieldTarget gives the target up to the runs that wait for it and puts this
// one at the end of their queue. A run that does not hold the target only
// keeps its place.
func (s *Store) YieldTarget(ctx context.Context, target orgflow.Target, runID string, now time.Time) error {
	return s.inTx(ctx, "yield target "+target.String(), func(t *tx) error {
		if err := t.queue(ctx, target, runID, false, now); err != nil {
			return err
		}
		_, err := t.exec(ctx, `UPDATE target_hold SET run_id = '' WHERE company_id = ? AND consumer = ? AND run_id = ?`,
			target.CompanyID, target.Consumer, runID)
		return err
	})
}

// Dequeue takes a run out of every queue.
func (s *Store) Dequeue(ctx context.Context, runID string) error {
	_, err := s.exec(ctx, "take run "+runID+" out of the queue", `DELETE FROM target_wait WHERE run_id = ?`, runID)
	return err
}

// Wanted tells whether a run with priority waits for the target that runID
// holds. ErrHoldLost means that runID does not hold it (any more).
func (s *Store) Wanted(ctx context.Context, target orgflow.Target, runID string, now time.Time) (bool, error) {
	var row struct {
		Holder string `db:"holder"`
		Wanted bool   `db:"wanted"`
	}
	err := s.get(ctx, "holder of target "+target.String(), &row, `
		SELECT h.run_id AS holder, EXISTS (SELECT 1 FROM target_wait w JOIN sync_run r ON r.id = w.run_id
			WHERE w.company_id = h.company_id AND w.consumer = h.consumer AND w.run_id <> h.run_id AND w.priority AND`+waiting+`) AS wanted
		FROM target_hold h WHERE h.company_id = ? AND h.consumer = ?`,
		at(now.Add(-passedOver)), target.CompanyID, target.Consumer)
	if err == nil && row.Holder != runID {
		return false, fmt.Errorf("target %s: %w", target, ErrHoldLost)
	}
	return row.Wanted, err
}

// ahead returns the run that keeps another one from a target it does not
// hold: the run in front of the queue, and before that whoever holds the
// target. Nothing means that the target may be free. It locks the hold, so
// that what it saw of the queue is true until the transaction ends.
func (t *tx) ahead(ctx context.Context, target orgflow.Target, runID string, now time.Time) (string, error) {
	var holder string
	err := t.get(ctx, &holder, `SELECT run_id FROM target_hold WHERE company_id = ? AND consumer = ?`+t.s.dialect.forUpdate, target.CompanyID, target.Consumer)
	if err != nil && !noRows(err) || holder == runID {
		return "", err
	}
	var first string
	err = t.get(ctx, &first, `SELECT w.run_id FROM target_wait w JOIN sync_run r ON r.id = w.run_id
		WHERE w.company_id = ? AND w.consumer = ? AND (w.run_id = ? OR`+waiting+`) ORDER BY w.since, w.run_id LIMIT 1`,
		target.CompanyID, target.Consumer, runID, at(now.Add(-passedOver)))
	if noRows(err) || first == runID {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var holding string
	err = t.get(ctx, &holding, `SELECT h.run_id FROM target_hold h JOIN sync_run r ON r.id = h.run_id
		WHERE h.company_id = ? AND h.consumer = ? AND r.`+live+` AND h.expires_at > ?`, target.CompanyID, target.Consumer, at(now))
	if err != nil && !noRows(err) {
		return "", err
	}
	return cmp.Or(holding, first), nil
}
