package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"orgflow"
)

// RecordFailure says that a record's change keeps failing for reasons of its
// own: the same operation with the same payload, counted once per run.
type RecordFailure struct {
	Kind       orgflow.Kind
	SourceID   string
	Scope      string // of the run that failed last
	Op         orgflow.Op
	Hash       string // of the payload
	Failures   int    // runs in a row
	FirstAt    time.Time
	LastAt     time.Time
	Code       orgflow.Code
	VendorCode string
	Message    string // as the vendor sent it, cut
}

type failureRow struct {
	SourceID   string `db:"source_id"`
	Scope      string `db:"scope"`
	Op         string `db:"op"`
	Hash       string `db:"hash"`
	Failures   int    `db:"failures"`
	FirstAt    stamp  `db:"first_at"`
	LastAt     stamp  `db:"last_at"`
	Code       string `db:"code"`
	VendorCode string `db:"vendor_code"`
	Message    string `db:"message"`
}

// failuresAtMost bounds how many failing records are looked at: more than
// that have one cause, for which there are other safeguards.
const failuresAtMost = 10_000

// Failures returns the records of a kind whose last change failed for
// reasons of its own, by source id; no more than 10,000 of them.
func (s *Store) Failures(ctx context.Context, target orgflow.Target, kind orgflow.Kind) ([]RecordFailure, error) {
	var rows []failureRow
	err := s.list(ctx, "failures of "+target.String(), &rows, `
		SELECT source_id, scope, op, hash, failures, first_at, last_at, code, vendor_code, message FROM record_failure
		WHERE company_id = ? AND consumer = ? AND kind = ? ORDER BY source_id LIMIT ?`,
		target.CompanyID, target.Consumer, string(kind), failuresAtMost)
	out := make([]RecordFailure, len(rows))
	for i, r := range rows {
		out[i] = RecordFailure{
			Kind: kind, SourceID: r.SourceID, Scope: r.Scope, Op: orgflow.Op(r.Op), Hash: r.Hash, Failures: r.Failures,
			FirstAt: r.FirstAt.Time, LastAt: r.LastAt.Time, Code: orgflow.Code(r.Code), VendorCode: r.VendorCode, Message: r.Message,
		}
	}
	return out, err
}

// ForgetFailures removes what is known of failures of records whose change
// is another one now, or no longer wanted. Keys without failures are left
// alone.
func (s *Store) ForgetFailures(ctx context.Context, target orgflow.Target, keys []orgflow.RecordKey) error {
	if len(keys) == 0 {
		return nil
	}
	return s.inTx(ctx, "forget failures of "+target.String(), func(t *tx) error {
		return t.forgetFailures(ctx, target, keys)
	})
}

func (t *tx) forgetFailures(ctx context.Context, target orgflow.Target, keys []orgflow.RecordKey) error {
	for kind, ids := range byKind(keys) {
		in, arg := t.s.dialect.inList("source_id", "text", anys(ids))
		_, err := t.exec(ctx, `DELETE FROM record_failure WHERE company_id = ? AND consumer = ? AND kind = ? AND `+in,
			target.CompanyID, target.Consumer, string(kind), arg)
		if err != nil {
			return err
		}
	}
	return nil
}

// The row of a record counts one operation with one payload; another one
// begins anew. A run counts once, however often its page is tried.
var upsertFailures = insertRows("record_failure", `
	ON CONFLICT (company_id, consumer, kind, source_id) DO UPDATE SET
		failures = CASE WHEN record_failure.op <> excluded.op OR record_failure.hash <> excluded.hash THEN 1
			WHEN record_failure.last_run = excluded.last_run THEN record_failure.failures ELSE record_failure.failures + 1 END,
		first_at = CASE WHEN record_failure.op <> excluded.op OR record_failure.hash <> excluded.hash THEN excluded.first_at ELSE record_failure.first_at END,
		scope = excluded.scope, op = excluded.op, hash = excluded.hash, last_at = excluded.last_at, last_run = excluded.last_run,
		code = excluded.code, vendor_code = excluded.vendor_code, message = excluded.message`,
	column{"company_id", "bigint"}, column{"consumer", "text"}, column{"kind", "text"}, column{"source_id", "text"},
	column{"scope", "text"}, column{"op", "text"}, column{"hash", "text"}, column{"failures", "bigint"},
	column{"first_at", "timestamptz"}, column{"last_at", "timestamptz"}, column{"last_run", "text"},
	column{"code", "text"}, column{"vendor_code", "text"}, column{"message", "text"})

// countFailures notes which of the page's records failed for reasons of their
// own, and forgets the failures of those that did not.
func (p *page) countFailures(ctx context.Context) error {
	const messageMax = 200 // characters: it is quoted in the reason of a held change
	now := p.s.now()
	var values []any
	var through []orgflow.RecordKey
	for _, o := range p.outcomes {
		c := p.changes[o.ChangeID]
		key := orgflow.RecordKey{Kind: orgflow.Kind(c.Kind), ID: c.SourceID}
		switch {
		case c.Aspect != "" && c.Aspect != orgflow.AspectInvitation:
		case o.State == orgflow.Done, o.State == orgflow.PendingInvite:
			through = append(through, key)
		case isItsOwn(o):
			message := []rune(clean(o.Fault.Message))
			message = message[:min(len(message), messageMax)]
			values = append(values, p.target.CompanyID, p.target.Consumer, c.Kind, c.SourceID, p.scope, c.Op, c.Hash, 1,
				now, now, p.runID, string(o.Fault.Code), clean(o.Fault.VendorCode), string(message))
		}
	}
	if err := p.forgetFailures(ctx, p.target, through); err != nil {
		return fmt.Errorf("forget failures: %w", err)
	}
	_, err := p.run(ctx, upsertFailures, lastRows(values, len(upsertFailures.cols)))
	return err
}

// lastRows keeps the last row of each record, because one statement cannot
// touch a row twice. Kind and source id are its third and fourth column.
func lastRows(values []any, width int) []any {
	at := map[[2]any]int{}
	var out []any
	for row := range slices.Chunk(values, max(width, 1)) {
		key := [2]any{row[2], row[3]}
		if i, again := at[key]; again {
			copy(out[i:], row)
			continue
		}
		at[key] = len(out)
		out = append(out, row...)
	}
	return out
}

// isItsOwn tells whether an outcome is a failure that the same change would
// meet again, and others would not.
func isItsOwn(o Outcome) bool {
	if o.Fault == nil {
		return false
	}
	switch o.State {
	case orgflow.Failed, orgflow.NeedsHuman, orgflow.Disputed:
	default:
		return false
	}
	switch o.Fault.Code {
	case orgflow.CodeInvalidRecord, orgflow.CodeConflict, orgflow.CodeNotFound, orgflow.CodeNeedsHuman:
		return true
	default:
		return false
	}
}
