package store

import (
	"context"
	"errors"
	"strings"

	"orgflow"
)

// LoadPage is a piece of a window as it was read. Rows and their bookkeeping
// are stored together or not at all.
type LoadPage struct {
	LoadID string
	Kind   orgflow.LoadKind
	Table  LoadTable
	// Window is the window as it was when the piece was asked for. If it has
	// moved on since, the piece has been stored already, or nobody wants it.
	Window LoadWindow
	// Read is how many rows the piece had; Rows, in the order of the table's
	// columns, and their Keys lack those that are none of the table's.
	Read    int
	Rows    [][]any
	Keys    []string
	LastKey string // of the last row read
	// Fresh says that no row is thought to be in the table. It is a hint: rows
	// that are there are merged either way.
	Fresh bool
	// Pages is how many answers of the ERP end with this piece.
	Pages int
	Calls int
	Done  bool // it is the window's last
}

// errMoved: the window is not where the piece belongs.
var errMoved = errors.New("the window has moved on")

// SavePage stores a piece of a window and returns the window behind it. A row
// the table has already is overwritten unless that is the newer one. Saving
// it again changes nothing and returns the window as it is.
func (s *Store) SavePage(ctx context.Context, p LoadPage) (LoadWindow, error) {
	var row windowRow
	err := s.inTx(ctx, "store rows of load "+p.LoadID, func(t *tx) error {
		if err := t.fence(ctx, p.LoadID, p.Calls); err != nil {
			return err
		}
		stored, err := t.storeRows(ctx, p)
		if err != nil {
			return err
		}
		err = t.get(ctx, &row, `UPDATE erp_window SET next_row = next_row + ?, last_key = ?, pages = pages + ?, stored = stored + ?, done = ?
			WHERE run_id = ? AND table_no = ? AND seq = ? AND attempt = ? AND next_row = ? AND NOT done RETURNING `+windowColumns,
			p.Read, p.LastKey, p.Pages, stored, p.Done, p.LoadID, p.Window.Table, p.Window.Seq, p.Window.Attempt, p.Window.Next)
		if noRows(err) {
			return errMoved // and nothing of the piece is stored
		}
		return err
	})
	if errors.Is(err, errMoved) {
		return s.GetLoadWindow(ctx, p.LoadID, p.Window.Table, p.Window.Seq)
	}
	if err != nil {
		return LoadWindow{}, err
	}
	return row.window()
}

// storeRows stores the rows of a page and returns how many of them are new:
// to the table for a create, to the load for an update.
func (t *tx) storeRows(ctx context.Context, p LoadPage) (int, error) {
	if len(p.Rows) == 0 {
		return 0, nil
	}
	added, err := t.s.dialect.storeRows(ctx, t, p.Table.target(p.Kind), p.Table, p.Rows, p.Fresh)
	if err != nil || p.Kind == orgflow.LoadCreate {
		return added, err
	}
	return t.see(ctx, p.LoadID, p.Window.Table, p.Keys)
}

var insertSeen = insertRows("erp_seen", "ON CONFLICT DO NOTHING", column{"run_id", "text"}, column{"table_no", "bigint"}, column{"row_key", "text"})

// see notes keys an update has seen and returns how many are new to it.
func (t *tx) see(ctx context.Context, id string, no int, keys []string) (int, error) {
	values := make([]any, 0, 3*len(keys))
	for _, key := range keys {
		values = append(values, id, no, key)
	}
	return t.run(ctx, insertSeen, values)
}

// overwrite is the end of an insert that meets rows of the table: they are
// overwritten where something differs, unless the table has a newer reading.
// A row that had been marked as gone is back.
func (l LoadTable) overwrite(into string) string {
	table := ident(into) + "."
	var set []string
	for _, c := range l.columns("") {
		set = append(set, c+" = excluded."+c)
	}
	gone := table + ident(GoneColumn)
	rule := "((" + strings.Join(l.columns(table), ", ") + ") IS DISTINCT FROM (" + strings.Join(l.columns("excluded."), ", ") + ") OR " + gone + " IS NOT NULL)"
	if m := ident(l.Modified); l.Modified != "" {
		rule += " AND (excluded." + m + " >= " + table + m + " OR " + table + m + " IS NULL OR excluded." + m + " IS NULL OR " + gone + " IS NOT NULL)"
	}
	return "DO UPDATE SET " + strings.Join(set, ", ") + ", " + ident(GoneColumn) + " = NULL WHERE " + rule
}

// RestartWindow begins the reading of a window anew, because rows of it have
// moved while it was read, and returns it. What was stored of it is taken
// back, so that a row that left the ERP meanwhile does not count as there: a
// create removes it, an update forgets that it was seen. Rows of a window
// that catches up belong to other windows, too, and stay. A window that has
// moved on since w was read is returned as it is.
func (s *Store) RestartWindow(ctx context.Context, id string, kind orgflow.LoadKind, table LoadTable, w LoadWindow) (LoadWindow, error) {
	err := s.inTx(ctx, "restart window of load "+id, func(t *tx) error {
		if err := t.fence(ctx, id, 0); err != nil {
			return err
		}
		n, err := t.exec(ctx, `UPDATE erp_window SET attempt = attempt + 1, next_row = 0, last_key = '', pages = 0 WHERE run_id = ? AND table_no = ? AND seq = ? AND attempt = ? AND NOT done`,
			id, w.Table, w.Seq, w.Attempt)
		if err != nil || n == 0 || w.CatchUp || table.Date == "" {
			return err
		}
		removed, err := t.forget(ctx, id, kind, table, w)
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE erp_window SET stored = stored - ? WHERE run_id = ? AND table_no = ? AND seq = ?`, removed, id, w.Table, w.Seq)
		return err
	})
	if err != nil {
		return LoadWindow{}, err
	}
	return s.GetLoadWindow(ctx, id, w.Table, w.Seq)
}

// forget takes back what was stored of a window: the rows whose date lies in
// it, for no other window has stored them.
func (t *tx) forget(ctx context.Context, id string, kind orgflow.LoadKind, table LoadTable, w LoadWindow) (int, error) {
	date, typ := ident(table.Date), table.typeOf(table.Date)
	rows := ` FROM ` + ident(table.target(kind)) + ` WHERE ` + date + ` >= ` + t.s.dialect.wall(typ) + ` AND ` + date + ` < ` + t.s.dialect.wall(typ)
	from, until := erpBound(w.From, typ), erpBound(w.Until, typ)
	if kind == orgflow.LoadCreate {
		return t.exec(ctx, `DELETE`+rows, from, until)
	}
	return t.exec(ctx, `DELETE FROM erp_seen WHERE run_id = ? AND table_no = ? AND row_key IN (SELECT CAST(`+ident(table.Key)+` AS text)`+rows+`)`,
		id, w.Table, from, until)
}
