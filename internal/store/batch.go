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
}

// insertRows is "INSERT INTO table (cols) <rows> <tail>".
func insertRows(table, tail string, cols ...column) *batch {
	return &batch{cols: cols, head: "INSERT INTO " + table + " (" + names(cols) + ") ", tail: " " + tail}
}

// updateRows is "WITH v (cols) AS (<rows>) <tail>", where tail updates from v.
func updateRows(tail string, cols ...column) *batch {
	return &batch{cols: cols, head: "WITH v (" + names(cols) + ") AS (", tail: ") " + tail}
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
	width, affected := len(b.cols), 0
	for rest := len(values) / width; rest > 0; {
		n := min(rest, maxRows)
		for _, c := range t.s.dialect.chunks {
			if c <= rest {
				n = c
				break
			}
		}
		done, err := t.runChunk(ctx, b, values[:n*width])
		if err != nil {
			return affected, err
		}
		affected += done
		values, rest = values[n*width:], rest-n
	}
	return affected, nil
}

func (t *tx) runChunk(ctx context.Context, b *batch, values []any) (int, error) {
	rows, args := t.s.dialect.rows(b, values)
	query := b.head + rows + b.tail
	if t.s.dialect.chunks == nil {
		return t.exec(ctx, query, args...)
	}
	stmt, err := t.prepared(ctx, query)
	if err != nil {
		return 0, err
	}
	res, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
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

// prepare makes the statements earlier transactions wanted. It needs a
// connection of its own, so it must not be called inside a transaction.
func (c *statements) prepare(ctx context.Context, db *sqlx.DB) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for query := range c.wanted {
		stmt, err := db.PreparexContext(ctx, query)
		if err != nil {
			return err
		}
		c.ready[query] = stmt
		delete(c.wanted, query)
	}
	return nil
}
