package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"orgflow"
	"orgflow/schemas/migrations"
)

// dialect is everything in which the two databases differ.
type dialect struct {
	name      string
	goose     goose.Dialect
	files     func() fs.FS
	forUpdate string // row lock of a SELECT that an UPDATE follows
	hasTable  string // query: does the table named by ? exist
	micros    string // expression: microseconds since 1970 by the database's clock
	clock     string // expression: the time by the database's clock
	later     string // expression: clock and ? microseconds
	// skipLocked locks rows of o that an UPDATE follows and leaves out those
	// that another transaction has locked.
	skipLocked string
	// turn waits until no other transaction has the name ? and keeps it until
	// this one ends; empty where there is one writer anyway.
	turn string
	// elapsed is an expression: the microseconds between two times.
	elapsed   func(from, to string) string
	asJSON    string           // expression: the text ? for a JSON column
	duplicate func(error) bool // a unique index refused the row
	tableRows func(context.Context, *tx, TableKey) ([]string, error)
	retry     func(error) bool
	transient func(error) bool
	// inList returns a condition on col and its one argument, so that the
	// statement's text does not depend on the number of values.
	inList func(col, typ string, values []any) (cond string, arg any)
	// contains returns a condition: the text in col contains the text ?.
	contains func(col string) string
	// statement returns a batch's statement over the flat values, and its arguments.
	statement func(b *batch, values []any) (sql string, args []any)
	// chunk returns how many of the rest rows the next statement takes.
	chunk   func(b *batch, rest int) int
	prepare bool // the statements have few texts and are worth preparing
	erp
}

// erp is in what local tables of ERP forms differ.
type erp struct {
	erpType       func(typ orgflow.ERPType, key bool) string
	goneType      string              // of GoneColumn
	goneLayout    string              // in which a time is written to it
	relation      func(string) string // a table's name as an argument of the queries that look for it
	tableColumns  string              // query: names of the columns of a table
	uniqueColumns string              // query: columns that are unique for themselves
	tableShape    string              // query: PreviewColumns of a table
	goneText      string              // expression: GoneColumn as text, in UTC
	// wall is an expression: the text ? of the ERP's clock as the type.
	wall func(orgflow.ERPType) string
	// replaceable finds out whether a table can be swapped.
	replaceable func(context.Context, *tx, LoadTable) error
	dateIndex   func(id string, no int, table LoadTable) string
	swap        func(context.Context, *tx, []LoadTable) error
	// storeRows stores rows and returns how many were not in the table before.
	storeRows func(ctx context.Context, t *tx, into string, table LoadTable, rows [][]any, fresh bool) (int, error)
}

const (
	maxRows   = 5000 // rows of one unnest statement: bounds memory, not speed
	valueRows = 8    // rows of one VALUES statement: the driver's time for binding grows with the square
)

var postgres = dialect{
	name:      "postgres",
	goose:     goose.DialectPostgres,
	files:     migrations.Postgres,
	forUpdate: " FOR UPDATE",
	hasTable:  `SELECT to_regclass(?) IS NOT NULL`,
	micros:    `CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)`,
	clock:     `clock_timestamp()`,
	later:     `clock_timestamp() + CAST(? AS bigint) * interval '1 microsecond'`,

	skipLocked: " FOR UPDATE OF o SKIP LOCKED",
	turn:       `SELECT pg_advisory_xact_lock(hashtextextended(?, 0))`,
	elapsed: func(from, to string) string {
		return "CAST(extract(epoch FROM (" + to + ") - (" + from + ")) * 1000000 AS bigint)"
	},
	asJSON:    `CAST(? AS jsonb)`,
	duplicate: func(err error) bool { return pgCode(err, "23505") },
	tableRows: pgTableRows,

	retry:     pgConflict,
	transient: pgTransient,
	inList: func(col, typ string, values []any) (string, any) {
		// A text PostgreSQL refuses stands in no row: leave it out.
		values = slices.DeleteFunc(slices.Clone(values), func(v any) bool { s, ok := v.(string); return ok && !sound(s) })
		return col + " = ANY(CAST(? AS " + typ + "[]))", arrayLiteral(values, 0, 1)
	},
	contains:  func(col string) string { return "strpos(" + col + ", ?) > 0" },
	statement: unnestRows,
	chunk:     func(_ *batch, rest int) int { return min(rest, maxRows) },
	erp: erp{
		erpType: pgType, goneType: "timestamptz", goneLayout: time.RFC3339Nano, relation: ident,
		tableColumns: pgColumns, uniqueColumns: pgUnique, tableShape: pgShape,
		goneText:    `CAST("` + GoneColumn + `" AT TIME ZONE 'UTC' AS text)`,
		wall:        func(typ orgflow.ERPType) string { return "CAST(? AS " + pgType(typ, false) + ")" },
		replaceable: pgReplaceable, dateIndex: pgDateIndex, swap: pgSwap, storeRows: pgStore,
	},
}

