package store

import (
	"context"
	"fmt"
	"time"

	"orgflow"
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
	return s.inTx(ctx, "hold rate of "+name, func(t *tx) error { return t.holdRate(ctx, name, d) })
}

func (t *tx) holdRate(ctx context.Context, name string, d time.Duration) error {
	now := t.s.dialect.micros
	_, err := t.exec(ctx, `
		INSERT INTO rate_budget (name, next_at) VALUES (?, `+now+` + ?)
		ON CONFLICT (name) DO UPDATE SET next_at = CASE WHEN rate_budget.next_at > excluded.next_at THEN rate_budget.next_at ELSE excluded.next_at END`,
		name, d.Microseconds())
	return err
}

// longHold is from when on operators are told of a pause: shorter ones are
// how a vendor says "too fast", longer ones a ban.
const longHold = 4 * time.Minute

// HoldTarget is HoldRate for the budget of a target. Operators are told of a
// long pause, once: the calls that were in flight get the same answer.
func (s *Store) HoldTarget(ctx context.Context, target orgflow.Target, d time.Duration) error {
	name := target.String()
	return s.inTx(ctx, "hold rate of "+name, func(t *tx) error {
		var held int64
		err := t.get(ctx, &held, `SELECT next_at - `+s.dialect.micros+` FROM rate_budget WHERE name = ?`+s.dialect.forUpdate, name)
		if err != nil && !noRows(err) {
			return err
		}
		if err := t.holdRate(ctx, name, d); err != nil || d < longHold || held > d.Microseconds()/2 {
			return err
		}
		return t.notice(ctx, Notice{
			CompanyID: target.CompanyID, Job: target.NoticeJob(), Event: orgflow.NoticeBreaker, Cause: string(orgflow.CodeThrottled),
		})
	})
}
