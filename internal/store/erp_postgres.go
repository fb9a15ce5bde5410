package store

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/lib/pq"

	"orgflow"
)

// pgType is PostgreSQL's type of a column. Keys compare by bytes.
func pgType(typ orgflow.ERPType, key bool) string {
	switch typ {
	case orgflow.ERPInteger:
		return "bigint"
	case orgflow.ERPDecimal:
		return "numeric"
	case orgflow.ERPFloat:
		return "double precision"
	case orgflow.ERPBoolean:
		return "boolean"
	case orgflow.ERPDate:
		return "date"
	case orgflow.ERPTime:
		return "timestamp"
	case orgflow.ERPText, orgflow.ERPLongText:
	}
	if key {
		return `text COLLATE "C"`
	}
	return "text"
}

const pgColumns = `SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`

const pgUnique = `SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
	WHERE i.indrelid = to_regclass(?) AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1 AND i.indpred IS NULL AND i.indkey[0] <> 0`

const pgShape = `SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
		EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum) AS is_key
	FROM pg_attribute a WHERE a.attrelid = to_regclass(?) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`

// pgClass tells whether PostgreSQL refused with a code of the class.
func pgClass(err error, class string) bool {
	var e *pq.Error
	return errors.As(err, &e) && string(e.Code.Class()) == class
}

// pgReplaceable finds out before anything is read whether the swap can be
// made: what depends on the table of the generation before keeps that from
// being dropped, and only a table can be renamed away. Where somebody reads
// that table for long, it is found out by the swap.
func pgReplaceable(ctx context.Context, t *tx, table LoadTable) error {
	var kind string
	err := t.get(ctx, &kind, `SELECT CAST(relkind AS text) FROM pg_class WHERE oid = to_regclass(?)`, ident(table.Name))
	switch {
	case noRows(err):
		return nil
	case err != nil:
		return err
	case kind != "r" && kind != "p":
		return orgflow.Faultf(orgflow.CodeInvalidConfig, "%s is no table; rename it, orgflow needs the name for the form", table.Name)
	}
	if _, err := t.exec(ctx, `SAVEPOINT orgflow_drop; SET LOCAL lock_timeout = '1s'`); err != nil {
		return err
	}
	_, dropped := t.exec(ctx, `DROP TABLE IF EXISTS `+ident(table.old()))
	if _, err := t.exec(ctx, `ROLLBACK TO SAVEPOINT orgflow_drop`); err != nil {
		return err
	}
	if pgCode(dropped, "2BP01") {
		return &orgflow.Fault{
			Code: orgflow.CodeInvalidConfig, Message: fmt.Sprintf("a view or a key depends on %s, which a create has to drop", table.old()),
			Advice: "drop what depends on it; views made on " + table.Name + " before a create go on showing the table of before",
		}
	}
	if pgCode(dropped, "55P03") {
		return nil
	}
	return dropped
}

func pgDateIndex(_ string, _ int, table LoadTable) string {
	return `CREATE INDEX ON ` + ident(table.shadow()) + ` (` + ident(table.Date) + `)`
}

// pgSwap renames the tables. Who reads the old one is waited for, but not for
// long, because everybody who comes later queues behind.
//
// The planner is told the size of the new tables and what it has to know of
// their indexed columns. The other columns, which take several times as long,
// are autovacuum's: it still comes, because an ANALYSE of some columns does
// not count as one of the table.
func pgSwap(ctx context.Context, t *tx, tables []LoadTable) error {
	for _, table := range tables {
		columns := ident(table.Key)
		if table.Date != "" && table.Date != table.Key {
			columns += ", " + ident(table.Date)
		}
		if _, err := t.exec(ctx, `ANALYSE `+ident(table.shadow())+` (`+columns+`)`); err != nil {
			return err
		}
	}
	if _, err := t.exec(ctx, `SET LOCAL lock_timeout = '5s'`); err != nil {
		return err
	}
	err := t.rename(ctx, tables)
	if pgCode(err, "55P03") {
		return &orgflow.Fault{
			Code: orgflow.CodeUnavailable, Message: "the tables are being read by others for longer than 5 seconds",
			Advice: "the swap is tried again; end long queries on them", Err: err,
		}
	}
	return err
}

