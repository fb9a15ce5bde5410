package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Bounds of a preview: whatever a table holds, a page of it stays small.
const (
	previewColumns = 60  // columns; the key's is always among them
	previewText    = 160 // characters of a value
	previewRows    = 100
)

// PreviewColumn is a column of a local table as the database describes it.
type PreviewColumn struct {
	Name string `db:"name"`
	Type string `db:"type"` // in the database's words
	Key  bool   `db:"is_key"`
}

// PreviewCell is a value as text; one of more than 160 characters is cut.
type PreviewCell struct {
	Text string
	Null bool
	Cut  bool
}

// PreviewRow is a row of a preview. Gone says that the ERP no longer has it,
// GoneAt since when, zero where that cannot be read.
type PreviewRow struct {
	Cells  []PreviewCell
	Gone   bool
	GoneAt time.Time
}

// Preview is a part of a local table, by its key.
type Preview struct {
	Columns []PreviewColumn // without GoneColumn; at most 60
	More    int             // columns that are left out
	Rows    []PreviewRow
	Next    string // cursor of what follows; empty at the end, and for tables without a key of one column
}

// FormOwner returns the company whose loads fill the form's local table, or
// ErrNotFound where the form was never loaded.
func (s *Store) FormOwner(ctx context.Context, formID string) (company int64, err error) {
	if !sound(formID) {
		return 0, fmt.Errorf("owner of a form: %w", ErrNotFound)
	}
	err = s.get(ctx, "owner of form "+formID, &company, `SELECT company_id FROM erp_form WHERE table_key = ? AND form_id = ?`, formKey(formID), formID)
	return company, err
}

// PreviewTable returns at most limit rows (100) of a local table behind a
// cursor, in the order of its key. The table's name must be that of a form
// (erp.TableName); one that is not there is ErrNotFound.
func (s *Store) PreviewTable(ctx context.Context, table, cursor string, limit int) (Preview, error) {
	what := "look into table " + table
	if !sound(table) {
		return Preview{}, fmt.Errorf("table: %w", ErrNotFound)
	}
	if !sound(cursor) {
		return Preview{}, ErrBadCursor
	}
	var columns []PreviewColumn
	if err := s.list(ctx, what, &columns, s.dialect.tableShape, s.dialect.relation(table)); err != nil {
		return Preview{}, err
	}
	if len(columns) == 0 {
		return Preview{}, fmt.Errorf("%s: %w", what, ErrNotFound)
	}
	q := s.previewQuery(table, columns, cursor, min(max(limit, 1), previewRows))
	rows, err := s.previewRows(ctx, q)
	if pgClass(err, "22") && cursor != "" { // it is no value of the key's type
		return Preview{}, ErrBadCursor
	}
	if err != nil {
		return Preview{}, s.wrap(what, err)
	}
	out := Preview{Columns: q.columns, More: q.more}
	if len(rows) > q.limit {
		rows = rows[:q.limit]
		if q.key != "" {
			out.Next = rows[q.limit-1].key
		}
	}
	for _, r := range rows {
		out.Rows = append(out.Rows, r.PreviewRow)
	}
	return out, nil
}

// previewQuery is what a preview asks the database: the shown columns, since
// when the row is gone, and the key, all as texts.
type previewQuery struct {
	columns []PreviewColumn
	more    int
	key     string // the column to page by; empty: there is none
	limit   int
	text    string
	args    []any
}

func (s *Store) previewQuery(table string, columns []PreviewColumn, cursor string, limit int) previewQuery {
	isGone := func(c PreviewColumn) bool { return c.Name == GoneColumn }
	gone := "CAST(NULL AS text)"
	if slices.ContainsFunc(columns, isGone) {
		gone = s.dialect.goneText
	}
	q := previewQuery{columns: slices.DeleteFunc(slices.Clone(columns), isGone), limit: limit}
	if at := slices.IndexFunc(q.columns, func(c PreviewColumn) bool { return c.Key }); at >= 0 {
		key := q.columns[at]
		q.key = key.Name
		q.columns = slices.Insert(slices.Delete(q.columns, at, at+1), 0, key)
	}
	if q.more = len(q.columns) - previewColumns; q.more > 0 {
		q.columns = q.columns[:previewColumns]
	}
	q.more = max(q.more, 0)

	var b strings.Builder
	b.WriteString("SELECT ")
	for _, c := range q.columns {
		fmt.Fprintf(&b, "substr(CAST(%s AS text), 1, %d), ", ident(c.Name), previewText+1)
	}
	key := "CAST(NULL AS text)"
	if q.key != "" {
		key = "CAST(" + ident(q.key) + " AS text)"
	}
	b.WriteString(gone + ", " + key + " FROM " + ident(table) + " AS t")
	if q.key != "" {
		if cursor != "" {
			b.WriteString(" WHERE t." + ident(q.key) + s.ro.Rebind(" > ?")) // names may hold question marks
			q.args = append(q.args, cursor)
		}
		b.WriteString(" ORDER BY t." + ident(q.key)) // the column, not its text of the same name
	}
	fmt.Fprintf(&b, " LIMIT %d", limit+1)
	q.text = b.String()
	return q
}

type previewRow struct {
	PreviewRow
	key string
}

func (s *Store) previewRows(ctx context.Context, q previewQuery) (out []previewRow, err error) {
	rows, err := s.ro.QueryContext(ctx, q.text, q.args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	cells, into := make([]sql.NullString, len(q.columns)+2), make([]any, len(q.columns)+2)
	for i := range cells {
		into[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		row := previewRow{key: cells[len(cells)-1].String}
		if gone := cells[len(cells)-2]; gone.Valid {
			row.Gone = true
			row.GoneAt, _ = time.Parse(wallClock, gone.String) // not ours: the mark counts, the time is left out
		}
		for _, c := range cells[:len(q.columns)] {
			row.Cells = append(row.Cells, previewCell(c))
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

func previewCell(v sql.NullString) PreviewCell {
	if text := []rune(v.String); len(text) > previewText {
		return PreviewCell{Text: string(text[:previewText]), Cut: true}
	}
	return PreviewCell{Text: v.String, Null: !v.Valid}
}
