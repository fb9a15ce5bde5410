package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"orgflow"
)

// GoneColumn is the column of local tables that says since when the ERP no
// longer has the row; null while it has.
const GoneColumn = "orgflow_gone_at"

// LoadTable is a local table that a load fills.
type LoadTable struct {
	Name    string       `json:"name"`
	Columns []LoadColumn `json:"columns"`
	Key     string       `json:"key"` // the column that tells rows apart
	// Date is the column that puts rows into windows, Modified the one that
	// says which of two readings of a row is the newer; empty: there is none.
	Date     string `json:"date,omitempty"`
	Modified string `json:"modified,omitempty"`
	// Head is a child table's column for the key of the main table, the first
	// of the load; empty: it is the main table, or has no such column.
	Head string `json:"head,omitempty"`
	// Add lists columns that the local table lacks and an update adds.
	Add []string `json:"add,omitempty"`
}

// LoadColumn is a column that a load fills.
type LoadColumn struct {
	Name string          `json:"name"`
	Type orgflow.ERPType `json:"type"`
}

// shadow is the table that a create fills beside the one there is, old what
// is kept of the one before.
func (l LoadTable) shadow() string { return l.Name + "__new" }
func (l LoadTable) old() string    { return l.Name + "__old" }

// target is the table that a load of the kind fills.
func (l LoadTable) target(kind orgflow.LoadKind) string {
	if kind == orgflow.LoadCreate {
		return l.shadow()
	}
	return l.Name
}

// columns are the columns' quoted names, each with a prefix.
func (l LoadTable) columns(prefix string) []string {
	out := make([]string, len(l.Columns))
	for i, c := range l.Columns {
		out[i] = prefix + ident(c.Name)
	}
	return out
}

func (l LoadTable) typeOf(column string) orgflow.ERPType {
	for _, c := range l.Columns {
		if c.Name == column {
			return c.Type
		}
	}
	return ""
}

// ident quotes a name of a table or a column. Every name that comes from
// outside passes through here and nowhere else.
func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// LocalTable is a table as the database describes it.
type LocalTable struct {
	Columns []string
	Unique  []string // columns that are unique for themselves
}

// LocalTable returns what the database knows of a table, or ErrNotFound.
func (s *Store) LocalTable(ctx context.Context, name string) (LocalTable, error) {
	var out LocalTable
	if !sound(name) {
		return out, fmt.Errorf("table: %w", ErrNotFound)
	}
	what := "look at table " + name
	if err := s.list(ctx, what, &out.Columns, s.dialect.tableColumns, s.dialect.relation(name)); err != nil {
		return out, err
	}
	if len(out.Columns) == 0 {
		return out, fmt.Errorf("%s: %w", what, ErrNotFound)
	}
	err := s.list(ctx, what, &out.Unique, s.dialect.uniqueColumns, s.dialect.relation(name))
	return out, err
}

// makeReady makes the table ready to be filled.
func (t *tx) makeReady(ctx context.Context, table LoadTable, kind orgflow.LoadKind) error {
	if kind == orgflow.LoadCreate {
		if err := t.s.dialect.replaceable(ctx, t, table); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `DROP TABLE IF EXISTS `+ident(table.shadow())); err != nil { // of a load that was cut off
			return err
		}
		_, err := t.exec(ctx, t.s.dialect.createTable(table))
		return err
	}
	for _, name := range table.Add {
		typ := t.s.dialect.erpType(table.typeOf(name), false)
		if name == GoneColumn {
			typ = t.s.dialect.goneType
		}
		if _, err := t.exec(ctx, `ALTER TABLE `+ident(table.Name)+` ADD COLUMN `+ident(name)+` `+typ); err != nil {
			return err
		}
	}
	return nil
}

