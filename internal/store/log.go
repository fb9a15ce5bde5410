package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"orgflow"
)

// LogEntry is one attempt at one change in the provisioning log: what was
// sent for a record, when, and what came back.
type LogEntry struct {
	ID         int64 // given by the store, ascending
	RunID      string
	ChangeID   int
	Kind       orgflow.Kind
	SourceID   string
	ConsumerID string
	Op         orgflow.Op
	At         time.Time // zero: now
	Attempt    int
	Outcome    orgflow.State
	VendorCode string
	Message    string
	Request    json.RawMessage // payload as sent, sensitive values masked by the caller
	Duration   time.Duration   // kept in milliseconds
	Calls      int
}

var insertLog = insertRows("provisioning_log", "",
	column{"company_id", "bigint"}, column{"consumer", "text"}, column{"kind", "text"}, column{"source_id", "text"},
	column{"consumer_id", "text"}, column{"run_id", "text"}, column{"change_id", "bigint"}, column{"op", "text"}, column{"at", "timestamptz"},
	column{"attempt", "bigint"}, column{"outcome", "text"}, column{"vendor_code", "text"}, column{"message", "text"},
	column{"request", "text"}, column{"duration_ms", "bigint"}, column{"calls", "bigint"})

// appendLog writes the page's log entries, completed from their changes.
func (p *page) appendLog(ctx context.Context) error {
	var values []any
	for _, o := range p.outcomes {
		if o.Log == nil {
			continue
		}
		e, change := *o.Log, p.changes[o.ChangeID]
		if o.Fault != nil {
			e.VendorCode, e.Message = cmp.Or(e.VendorCode, o.Fault.VendorCode), cmp.Or(e.Message, o.Fault.Message)
		}
		values = append(values, p.target.CompanyID, p.target.Consumer,
			cmp.Or(string(e.Kind), change.Kind), cmp.Or(e.SourceID, change.SourceID),
			cmp.Or(e.ConsumerID, o.ConsumerID, change.ConsumerID), p.runID, o.ChangeID, cmp.Or(string(e.Op), change.Op), p.s.or(e.At),
			cmp.Or(e.Attempt, o.Attempts, change.Attempts), cmp.Or(string(e.Outcome), string(o.State)),
			clean(e.VendorCode), clean(cmp.Or(e.Message, o.Note)), clean(string(e.Request)), e.Duration.Milliseconds(), e.Calls)
	}
	_, err := p.run(ctx, insertLog, values)
	return err
}

type logRow struct {
	ID         int64  `db:"id"`
	RunID      string `db:"run_id"`
	ChangeID   int    `db:"change_id"`
	Kind       string `db:"kind"`
	SourceID   string `db:"source_id"`
	ConsumerID string `db:"consumer_id"`
	Op         string `db:"op"`
	At         stamp  `db:"at"`
	Attempt    int    `db:"attempt"`
	Outcome    string `db:"outcome"`
	VendorCode string `db:"vendor_code"`
	Message    string `db:"message"`
	Request    string `db:"request"`
	DurationMS int64  `db:"duration_ms"`
	Calls      int    `db:"calls"`
}

func (r logRow) entry() LogEntry {
	e := LogEntry{
		ID: r.ID, RunID: r.RunID, ChangeID: r.ChangeID, Kind: orgflow.Kind(r.Kind), SourceID: r.SourceID, ConsumerID: r.ConsumerID,
		Op: orgflow.Op(r.Op), At: r.At.Time, Attempt: r.Attempt, Outcome: orgflow.State(r.Outcome),
		VendorCode: r.VendorCode, Message: r.Message, Duration: time.Duration(r.DurationMS) * time.Millisecond, Calls: r.Calls,
	}
	if r.Request != "" {
		e.Request = json.RawMessage(r.Request)
	}
	return e
}

// RecordLog returns the provisioning log of one record, newest first, over
// all runs, and the cursor of the next page, empty on the last one.
func (s *Store) RecordLog(ctx context.Context, target orgflow.Target, key orgflow.RecordKey, cursor string, limit int) ([]LogEntry, string, error) {
	before, err := parseCursor(cursor, math.MaxInt64)
	if err != nil {
		return nil, "", fmt.Errorf("provisioning log: %w", err)
	}
	if check("/source_id", key.ID) != nil {
		return nil, "", nil //nolint:nilerr // such a record cannot exist, so its log is empty
	}
	limit = pageSize(limit)
	var rows []logRow
	err = s.list(ctx, "provisioning log of "+target.String(), &rows, `
		SELECT id, run_id, change_id, kind, source_id, consumer_id, op, at, attempt, outcome, vendor_code, message, request, duration_ms, calls
		FROM provisioning_log WHERE company_id = ? AND consumer = ? AND kind = ? AND source_id = ? AND id < ? ORDER BY id DESC LIMIT ?`,
		target.CompanyID, target.Consumer, string(key.Kind), key.ID, before, limit+1)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, limit, func(r logRow) string { return strconv.FormatInt(r.ID, 10) })
	entries := make([]LogEntry, len(rows))
	for i, r := range rows {
		entries[i] = r.entry()
	}
	return entries, next, nil
}

// DeletesSince counts the deletes done for a kind since a time, over all
// runs of the target: the delete limit is summed over the last days.
func (s *Store) DeletesSince(ctx context.Context, target orgflow.Target, kind orgflow.Kind, since time.Time) (int, error) {
	var n int
	err := s.get(ctx, "count deletes of "+target.String(), &n, `
		SELECT count(*) FROM provisioning_log
		WHERE company_id = ? AND consumer = ? AND kind = ? AND at >= ? AND op = 'delete' AND outcome = 'done'`,
		target.CompanyID, target.Consumer, string(kind), at(since))
	return n, err
}
