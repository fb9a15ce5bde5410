package sqlsource

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"orgflow"
	"orgflow/connectors/rowset"
)

// snapshot reads a model's rows as they are at one moment, departments for
// child_include included.
func (s *Source) snapshot(ctx context.Context, model string, filter *rowset.Filter) (*spool, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.Timeout, errTimeout)
	defer cancel()
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: s.dialect.level, ReadOnly: true})
	if err != nil {
		return nil, s.fault(ctx, err)
	}
	defer func() { _ = tx.Rollback() }() // it wrote nothing
	if err := s.dialect.begin(ctx, tx, s.cfg.Timeout); err != nil {
		return nil, s.fault(ctx, err)
	}
	if filter.NeedsTree() {
		if s.cfg.Tables[rowset.TreeModel] == "" {
			return nil, s.config("/tables", "a filter with child_include needs the table of the model %s", rowset.TreeModel)
		}
		tree := rowset.NewTree()
		everything := &rowset.Filter{}
		if err := s.each(ctx, tx, rowset.TreeModel, everything, func(row map[string]any) error { tree.Add(row); return nil }); err != nil {
			return nil, err
		}
		filter.Plant(tree)
	}
	sp := newSpool()
	err = s.each(ctx, tx, model, filter, func(row map[string]any) error {
		raw, err := rowset.Encode(row)
		if err != nil {
			return err
		}
		return sp.add(raw)
	})
	if err == nil {
		err = sp.seal()
	}
	if err != nil {
		sp.drop()
		return nil, err
	}
	return sp, nil
}

// each calls do for every row that the filter wants.
func (s *Source) each(ctx context.Context, tx *sql.Tx, model string, filter *rowset.Filter, do func(map[string]any) error) error {
	columns, err := s.describe(ctx, tx, model)
	if err != nil {
		return err
	}
	shape, err := s.shape(model, columns, filter)
	if err != nil {
		return err
	}
	query, args := s.statement(model, columns, filter)
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return s.fault(ctx, err)
	}
	defer rows.Close()
	scanned, values := make([]any, len(columns)), make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range scanned {
		into[i] = &scanned[i]
	}
	for n := 1; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			return s.fault(ctx, err)
		}
		for i, c := range columns {
			if values[i], err = c.value(scanned[i]); err != nil {
				return s.row(model, n, fmt.Errorf("column %q %w", c.name, err))
			}
		}
		row := shape.Row(values)
		wanted, err := filter.Match(row)
		if err != nil {
			return s.row(model, n, err)
		}
		if !wanted {
			continue
		}
		if err := do(row); err != nil {
			return orgflow.Faultf(orgflow.CodeUnavailable, "%v", err)
		}
	}
	if err := rows.Err(); err != nil {
		return s.fault(ctx, err)
	}
	return nil
}

// row is a row that cannot be read. Left out it would count as gone.
func (s *Source) row(model string, n int, err error) error {
	return orgflow.Faultf(orgflow.CodePartialRead, "%s, row %d in the order of %s: %v", s.cfg.Tables[model], n, s.key(model), err)
}

func (s *Source) shape(model string, columns []column, filter *rowset.Filter) (*rowset.Shape, error) {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	shape, problems := rowset.NewShape(names)
	if len(problems) > 0 {
		return nil, s.config("/tables/"+model, "the columns of %q do not make a row: %s", s.cfg.Tables[model], strings.Join(problems, "; "))
	}
	if key, missing := shape.Missing(filter); missing {
		return nil, &orgflow.Fault{Code: orgflow.CodeInvalidConfig, Field: "/filter_dict/" + key,
			Message: fmt.Sprintf("%q has no column for this key", s.cfg.Tables[model]), Advice: "correct the key, or add the column"}
	}
	return shape, nil
}

// statement selects all columns. Names are the catalogue's and quoted,
// values are parameters.
func (s *Source) statement(model string, columns []column, filter *rowset.Filter) (query string, args []any) {
	place := func(v any) string {
		args = append(args, v)
		return s.dialect.place(len(args))
	}
	zone := func() string { return place(s.cfg.TimeZone) }
	var list, where []string
	for _, c := range columns {
		list = append(list, c.expression(zone))
	}
	equal := filter.Equal()
	for _, c := range columns {
		if values, ok := equal[c.name]; ok && len(values) <= maxValues {
			if condition := s.dialect.narrow(c, values, place); condition != "" {
				where = append(where, condition)
			}
		}
	}
	query = "SELECT " + strings.Join(list, ", ") + " FROM " + quoteTable(s.cfg.Tables[model]) + " AS t"
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	// Unqualified, the name would mean the text selected under it.
	return query + " ORDER BY t." + quote(s.key(model)), args
}

// maxValues is how many values of a list the database is told; longer lists
// are left to the filter.
const maxValues = 200
