package store

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"
)

// AuditEntry says who did what to what, when and from where.
type AuditEntry struct {
	ID        int64 // given by the store, ascending
	CompanyID int64 // 0: none in particular
	Who       string
	Action    string // "approve", "cancel", …
	Subject   string // what it was done to: a run's id, a form, …
	From      string // address, "cli", "web-ui"
	Detail    string // the reason given
	At        time.Time
}

// Audit appends an entry; a zero At is now. Repeating it appends again.
func (s *Store) Audit(ctx context.Context, e AuditEntry) error {
	return s.inTx(ctx, "write audit log", func(t *tx) error { return t.audit(ctx, e) })
}

// AuditOnce appends the entry of an act that may be asked for again, once for
// the key that stands for the act, among the idempotency keys. Repeating it
// changes nothing, also at the same time.
func (s *Store) AuditOnce(ctx context.Context, key string, e AuditEntry) error {
	if err := required("/key", key); err != nil {
		return fmt.Errorf("write audit log: %w", err)
	}
	return s.inTx(ctx, "write audit log", func(t *tx) error {
		n, err := t.exec(ctx, `INSERT INTO idempotency_key (id, value, created_at) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING`, key, "audited", t.s.now())
		if err != nil || n == 0 {
			return err
		}
		return t.audit(ctx, e)
	})
}

func (t *tx) audit(ctx context.Context, e AuditEntry) error {
	_, err := t.exec(ctx, `
		INSERT INTO audit_log (company_id, who, action, subject, origin, detail, at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		e.CompanyID, clean(e.Who), clean(e.Action), clean(e.Subject), clean(e.From), clean(e.Detail), t.s.or(e.At))
	return err
}

type auditRow struct {
	ID        int64  `db:"id"`
	CompanyID int64  `db:"company_id"`
	Who       string `db:"who"`
	Action    string `db:"action"`
	Subject   string `db:"subject"`
	Origin    string `db:"origin"`
	Detail    string `db:"detail"`
	At        stamp  `db:"at"`
}

// AuditLog returns the entries about a subject, newest first, and the cursor
// of the next page, empty on the last one.
func (s *Store) AuditLog(ctx context.Context, subject, cursor string, limit int) ([]AuditEntry, string, error) {
	before, err := parseCursor(cursor, math.MaxInt64)
	if err != nil {
		return nil, "", fmt.Errorf("audit log: %w", err)
	}
	limit = pageSize(limit)
	var rows []auditRow
	err = s.list(ctx, "audit log", &rows, `
		SELECT id, company_id, who, action, subject, origin, detail, at FROM audit_log
		WHERE subject = ? AND id < ? ORDER BY id DESC LIMIT ?`, clean(subject), before, limit+1)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, limit, func(r auditRow) string { return strconv.FormatInt(r.ID, 10) })
	entries := make([]AuditEntry, len(rows))
	for i, r := range rows {
		entries[i] = AuditEntry{r.ID, r.CompanyID, r.Who, r.Action, r.Subject, r.Origin, r.Detail, r.At.Time}
	}
	return entries, next, nil
}