// createTable is the statement that makes a create's new table. The key is
// unique from the beginning: a page is copied into the table directly, and
// what copying finds stored already is merged instead.
func (d dialect) createTable(table LoadTable) string {
	var b strings.Builder
	b.WriteString("CREATE TABLE " + ident(table.shadow()) + " (")
	for _, c := range table.Columns {
		b.WriteString(ident(c.Name) + " " + d.erpType(c.Type, c.Name == table.Key))
		if c.Name == table.Key {
			b.WriteString(" NOT NULL")
		}
		b.WriteString(", ")
	}
	b.WriteString(ident(GoneColumn) + " " + d.goneType + ", PRIMARY KEY (" + ident(table.Key) + "))")
	return b.String()
}

// SwapLoad puts a create's new tables in the place of the old ones, which
// stay for one generation, all in one transaction: a reader sees the old
// table or the new one. It refuses tables that do not hold what was stored,
// and changes nothing where the swap has been made.
//
// On PostgreSQL it waits a few seconds for readers of the old table and then
// fails with CodeUnavailable, so that nobody queues behind it.
func (s *Store) SwapLoad(ctx context.Context, id string) error {
	load, err := s.GetLoad(ctx, id)
	if err != nil || load.Swapped {
		return err
	}
	return s.inTx(ctx, "swap tables of load "+id, func(t *tx) error {
		if err := t.fence(ctx, id, 0); err != nil {
			return err
		}
		if n, err := t.exec(ctx, `UPDATE erp_run SET swapped = true, phase = ? WHERE id = ? AND NOT swapped`, string(orgflow.PhaseSwap), id); err != nil || n == 0 {
			return err
		}
		for i, table := range load.Tables {
			if err := t.verify(ctx, id, i, table); err != nil {
				return err
			}
			if table.Date == "" {
				continue
			}
			if _, err := t.exec(ctx, t.s.dialect.dateIndex(id, i, table)); err != nil {
				return err
			}
		}
		return t.s.dialect.swap(ctx, t, load.Tables)
	})
}

// verify compares the table with the books: every row that was stored is
// there, once. The key is unique and not null by the table's own constraint.
func (t *tx) verify(ctx context.Context, id string, no int, table LoadTable) error {
	var there, stored int64
	if err := t.get(ctx, &there, `SELECT count(*) FROM `+ident(table.shadow())); err != nil {
		return err
	}
	if err := t.get(ctx, &stored, `SELECT CAST(coalesce(sum(stored), 0) AS bigint) FROM erp_window WHERE run_id = ? AND table_no = ?`, id, no); err != nil {
		return err
	}
	if there != stored {
		return orgflow.Faultf(orgflow.CodeInternal, "table %s has %d rows, %d were stored", table.shadow(), there, stored)
	}
	return nil
}

// renames are the statements of a swap.
func (l LoadTable) renames(exists bool) []string {
	list := []string{`DROP TABLE IF EXISTS ` + ident(l.old())}
	if exists {
		list = append(list, `ALTER TABLE `+ident(l.Name)+` RENAME TO `+ident(l.old()))
	}
	return append(list, `ALTER TABLE `+ident(l.shadow())+` RENAME TO `+ident(l.Name))
}

func (t *tx) rename(ctx context.Context, tables []LoadTable) error {
	for _, table := range tables {
		var exists bool
		if err := t.get(ctx, &exists, t.s.dialect.hasTable, t.s.dialect.relation(table.Name)); err != nil {
			return err
		}
		for _, statement := range table.renames(exists) {
			if _, err := t.exec(ctx, statement); err != nil {
				return err
			}
		}
	}
	return nil
}

// erpBound is the edge of a window as it is compared with a column. A day is
// its midnight, so that the days from an edge on begin with the next midnight.
func erpBound(at time.Time, typ orgflow.ERPType) any {
	const day = 24 * time.Hour
	if midnight := at.Truncate(day); typ == orgflow.ERPDate && midnight.Before(at) {
		at = midnight.Add(day)
	}
	return erpValue(at, typ)
}

// erpValue is a decoded value as the column keeps it: times as text of the
// ERP's clock, everything else as it is.
func erpValue(v any, typ orgflow.ERPType) any {
	at, ok := v.(time.Time)
	switch {
	case !ok:
		return v
	case typ == orgflow.ERPDate:
		return at.Format(time.DateOnly)
	}
	return at.Format(wallClock)
}
