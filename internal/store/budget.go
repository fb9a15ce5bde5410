package store

import (
	"context"
	"time"
)

// LeaseRate takes the next n slots of a rate budget, every apart, for the
// caller alone, and returns how long to wait for the first of them. Slots
// that are not used are lost. The database's clock counts, so that workers
// need not agree on the time.
func (s *Store) LeaseRate(ctx context.Context, name string, n int, every time.Duration) (time.Duration, error) {
	var micros int64
	length := int64(n) * every.Microseconds()
	now := s.dialect.micros
	err := s.inTx(ctx, "lease rate of "+name, func(t *tx) error {
		return t.get(ctx, &micros, `
		INSERT INTO rate_budget (name, next_at) VALUES (?, `+now+` + ?)
		ON CONFLICT (name) DO UPDATE SET next_at = ? +
			CASE WHEN rate_budget.next_at > `+now+` THEN rate_budget.next_at ELSE `+now+` END
		RETURNING next_at - ? - `+now, name, length, length, length)
	})
	return time.Duration(micros) * time.Microsecond, err
}

// HoldRate lets nobody take a slot of the budget before d has passed: the
// vendor asked for a pause. A longer pause that is in force stays.
func (s *Store) HoldRate(ctx context.Context, name string, d time.Duration) error {
	now := s.dialect.micros
	_, err := s.exec(ctx, "hold rate of "+name, `
		INSERT INTO rate_budget (name, next_at) VALUES (?, `+now+` + ?)
		ON CONFLICT (name) DO UPDATE SET next_at = CASE WHEN rate_budget.next_at > excluded.next_at THEN rate_budget.next_at ELSE excluded.next_at END`,
		name, d.Microseconds())
	return err
}
