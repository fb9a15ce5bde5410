package store

import (
	"context"
	"time"

	"orgflow"
)

// UnseenKeys returns at most n keys of rows that an update should have seen
// and has not: their date lies in or behind the time that was read, or they
// are lines of a bill that was seen, which shows its lines all or not at all.
// The ERP may have them nevertheless, with a date of long ago; it has to be
// asked.
func (s *Store) UnseenKeys(ctx context.Context, id string, no int, table LoadTable, from time.Time, n int) ([]string, error) {
	key, typ := ident(table.Key), table.typeOf(table.Date)
	judged := `t.` + ident(table.Date) + ` >= ` + s.dialect.wall(typ)
	args := []any{erpBound(from, typ)}
	if table.Head != "" {
		judged = `(` + judged + ` OR CAST(t.` + ident(table.Head) + ` AS text) IN (SELECT h.row_key FROM erp_seen h WHERE h.run_id = ? AND h.table_no = 0))`
		args = append(args, id)
	}
	var keys []string
	err := s.list(ctx, "rows that load "+id+" has not seen", &keys, `SELECT CAST(t.`+key+` AS text) FROM `+ident(table.Name)+` t
		WHERE `+judged+` AND t.`+ident(GoneColumn)+` IS NULL
			AND NOT EXISTS (SELECT 1 FROM erp_seen s WHERE s.run_id = ? AND s.table_no = ? AND s.row_key = CAST(t.`+key+` AS text))
		ORDER BY t.`+key+` LIMIT ?`, append(args, id, no, n)...)
	return keys, err
}

// Answer is what an ERP said when it was asked for rows by their keys.
type Answer struct {
	LoadID string
	No     int // the table's
	Table  LoadTable
	Asked  []string
	Rows   [][]any // those it has
	Keys   []string
	Calls  int
}

// SettleUnseen stores the rows the ERP has and marks those it has not as
// gone. A row that was seen by then, or is marked already, stays as it is.
func (s *Store) SettleUnseen(ctx context.Context, a Answer) error {
	return s.inTx(ctx, "settle unseen rows of load "+a.LoadID, func(t *tx) error {
		if err := t.fence(ctx, a.LoadID, a.Calls); err != nil {
			return err
		}
		page := LoadPage{LoadID: a.LoadID, Kind: orgflow.LoadUpdate, Table: a.Table, Window: LoadWindow{Table: a.No}, Rows: a.Rows, Keys: a.Keys}
		if _, err := t.storeRows(ctx, page); err != nil {
			return err
		}
		key := ident(a.Table.Key)
		asked, list := s.dialect.inList(`CAST(t.`+key+` AS text)`, "text", anys(a.Asked))
		marked, err := t.exec(ctx, `UPDATE `+ident(a.Table.Name)+` AS t SET `+ident(GoneColumn)+` = ? WHERE `+asked+` AND t.`+ident(GoneColumn)+` IS NULL
			AND NOT EXISTS (SELECT 1 FROM erp_seen s WHERE s.run_id = ? AND s.table_no = ? AND s.row_key = CAST(t.`+key+` AS text))`,
			t.s.now().Format(t.s.dialect.goneLayout), list, a.LoadID, a.No)
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE erp_run SET marked_gone = marked_gone + ? WHERE id = ?`, marked, a.LoadID)
		return err
	})
}
