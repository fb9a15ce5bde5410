package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orgflow"
)

// AcquireTarget takes the target for a run until now+ttl and returns the
// hold's fence. It is re-entrant: the holding run gets its own fence again
// and a new expiry. A hold that was released, has expired, or belongs to a
// run that has ended is taken over; every change of holder makes the fence
// larger. When another run holds the target, or is in front in the queue for
// it (QueueForTarget), ok is false and holder is its id. Who gets the target
// has left the queue.
//
// now is the caller's clock; all callers' clocks must agree to well within ttl.
func (s *Store) AcquireTarget(ctx context.Context, target orgflow.Target, runID string, ttl time.Duration, now time.Time) (fence int64, holder string, ok bool, err error) {
	if err := required("/run_id", runID, "/consumer", target.Consumer); err != nil {
		return 0, "", false, fmt.Errorf("acquire target %s: %w", target, err)
	}
	what := "acquire target " + target.String()
	err = s.inTx(ctx, what, func(t *tx) error {
		ok = false
		if holder, err = t.ahead(ctx, target, runID, now); err != nil || holder != "" {
			return err
		}
		err := t.get(ctx, &fence, `
			INSERT INTO target_hold (company_id, consumer, run_id, fence, acquired_at, renewed_at, expires_at)
			VALUES (?, ?, ?, 1, ?, ?, ?)
			ON CONFLICT (company_id, consumer) DO UPDATE SET
				fence = CASE WHEN target_hold.run_id = excluded.run_id THEN target_hold.fence ELSE target_hold.fence + 1 END,
				acquired_at = CASE WHEN target_hold.run_id = excluded.run_id THEN target_hold.acquired_at ELSE excluded.acquired_at END,
				run_id = excluded.run_id, renewed_at = excluded.renewed_at, expires_at = excluded.expires_at
			WHERE target_hold.run_id IN (excluded.run_id, '') OR target_hold.expires_at <= excluded.renewed_at
				OR EXISTS (SELECT 1 FROM sync_run r WHERE r.id = target_hold.run_id AND NOT r.`+live+`)
			RETURNING fence`,
			target.CompanyID, target.Consumer, runID, at(now), at(now), at(now.Add(ttl)))
		if err == nil {
			holder, ok = runID, true
			_, err = t.exec(ctx, `DELETE FROM target_wait WHERE company_id = ? AND consumer = ? AND run_id = ?`, target.CompanyID, target.Consumer, runID)
			return err
		}
		if !noRows(err) {
			return err
		}
		return t.get(ctx, &holder, `SELECT run_id FROM target_hold WHERE company_id = ? AND consumer = ?`, target.CompanyID, target.Consumer)
	})
	if err != nil || !ok {
		return 0, holder, false, err
	}
	return fence, holder, true, nil
}

// RenewTarget extends the run's hold to now+ttl. ErrHoldLost means that
// another run has taken the target, or that the hold was released.
func (s *Store) RenewTarget(ctx context.Context, target orgflow.Target, runID string, ttl time.Duration, now time.Time) error {
	n, err := s.exec(ctx, "renew hold of target "+target.String(), `
		UPDATE target_hold SET renewed_at = ?, expires_at = ? WHERE company_id = ? AND consumer = ? AND run_id = ?`,
		at(now), at(now.Add(ttl)), target.CompanyID, target.Consumer, runID)
	if err == nil && n == 0 {
		return fmt.Errorf("target %s: %w", target, ErrHoldLost)
	}
	return err
}

// ReleaseTarget gives the target up. It does nothing when the run does not
// hold it.
func (s *Store) ReleaseTarget(ctx context.Context, target orgflow.Target, runID string) error {
	_, err := s.exec(ctx, "release target "+target.String(), `
		UPDATE target_hold SET run_id = '' WHERE company_id = ? AND consumer = ? AND run_id = ?`,
		target.CompanyID, target.Consumer, runID)
	return err
}

// Holder returns the run that holds the target at the time now and the
// target's fence; runID is empty when nobody does.
func (s *Store) Holder(ctx context.Context, target orgflow.Target, now time.Time) (runID string, fence int64, err error) {
	var row struct {
		RunID     string `db:"run_id"`
		Fence     int64  `db:"fence"`
		ExpiresAt stamp  `db:"expires_at"`
	}
	err = s.get(ctx, "holder of target "+target.String(), &row,
		`SELECT run_id, fence, expires_at FROM target_hold WHERE company_id = ? AND consumer = ?`, target.CompanyID, target.Consumer)
	switch {
	case errors.Is(err, ErrNotFound):
		return "", 0, nil
	case err != nil:
		return "", 0, err
	case !row.ExpiresAt.After(now):
		return "", row.Fence, nil
	}
	return row.RunID, row.Fence, nil
}
