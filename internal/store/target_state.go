package store

import (
	"context"
	"errors"
	"time"

	"orgflow"
)

// RateState returns when the next call of a rate budget may leave, and what
// time it is, both by the database's clock. used is false where nobody has
// called yet.
func (s *Store) RateState(ctx context.Context, name string) (next, now time.Time, used bool, err error) {
	var got struct {
		Next int64 `db:"next_at"`
		Now  int64 `db:"now_at"`
	}
	err = s.get(ctx, "rate budget of "+name, &got, `SELECT next_at, `+s.dialect.micros+` AS now_at FROM rate_budget WHERE name = ?`, name)
	switch {
	case errors.Is(err, ErrNotFound):
		return time.Time{}, time.Time{}, false, nil
	case err != nil:
		return time.Time{}, time.Time{}, false, err
	}
	return time.UnixMicro(got.Next), time.UnixMicro(got.Now), true, nil
}

// troublesWithin is how many attempts LastTroubles looks at: the log is long,
// and has no index for what went wrong.
const troublesWithin = 10_000

// LastTroubles returns what went wrong at a target among the newest 10,000
// attempts of all targets, newest first, at most limit of them and without
// what was sent.
func (s *Store) LastTroubles(ctx context.Context, target orgflow.Target, limit int) ([]LogEntry, error) {
	var rows []logRow
	err := s.list(ctx, "last troubles at "+target.String(), &rows, `
		SELECT id, run_id, change_id, kind, source_id, consumer_id, op, at, attempt, outcome, vendor_code, message, '' AS request, duration_ms, calls
		FROM (SELECT * FROM provisioning_log ORDER BY id DESC LIMIT ?) l
		WHERE company_id = ? AND consumer = ? AND outcome IN ('failed', 'blocked', 'needs_human', 'disputed') ORDER BY id DESC LIMIT ?`,
		troublesWithin, target.CompanyID, target.Consumer, pageSize(limit))
	out := make([]LogEntry, len(rows))
	for i, r := range rows {
		out[i] = r.entry()
	}
	return out, err
}
