package store

import (
	"context"
	"fmt"
	"time"

	"orgflow"
)

// headOfLine says that a pending message o is the first one of its subject and
// receiver: those behind it wait.
const headOfLine = `NOT EXISTS (SELECT 1 FROM outbox e WHERE e.state = 'pending' AND e.company_id = o.company_id
	AND e.channel = o.channel AND e.subject = o.subject AND e.to_user = o.to_user AND e.id < o.id)`

// Outstanding is what a channel still has to do.
type Outstanding struct {
	Left bool          // messages are to be sent, or their results to be asked for
	Wait time.Duration // until the first of them is due; 0 is now
}

// OutstandingMessages tells what is left to do for a company's messages on
// a channel, and when.
func (s *Store) OutstandingMessages(ctx context.Context, target orgflow.Target) (Outstanding, error) {
	var row struct {
		Now     stamp `db:"now"`
		Pending int   `db:"pending"`
		Check   stamp `db:"next_check"`
		Lease   stamp `db:"next_lease"`
		Ready   int   `db:"ready"`
	}
	clock := s.dialect.clock
	err := s.get(ctx, "outstanding messages of "+target.String(), &row, `
		SELECT `+clock+` AS now, count(CASE WHEN o.state = 'pending' THEN 1 END) AS pending,
			count(CASE WHEN o.state = 'pending' AND coalesce(o.next_at, o.leased_till) IS NULL THEN 1 END) AS ready,
			min(CASE WHEN o.state = 'sent' THEN o.next_at END) AS next_check,
			min(CASE WHEN o.state = 'pending' THEN CASE WHEN o.leased_till > coalesce(o.next_at, o.leased_till) THEN o.leased_till
				ELSE coalesce(o.next_at, o.leased_till) END END) AS next_lease
		FROM outbox o WHERE o.company_id = ? AND o.channel = ?
			AND (o.state = 'pending' AND `+headOfLine+` OR o.state = 'sent' AND o.next_at IS NOT NULL)`, target.CompanyID, target.Consumer)
	if err != nil {
		return Outstanding{}, err
	}
	out := Outstanding{Left: row.Pending > 0 || !row.Check.IsZero()}
	if row.Ready > 0 || !out.Left {
		return out, nil
	}
	next := row.Lease.Time
	if next.IsZero() || !row.Check.IsZero() && row.Check.Before(next) {
		next = row.Check.Time
	}
	out.Wait = max(next.Sub(row.Now.Time), 0)
	return out, nil
}

// DueMessages returns the channels of which messages are due for at least so
// long without anybody having dealt with them. For 0 whatever is stored is due:
// the clock that a message was stored by, the program's, may be ahead of the
// database's, and SQLite's counts milliseconds only.
func (s *Store) DueMessages(ctx context.Context, late time.Duration) ([]orgflow.Target, error) {
	before, err := s.ago(ctx, "due messages", late)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		CompanyID int64  `db:"company_id"`
		Channel   string `db:"channel"`
	}
	err = s.list(ctx, "due messages", &rows, `
		SELECT company_id, channel FROM outbox o WHERE state = 'pending' AND (CAST(? AS bigint) = 0 OR created_at <= ?)
			AND (next_at IS NULL OR next_at <= ?) AND (leased_till IS NULL OR leased_till <= ?) AND `+headOfLine+`
		UNION SELECT company_id, channel FROM outbox WHERE state = 'sent' AND next_at <= ? ORDER BY 1, 2`, late.Microseconds(), before, before, before, before)
	out := make([]orgflow.Target, len(rows))
	for i, r := range rows {
		out[i] = orgflow.Target{CompanyID: r.CompanyID, Consumer: r.Channel}
	}
	return out, err
}

// CountMessages counts the messages that were handed to the provider of a
// channel for a person within the last d.
func (s *Store) CountMessages(ctx context.Context, target orgflow.Target, user string, d time.Duration) (n int, err error) {
	since, err := s.ago(ctx, "messages of a person", d)
	if err != nil {
		return 0, err
	}
	return n, s.get(ctx, "messages of a person", &n, `SELECT count(*) FROM outbox WHERE company_id = ? AND channel = ? AND to_user = ? AND sent_at > ?`,
		target.CompanyID, target.Consumer, clean(user), since)
}

// EndMessageChecks says that the result of a sent message cannot be known:
// it stays sent, and nobody asks any more.
func (s *Store) EndMessageChecks(ctx context.Context, id int64, note string) error {
	if err := s.settle(ctx, id, `note = ?, next_at = NULL`, `state = 'sent'`, clean(note)); err != nil {
		return fmt.Errorf("end the checks: %w", err)
	}
	return nil
}