// pgStore copies the rows of a page into a table. Where they are thought to
// be new they go there directly; a key that is there already, or rows that
// may be, take the way over a temporary table.
func pgStore(ctx context.Context, t *tx, into string, table LoadTable, rows [][]any, fresh bool) (added int, err error) {
	if fresh {
		if _, err := t.exec(ctx, `SAVEPOINT orgflow_copy`); err != nil {
			return 0, err
		}
		err := pgCopy(ctx, t, ident(into), table, rows)
		if err == nil {
			_, err = t.exec(ctx, `RELEASE SAVEPOINT orgflow_copy`)
			return len(rows), err
		}
		if !pgCode(err, "23505") {
			return 0, err
		}
		if _, err := t.exec(ctx, `ROLLBACK TO SAVEPOINT orgflow_copy`); err != nil {
			return 0, err
		}
	}
	const stage = `pg_temp."orgflow_stage"`
	names := strings.Join(table.columns(""), ", ")
	if _, err := t.exec(ctx, `CREATE TEMP TABLE "orgflow_stage" ON COMMIT DROP AS SELECT `+names+` FROM `+ident(into)+` WITH NO DATA`); err != nil {
		return 0, err
	}
	if err := pgCopy(ctx, t, stage, table, rows); err != nil {
		return 0, err
	}
	insert := `INSERT INTO ` + ident(into) + ` (` + names + `) SELECT ` + names + ` FROM ` + stage + ` ON CONFLICT (` + ident(table.Key) + `) `
	if added, err = t.exec(ctx, insert+`DO NOTHING`); err != nil {
		return 0, pgRefused(into, err)
	}
	if added < len(rows) {
		if _, err := t.exec(ctx, insert+table.overwrite(into)); err != nil {
			return 0, pgRefused(into, err)
		}
	}
	_, err = t.exec(ctx, `DROP TABLE `+stage)
	return added, err
}

// pgCopy copies rows into a table whose name is quoted.
func pgCopy(ctx context.Context, t *tx, into string, table LoadTable, rows [][]any) error {
	stmt, err := t.PrepareContext(ctx, `COPY `+into+` (`+strings.Join(table.columns(""), ", ")+`) FROM STDIN`)
	if err != nil {
		return err
	}
	defer stmt.Close()
	values := make([]any, len(table.Columns))
	for _, row := range rows {
		for i, c := range table.Columns {
			values[i] = erpValue(row[i], c.Type)
		}
		if _, err := stmt.ExecContext(ctx, values...); err != nil {
			if pgCode(err, "23505") {
				return err
			}
			return pgRefused(table.Name, err)
		}
	}
	_, err = stmt.ExecContext(ctx) // sends the rest and waits for the server's word
	if pgCode(err, "23505") {
		return err // the caller has another way
	}
	return pgRefused(table.Name, err)
}

var pgWhere = regexp.MustCompile(`column ([^:,]+)`)

// pgRefused explains that a local table does not take what the ERP sends. It
// names the column and never the value, which PostgreSQL's message repeats.
func pgRefused(table string, err error) error {
	var e *pq.Error
	if !errors.As(err, &e) || e.Code.Class() != "22" && e.Code.Class() != "23" {
		return err
	}
	column := e.Column
	if m := pgWhere.FindStringSubmatch(e.Where); column == "" && m != nil {
		column = m[1]
	}
	return refused(table, e.Code.Name(), column, e.Constraint)
}

// refused says which rule of the local table a page breaks.
func refused(table, rule, column, constraint string) *orgflow.Fault {
	f := &orgflow.Fault{
		Code: orgflow.CodeInvalidConfig, Message: fmt.Sprintf("table %s does not take what the ERP sends: %s", table, rule),
		Advice: `give the column a type that fits ("types" in the form's file and a create), or take back the rule that was added to the table by hand`,
	}
	if column != "" {
		f.Message += ", column " + column
	}
	if constraint != "" {
		f.Message += ", rule " + constraint
	}
	return f
}
