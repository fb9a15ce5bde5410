package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"orgflow"
)

// Prune removes the rows whose time is over, a few of them per transaction,
// until none is left or ctx ends. told hears after every transaction what is
// removed so far. It may be stopped anywhere, repeated, and run twice at the
// same time: a transaction takes whole runs, flows and so on, and looks for
// them anew. What was removed is returned with an error, too.
func (s *Store) Prune(ctx context.Context, keep orgflow.Retention, now time.Time, told func(orgflow.Pruned)) (orgflow.Pruned, error) {
	gone := orgflow.Pruned{}
	needed, err := s.neededRuns(ctx)
	if err != nil {
		return gone, err
	}
	for _, p := range s.purges(needed) {
		days := lifeOf(p.table).days(keep)
		for more := days > 0; more; {
			var took orgflow.Pruned
			if took, more, err = s.purge(ctx, p, at(now.Add(-orgflow.Days(days)))); err != nil {
				return gone, err
			}
			for table, n := range took {
				gone[table] += n
			}
			told(gone)
		}
	}
	return gone, nil
}

// Lives tells, for every table, how long its rows are kept and how many may
// go now. It changes nothing.
func (s *Store) Lives(ctx context.Context, keep orgflow.Retention, now time.Time) ([]orgflow.TableLife, error) {
	needed, err := s.neededRuns(ctx)
	if err != nil {
		return nil, err
	}
	due := map[string]int{}
	for _, p := range s.purges(needed) {
		days := lifeOf(p.table).days(keep)
		if days == 0 {
			continue
		}
		var n int
		err := s.get(ctx, "count old rows of "+p.table, &n, p.count(), p.args(at(now.Add(-orgflow.Days(days))))...)
		if err != nil {
			return nil, err
		}
		due[p.table] = n
	}
	out := Tables(keep)
	for i := range out {
		out[i].Due = due[out[i].Table]
	}
	return out, nil
}

func lifeOf(table string) life {
	for _, l := range lives {
		if l.table == table {
			return l
		}
	}
	panic("store: no life of table " + table) // a defect of this package
}

// purge is how old rows of a table are found and removed.
type purge struct {
	table string
	from  string   // where keys are looked for; empty: the table itself
	keys  []string // of from
	due   string   // condition on from; every ? but that of needed is the time before which rows are old
	// needed is an argument of due's last ?, or nil.
	needed any
	rest   []string // statements for each key, before the row itself goes; arguments are the keys
	end    string   // instead of removing the row of from
	rows   int      // per transaction
	// window bounds the search to the lowest ids, where they ascend with time
	// and no index knows the time.
	window string
}

const smallRows = 1000 // per transaction, of rows without others below

func (p purge) source() string {
	if p.from != "" {
		return p.from
	}
	return p.table
}

func (p purge) args(before stamp) []any {
	n := strings.Count(p.due, "?")
	if p.needed != nil {
		n--
	}
	var args []any
	for range n {
		args = append(args, before)
	}
	if p.needed != nil {
		args = append(args, p.needed)
	}
	return args
}

// count is the query for the number of rows that are due.
func (p purge) count() string {
	if p.from == "" {
		return `SELECT count(*) FROM ` + p.table + ` WHERE ` + p.due
	}
	return `SELECT count(*) FROM ` + p.table + ` WHERE ` + p.from + `_id IN (SELECT id FROM ` + p.from + ` WHERE ` + p.due + `)`
}

// purge removes one transaction's worth; more tells that there may be others.
func (s *Store) purge(ctx context.Context, p purge, before stamp) (took orgflow.Pruned, more bool, err error) {
	err = s.inTx(ctx, "remove old rows of "+p.table, func(t *tx) error {
		took, more = orgflow.Pruned{}, false
		keys := strings.Join(p.keys, ", ")
		due := p.due
		if p.window != "" {
			due = p.window
		}
		pick := `SELECT ` + keys + ` FROM ` + p.source() + ` WHERE ` + due + ` ORDER BY ` + keys + fmt.Sprintf(` LIMIT %d`, p.rows)
		if len(p.rest) == 0 {
			n, err := t.exec(ctx, `DELETE FROM `+p.table+` WHERE (`+keys+`) IN (`+pick+`)`, p.args(before)...)
			if n > 0 {
				took[p.table] = n
			}
			more = n == p.rows
			return err
		}
		found, err := t.rows(ctx, pick, p.args(before)...)
		if err != nil {
			return err
		}
		for _, key := range found {
			if err := t.purgeOne(ctx, p, key, took); err != nil {
				return err
			}
		}
		more = len(found) == p.rows
		return nil
	})
	return took, more, err
}

// purgeOne removes what belongs to a key, children first, and counts it.
func (t *tx) purgeOne(ctx context.Context, p purge, key []any, took orgflow.Pruned) error {
	for _, rest := range p.rest {
		n, err := t.exec(ctx, `DELETE FROM `+rest, key...)
		if err != nil {
			return err
		}
		if n > 0 {
			table, _, _ := strings.Cut(rest, " ")
			took[table] += n
		}
	}
	if p.end != "" {
		_, err := t.exec(ctx, p.end, key...)
		return err
	}
	n, err := t.exec(ctx, `DELETE FROM `+p.table+` WHERE `+strings.Join(p.keys, ` = ? AND `)+` = ?`, key...)
	took[p.table] += n
	return err
}

// rows returns the values of a query, row by row.
func (t *tx) rows(ctx context.Context, query string, args ...any) (out [][]any, err error) {
	rows, err := t.QueryxContext(ctx, t.Rebind(query), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := rows.SliceScan()
		if err != nil {
			return nil, err
		}
		for i, v := range row {
			if raw, ok := v.([]byte); ok {
				row[i] = string(raw)
			}
		}
		out = append(out, row)
	}
	return out, rows.Err()
}
