package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"orgflow"
)

// LoadWindow is how far a window of a table was read.
type LoadWindow struct {
	Table   int // index of the load's tables
	Seq     int // within the table, from 1
	CatchUp bool
	// From and Until are read off the ERP's clock and carried in UTC.
	From, Until time.Time
	Attempt     int    // readings that began anew before this one
	Next        int    // rows read so far: where the reading goes on
	LastKey     string // of the row before Next
	Pages       int
	Stored      int64
	Done        bool
	CreatedAt   time.Time
}

// wallClock is how times of the ERP's clock are written.
const wallClock = "2006-01-02 15:04:05.999999"

type windowRow struct {
	TableNo   int    `db:"table_no"`
	Seq       int    `db:"seq"`
	CatchUp   bool   `db:"catch_up"`
	From      string `db:"from_at"`
	Until     string `db:"until_at"`
	Attempt   int    `db:"attempt"`
	Next      int    `db:"next_row"`
	LastKey   string `db:"last_key"`
	Pages     int    `db:"pages"`
	Stored    int64  `db:"stored"`
	Done      bool   `db:"done"`
	CreatedAt stamp  `db:"created_at"`
}

const windowColumns = `table_no, seq, catch_up, from_at, until_at, attempt, next_row, last_key, pages, stored, done, created_at`

func (r windowRow) window() (LoadWindow, error) {
	w := LoadWindow{
		Table: r.TableNo, Seq: r.Seq, CatchUp: r.CatchUp, Attempt: r.Attempt, Next: r.Next, LastKey: r.LastKey,
		Pages: r.Pages, Stored: r.Stored, Done: r.Done, CreatedAt: r.CreatedAt.Time,
	}
	var err error
	if w.From, err = time.Parse(wallClock, r.From); err != nil {
		return w, fmt.Errorf("window %d: %w", r.Seq, err)
	}
	if w.Until, err = time.Parse(wallClock, r.Until); err != nil {
		return w, fmt.Errorf("window %d: %w", r.Seq, err)
	}
	return w, nil
}

// OpenedLoad is what a load was frozen to when it first saw the ERP's metadata.
type OpenedLoad struct {
	Plan       json.RawMessage
	Tables     []LoadTable
	Windows    []LoadWindow
	NewColumns []string // that the ERP offers and the local table lacks
	Notes      []string
}

// OpenLoad freezes the load and makes its tables ready: a create gets new
// ones beside those there are, an update the columns that it adds. A load
// that was opened already keeps what it has.
func (s *Store) OpenLoad(ctx context.Context, id string, o OpenedLoad) error {
	encoded, err := encodeAll(o.Tables, append([]string{}, o.NewColumns...), cleanAll(o.Notes))
	if err != nil {
		return err
	}
	return s.inTx(ctx, "open load "+id, func(t *tx) error {
		if err := t.fence(ctx, id, 0); err != nil {
			return err
		}
		var was struct {
			Plan string `db:"plan"`
			Kind string `db:"kind"`
		}
		if err := t.get(ctx, &was, `SELECT plan, kind FROM erp_run WHERE id = ?`, id); err != nil || was.Plan != "" {
			return err
		}
		for _, table := range o.Tables {
			if err := t.makeReady(ctx, table, orgflow.LoadKind(was.Kind)); err != nil {
				return err
			}
		}
		if err := t.addWindows(ctx, id, o.Windows); err != nil {
			return err
		}
		_, err := t.exec(ctx, `UPDATE erp_run SET plan = ?, tables = ?, new_columns = ?, notes = ?, phase = ?, opened_at = ? WHERE id = ?`,
			string(o.Plan), encoded[0], encoded[1], encoded[2], string(orgflow.PhaseFetch), s.now(), id)
		return err
	})
}

func encodeAll(values ...any) ([]string, error) {
	out := make([]string, len(values))
	for i, v := range values {
		var err error
		if out[i], err = encode(v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fence counts calls and makes sure that the load still runs: its row stays
// locked until the transaction ends, so that a load that was ended meanwhile
// has no effect afterwards.
func (t *tx) fence(ctx context.Context, id string, calls int) error {
	n, err := t.exec(ctx, `UPDATE erp_run SET calls = calls + ? WHERE id = ? AND status = 'running'`, calls, id)
	if err == nil && n == 0 {
		return orgflow.Faultf(orgflow.CodeCanceled, "load %s has ended", id)
	}
	return err
}

// AddLoadCalls adds to a load's counter of calls. It must be called once per
// call made: repeating it counts twice.
func (s *Store) AddLoadCalls(ctx context.Context, id string, calls int) error {
	_, err := s.exec(ctx, "count calls of load "+id, `UPDATE erp_run SET calls = calls + ? WHERE id = ?`, calls, id)
	return err
}

func (t *tx) addWindows(ctx context.Context, id string, windows []LoadWindow) error {
	for _, w := range windows {
		if _, err := t.exec(ctx, `INSERT INTO erp_window (run_id, table_no, seq, catch_up, from_at, until_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			id, w.Table, w.Seq, w.CatchUp, w.From.Format(wallClock), w.Until.Format(wallClock), t.s.now()); err != nil {
			return err
		}
	}
	return nil
}

// AddLoadWindows adds windows to those of a load; one it has already stays.
func (s *Store) AddLoadWindows(ctx context.Context, id string, windows []LoadWindow) error {
	return s.inTx(ctx, "add windows to load "+id, func(t *tx) error {
		if err := t.fence(ctx, id, 0); err != nil {
			return err
		}
		return t.addWindows(ctx, id, windows)
	})
}

// LoadWindows returns the windows of a load by table and number.
func (s *Store) LoadWindows(ctx context.Context, id string) ([]LoadWindow, error) {
	var rows []windowRow
	if err := s.list(ctx, "windows of load "+id, &rows, `SELECT `+windowColumns+` FROM erp_window WHERE run_id = ? ORDER BY table_no, seq`, id); err != nil {
		return nil, err
	}
	out := make([]LoadWindow, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = r.window(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// GetLoadWindow returns one window of a load, or ErrNotFound.
func (s *Store) GetLoadWindow(ctx context.Context, id string, table, seq int) (LoadWindow, error) {
	var row windowRow
	err := s.get(ctx, fmt.Sprintf("window %d of load %s", seq, id), &row,
		`SELECT `+windowColumns+` FROM erp_window WHERE run_id = ? AND table_no = ? AND seq = ?`, id, table, seq)
	if err != nil {
		return LoadWindow{}, err
	}
	return row.window()
}
