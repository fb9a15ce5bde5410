package store

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"orgflow"
)

// sqliteType is SQLite's type of a column. Decimals are texts: as numbers
// SQLite would keep 15 digits of them. Times are texts of the ERP's clock in
// the form that SQLite's own functions read.
func sqliteType(typ orgflow.ERPType, _ bool) string {
	switch typ {
	case orgflow.ERPInteger:
		return "INTEGER"
	case orgflow.ERPFloat:
		return "REAL"
	case orgflow.ERPBoolean:
		return "BOOLEAN"
	case orgflow.ERPText, orgflow.ERPLongText, orgflow.ERPDecimal, orgflow.ERPDate, orgflow.ERPTime:
	}
	return "TEXT"
}

const sqliteColumns = `SELECT name FROM pragma_table_info(?)`

const sqliteUnique = `WITH t (name) AS (SELECT ?)
	SELECT c.name FROM t, pragma_index_list(t.name) l, pragma_index_info(l.name) c
	WHERE l."unique" AND NOT l.partial AND c.name IS NOT NULL AND (SELECT count(*) FROM pragma_index_info(l.name)) = 1
	UNION SELECT c.name FROM t, pragma_table_info(t.name) c WHERE c.pk = 1 AND (SELECT count(*) FROM pragma_table_info(t.name) WHERE pk > 0) = 1`

const sqliteShape = `WITH t (name) AS (SELECT ?)
	SELECT c.name, c.type, c.pk = 1 AND (SELECT count(*) FROM pragma_table_info(t.name) WHERE pk > 0) = 1 AS is_key FROM t, pragma_table_info(t.name) c ORDER BY c.cid`

func sqliteReplaceable(ctx context.Context, t *tx, table LoadTable) error {
	var kind string
	err := t.get(ctx, &kind, `SELECT type FROM sqlite_master WHERE name = ? COLLATE NOCASE AND type IN ('table', 'view')`, table.Name)
	switch {
	case noRows(err):
		return nil
	case err == nil && kind != "table":
		return orgflow.Faultf(orgflow.CodeInvalidConfig, "%s is no table; rename it, orgflow needs the name for the form", table.Name)
	}
	return err
}

func sqliteDateIndex(id string, no int, table LoadTable) string {
	name := "erp_date_" + id + "_" + strconv.Itoa(no) // names of indexes are one namespace
	return `CREATE INDEX ` + ident(name) + ` ON ` + ident(table.shadow()) + ` (` + ident(table.Date) + `)`
}

// sqliteSwap renames the tables in the way of before version 3.26, which
// leaves views as they are: a view on the table goes on showing the table of
// that name.
func sqliteSwap(ctx context.Context, t *tx, tables []LoadTable) error {
	if _, err := t.exec(ctx, `PRAGMA legacy_alter_table = ON`); err != nil {
		return err
	}
	err := t.rename(ctx, tables)
	_, back := t.exec(context.WithoutCancel(ctx), `PRAGMA legacy_alter_table = OFF`)
	return errors.Join(err, back)
}

// bound is how many values one statement binds: the driver's time for that
// grows with the square.
const bound = 100

// sqliteStore stores the rows of a page, some at a time.
func sqliteStore(ctx context.Context, t *tx, into string, table LoadTable, rows [][]any, _ bool) (added int, err error) {
	several := min(max(1, bound/len(table.Columns)), len(rows))
	for len(rows) > 0 {
		if len(rows) < several {
			several = 1
		}
		n, err := t.sqliteRows(ctx, into, table, rows[:several])
		if err != nil {
			return added, sqliteRefused(table.Name, err)
		}
		added, rows = added+n, rows[several:]
	}
	return added, nil
}

func (t *tx) sqliteRows(ctx context.Context, into string, table LoadTable, rows [][]any) (added int, err error) {
	values := make([]any, 0, len(rows)*len(table.Columns))
	for _, row := range rows {
		for i, c := range table.Columns {
			values = append(values, erpValue(row[i], c.Type))
		}
	}
	one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(table.Columns)), ",") + "),"
	insert := `INSERT INTO ` + ident(into) + ` (` + strings.Join(table.columns(""), ", ") + `) VALUES ` +
		strings.TrimSuffix(strings.Repeat(one, len(rows)), ",") + ` ON CONFLICT (` + ident(table.Key) + `) `
	if added, err = t.here(ctx, insert+`DO NOTHING`, values); err != nil || added == len(rows) {
		return added, err
	}
	_, err = t.here(ctx, insert+table.overwrite(into), values)
	return added, err
}

// here runs a statement that is prepared for this transaction alone: its text
// belongs to one table of many.
func (t *tx) here(ctx context.Context, query string, values []any) (int, error) {
	stmt := t.stmts[query]
	if stmt == nil {
		var err error
		if stmt, err = t.PreparexContext(ctx, query); err != nil { // the transaction's end closes it
			return 0, err
		}
		t.stmts[query] = stmt
	}
	return affected(stmt.ExecContext(ctx, values...))
}

// sqliteRefused explains that a local table does not take what the ERP sends.
// SQLite's message names table and column, never the value.
func sqliteRefused(table string, err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) || e.Code()&0xff != sqlite3.SQLITE_CONSTRAINT && e.Code()&0xff != sqlite3.SQLITE_MISMATCH {
		return err
	}
	return refused(table, e.Error(), "", "")
}