var sqliteDialect = dialect{
	name:      "sqlite",
	goose:     goose.DialectSQLite3,
	files:     migrations.SQLite,
	hasTable:  `SELECT count(*) > 0 FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE`,
	micros:    `CAST(unixepoch('subsec') * 1000000 AS integer)`,
	clock:     `CAST(unixepoch('subsec') * 1000000 AS integer)`,
	later:     `CAST(unixepoch('subsec') * 1000000 AS integer) + ?`,
	elapsed:   func(from, to string) string { return "(" + to + " - " + from + ")" },
	asJSON:    `?`,
	duplicate: sqliteDuplicate,
	tableRows: sqliteTableRows,

	retry:     func(error) bool { return false }, // one writer, busy_timeout: nothing to win
	transient: sqliteTransient,
	inList: func(col, _ string, values []any) (string, any) {
		list, _ := json.Marshal(values) // texts and numbers only: cannot fail
		return col + " IN (SELECT value FROM json_each(?))", string(list)
	},
	contains:  func(col string) string { return "instr(" + col + ", ?) > 0" },
	statement: valuesRows,
	chunk: func(b *batch, rest int) int {
		if b.one != "" || rest < valueRows {
			return 1
		}
		return valueRows
	},
	prepare: true,
	erp: erp{
		erpType: sqliteType, goneType: "TEXT", goneLayout: "2006-01-02 15:04:05.000000", relation: func(name string) string { return name },
		tableColumns: sqliteColumns, uniqueColumns: sqliteUnique, tableShape: sqliteShape, goneText: `"` + GoneColumn + `"`,
		wall:        func(orgflow.ERPType) string { return "?" },
		replaceable: sqliteReplaceable, dateIndex: sqliteDateIndex, swap: sqliteSwap, storeRows: sqliteStore,
	},
}

// unnestRows passes each column as one array: one statement and one round
// trip whatever the number of rows.
func unnestRows(b *batch, values []any) (string, []any) {
	var sql strings.Builder
	args := make([]any, len(b.cols))
	sql.WriteString(b.head + "SELECT * FROM unnest(")
	for i, c := range b.cols {
		if i > 0 {
			sql.WriteString(", ")
		}
		sql.WriteString("CAST(? AS " + c.typ + "[])")
		args[i] = arrayLiteral(values, i, len(b.cols))
	}
	sql.WriteString(")" + b.tail)
	return sql.String(), args
}

// valuesRows is a VALUES list; its few sizes are prepared once.
func valuesRows(b *batch, values []any) (string, []any) {
	if b.one != "" {
		return b.one, values
	}
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", len(b.cols)), ",") + "),"
	n := len(values) / len(b.cols)
	return b.head + "VALUES " + strings.TrimSuffix(strings.Repeat(row, n), ",") + b.tail, values
}

// arrayLiteral writes every stride-th value, from first on, as a PostgreSQL
// array literal. It is much faster than pq.Array, which reflects.
func arrayLiteral(values []any, first, stride int) string {
	b := make([]byte, 0, 2+16*len(values)/stride)
	b = append(b, '{')
	for i := first; i < len(values); i += stride {
		if i > first {
			b = append(b, ',')
		}
		b = appendElement(b, values[i])
	}
	return string(append(b, '}'))
}

func appendElement(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "NULL"...)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case bool:
		return strconv.AppendBool(b, v)
	case stamp:
		if v.IsZero() {
			return append(b, "NULL"...)
		}
		return append(v.AppendFormat(append(b, '"'), "2006-01-02T15:04:05.999999Z07:00"), '"')
	case string:
		b = append(b, '"')
		for i := range len(v) {
			if v[i] == '"' || v[i] == '\\' {
				b = append(b, '\\')
			}
			b = append(b, v[i])
		}
		return append(b, '"')
	}
	panic("store: value of an unsupported type in a batch") // a defect of this package
}

// pgConflict: the transaction lost against another one and may be repeated.
func pgConflict(err error) bool {
	var e *pq.Error
	return errors.As(err, &e) && (e.Code == "40001" || e.Code == "40P01")
}

func pgCode(err error, code string) bool {
	var e *pq.Error
	return errors.As(err, &e) && string(e.Code) == code
}

func sqliteDuplicate(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// pgTransient: connection exceptions, resources, shutdown, or no server at all.
func pgTransient(err error) bool {
	var e *pq.Error
	if errors.As(err, &e) {
		switch e.Code.Class() {
		case "08", "40", "53", "57", "58":
			return true
		}
		return false
	}
	var n net.Error
	return errors.As(err, &n) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// sqliteTransient: another process writes, or the disk is full or failing.
func sqliteTransient(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return errors.Is(err, driver.ErrBadConn)
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM:
		return true
	}
	return false
}
