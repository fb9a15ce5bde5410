package store

import (
	"context"
	"fmt"
	"time"
)

// LeaseRate takes the next n slots of a rate budget, every apart, for the
// caller alone, or with 0 none. It returns the time of the first slot and the time now, both
// by the database's clock, so that workers need not agree on the time. Slots
// that are not used are lost. Run twice, it takes twice as many.
//
// It is one statement and no transaction: the shorter it takes, the better
// the caller knows the database's clock.
func (s *Store) LeaseRate(ctx context.Context, name string, n int, every time.Duration) (first, now time.Time, err error) {
	length := int64(n) * every.Microseconds()
	clock := s.dialect.micros
	var got struct {
		First int64 `db:"first_at"`
		Now   int64 `db:"now_at"`
	}
	err = s.rw.GetContext(ctx, &got, s.rw.Rebind(`
		INSERT INTO rate_budget (name, next_at) VALUES (?, `+clock+` + ?)
		ON CONFLICT (name) DO UPDATE SET next_at = ? +
			CASE WHEN rate_budget.next_at > `+clock+` THEN rate_budget.next_at ELSE `+clock+` END
		RETURNING next_at - ? AS first_at, `+clock+` AS now_at`), name, length, length, length)
	if err != nil {
		return first, now, s.wrap(fmt.Sprintf("lease rate of %s", name), err)
	}
	return time.UnixMicro(got.First), time.UnixMicro(got.Now), nil
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
