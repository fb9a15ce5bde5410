package sqlsource

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"

	"orgflow/connectors"
)

var _ connectors.Checker = (*Source)(nil)

// Check implements connectors.Checker: the database answers, each model's
// table has columns that can be read, and this user may read it. No row is
// kept; unlike a read it takes no snapshot of a table.
func (s *Source) Check(ctx context.Context) error {
	if err := s.present(); err != nil {
		return err
	}
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: s.dialect.level, ReadOnly: true})
	if err != nil {
		return s.fault(ctx, err)
	}
	defer func() { _ = tx.Rollback() }() // it wrote nothing
	for _, model := range slices.Sorted(maps.Keys(s.cfg.Tables)) {
		if _, err := s.describe(ctx, tx, model); err != nil {
			return err
		}
		var one int
		err := tx.QueryRowContext(ctx, "SELECT 1 FROM "+quoteTable(s.cfg.Tables[model])+" LIMIT 1").Scan(&one)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return s.fault(ctx, err)
		}
	}
	return nil
}
