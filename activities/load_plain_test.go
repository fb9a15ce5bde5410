package activities_test

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/erp"
)

// mostCopied is how many rows are kept in memory for COPY alone: a million
// would take gigabytes.
const mostCopied = 100_000

// sales is the table of a form, as a plain loop makes it.
func (w *shop) sales(client connectors.ERP) erp.Table {
	form, err := client.Form(context.Background(), w.form.FormID)
	w.must(err)
	tables, _ := erp.Tables(w.form, form)
	return tables[0]
}

// plain reads the same pages in a loop and copies the rows with one COPY.
func (w *shop) plain(t testing.TB, client connectors.ERP, n int) {
	table := w.sales(client)
	if rows := w.copyAll(table, w.pages(client, table)); rows != n {
		t.Fatalf("the loop reads %d rows of %d", rows, n)
	}
}

// pages reads and decodes rows, a page after the other.
func (w *shop) pages(client connectors.ERP, table erp.Table) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for _, window := range erp.Windows(orgflow.LoadCreate, false, w.form, w.now().In(time.FixedZone("", 8*3600))) {
			for start := 0; ; start += 2000 {
				page, err := client.Rows(context.Background(), connectors.ERPQuery{
					FormID: table.Form, Fields: table.Fields(), OrderBy: table.KeyFields(), DateField: "FModifyDate",
					From: window.From, Until: window.Until, Start: start, Limit: 2000,
				})
				w.must(err)
				for _, cells := range page.Rows {
					values, err := table.DecodeRow(cells)
					w.must(err)
					if !yield(values) {
						return
					}
				}
				if len(page.Rows) < 2000 {
					break
				}
			}
		}
	}
}

// copyAll copies rows into the new table plain, builds its primary key, and
// says how many rows there were.
func (w *shop) copyAll(table erp.Table, rows iter.Seq[[]any]) (n int) {
	ctx := context.Background()
	names, defs := make([]string, len(table.Columns)), make([]string, len(table.Columns))
	types := map[orgflow.ERPType]string{
		orgflow.ERPText: "text", orgflow.ERPLongText: "text", orgflow.ERPInteger: "bigint", orgflow.ERPDecimal: "numeric",
		orgflow.ERPFloat: "double precision", orgflow.ERPBoolean: "boolean", orgflow.ERPDate: "date", orgflow.ERPTime: "timestamp",
	}
	for i, c := range table.Columns {
		names[i] = `"` + c.Name + `"`
		defs[i] = names[i] + " " + types[c.Type]
	}
	w.exec(`CREATE TABLE plain (` + strings.Join(defs, ", ") + `)`)
	tx, err := w.db.DB().BeginTx(ctx, nil)
	w.must(err)
	stmt, err := tx.PrepareContext(ctx, `COPY plain (`+strings.Join(names, ", ")+`) FROM STDIN`)
	w.must(err)
	for values := range rows {
		_, err = stmt.ExecContext(ctx, values...)
		w.must(err)
		n++
	}
	_, err = stmt.ExecContext(ctx)
	w.must(err)
	w.must(stmt.Close())
	_, err = tx.ExecContext(ctx, `ALTER TABLE plain ADD PRIMARY KEY ("`+table.Key[0]+`")`)
	w.must(err)
	w.must(tx.Commit())
	return n
}

// readRows are rows of a table in memory.
type readRows struct {
	table erp.Table
	rows  [][]any
}

// read reads everything without measuring it.
func (w *shop) read(t testing.TB, client connectors.ERP, n int) readRows {
	r := readRows{table: w.sales(client)}
	for values := range w.pages(client, r.table) {
		r.rows = append(r.rows, values)
	}
	if len(r.rows) != n {
		t.Fatalf("there are %d rows of %d", len(r.rows), n)
	}
	return r
}

// copied copies them: no load can take less.
func (r readRows) copied(w *shop) { w.copyAll(r.table, slices.Values(r.rows)) }
