package store

import (
	"context"
	"strings"
	"sync"

	"github.com/jmoiron/sqlx"
)

// column is a column of a batch with PostgreSQL's type for it.
type column struct{ name, typ string }

// batch is a statement over many rows: head, a row source, tail.
type batch struct {
	cols       []column
	head, tail string
	one        string // the same for one row, where rows are sent singly; empty: by the row source
}

// insertRows is "INSERT INTO table (cols) <rows> <tail>".
func insertRows(table, tail string, cols ...column) *batch {
	return &batch{cols: cols, head: "INSERT INTO " + table + " (" + names(cols) + ") ", tail: " " + tail}
}

// updateRows updates the rows that the key columns, the last ones, select.
// PostgreSQL joins all rows at once; SQLite is fastest row by row.
func updateRows(table string, keys int, cols ...column) *batch {
	var set, match, setOne, matchOne []string
	for i, c := range cols {
		if i < len(cols)-keys {
			set, setOne = append(set, c.name+" = v."+c.name), append(setOne, c.name+" = ?")
			continue
		}
		match, matchOne = append(match, table+"."+c.name+" = v."+c.name), append(matchOne, c.name+" = ?")
	}
	return &batch{
		cols: cols,
		head: "WITH v (" + names(cols) + ") AS (",
		tail: ") UPDATE " + table + " SET " + strings.Join(set, ", ") + " FROM v WHERE " + strings.Join(match, " AND "),
		one:  "UPDATE " + table + " SET " + strings.Join(setOne, ", ") + " WHERE " + strings.Join(matchOne, " AND "),
	}
}

func names(cols []column) string {
	list := make([]string, len(cols))
	for i, c := range cols {
		list[i] = c.name
	}
	return strings.Join(list, ", ")
}

// run executes the batch over values, row after row in one flat slice, and
// returns the number of rows affected.
func (t *tx) run(ctx context.Context, b *batch, values []any) (int, error) {
	width, total := len(b.cols), 0
	for rest := len(values) / width; rest > 0; {
		n := t.s.dialect.chunk(b, rest)
		done, err := t.runChunk(ctx, b, values[:n*width])
		if err != nil {
			return total, err
		}
		total += done
		values, rest = values[n*width:], rest-n
	}
	return total, nil
}

func (t *tx) runChunk(ctx context.Context, b *batch, values []any) (int, error) {
	query, args := t.s.dialect.statement(b, values)
	if !t.s.dialect.prepare {
		return t.exec(ctx, query, args...)
	}
	stmt, err := t.prepared(ctx, query) //nolint:sqlclosecheck // kept for the transaction, whose end closes it
	if err != nil {
		return 0, err
	}
	return affected(stmt.ExecContext(ctx, args...))
}

// prepared returns the statement for use inside the transaction. The only
// writing connection is busy with this very transaction, so a text met for
// the first time is prepared for the transaction alone and noted; prepare
// makes it permanent before the next one.
func (t *tx) prepared(ctx context.Context, query string) (*sqlx.Stmt, error) {
	if stmt := t.stmts[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := t.s.stmts.in(ctx, t.Tx, query)
	if err != nil {
		return nil, err
	}
	t.stmts[query] = stmt
	return stmt, nil
}

// statements caches prepared statements. The set of texts is bounded
// (batches × chunk sizes), so nothing is ever evicted.
type statements struct {
	mu     sync.Mutex
	ready  map[string]*sqlx.Stmt
	wanted map[string]bool
}

func newStatements() *statements {
	return &statements{ready: map[string]*sqlx.Stmt{}, wanted: map[string]bool{}}
}

// in returns the statement bound to the transaction.
func (c *statements) in(ctx context.Context, t *sqlx.Tx, query string) (*sqlx.Stmt, error) {
	c.mu.Lock()
	stmt := c.ready[query]
	if stmt == nil {
		c.wanted[query] = true
	}
	c.mu.Unlock()
	if stmt != nil {
		return t.StmtxContext(ctx, stmt), nil
	}
	return t.PreparexContext(ctx, query)
}

// prepare makes the statements earlier transactions wanted. It waits for a
// connection, so it must not be called inside a transaction, and it must not
// hold the lock meanwhile: the transaction that has the connection may want
// the lock.
func (c *statements) prepare(ctx context.Context, db *sqlx.DB) error {
	for _, query := range c.takeWanted() {
		stmt, err := db.PreparexContext(ctx, query)
		if err != nil {
			return err // the next transaction that uses it will want it again
		}
		c.keep(query, stmt)
	}
	return nil
}

// keep stores the statement, unless another caller was faster.
func (c *statements) keep(query string, stmt *sqlx.Stmt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ready[query] != nil {
		stmt.Close() // a spare: nobody depends on it
		return
	}
	c.ready[query] = stmt
}

// takeWanted hands each wanted text to one caller.
func (c *statements) takeWanted() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var queries []string
	for query := range c.wanted {
		if c.ready[query] == nil {
			queries = append(queries, query)
		}
	}
	clear(c.wanted)
	return queries
}
