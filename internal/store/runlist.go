package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"orgflow"
)

// RunFilter selects runs; zero fields select everything.
type RunFilter struct {
	Company  int64
	Consumer string
	Scope    string
	Status   []orgflow.Status
	Cursor   string
	Limit    int // default 100, at most 1000
}

// ListRuns returns runs, newest first, and the cursor of the next page, empty
// on the last one. Runs that start between two calls do not move the pages.
func (s *Store) ListRuns(ctx context.Context, f RunFilter) ([]Run, string, error) {
	var w where
	if f.Company != 0 {
		w.add("company_id = ?", f.Company)
	}
	if f.Consumer != "" {
		w.add("consumer = ?", f.Consumer)
	}
	if f.Scope != "" {
		w.add("scope = ?", f.Scope)
	}
	if len(f.Status) > 0 {
		w.add(s.dialect.inList("status", "text", anys(texts(f.Status))))
	}
	if f.Cursor != "" {
		started, id, err := parseRunCursor(f.Cursor)
		if err != nil {
			return nil, "", fmt.Errorf("list runs: %w", err)
		}
		w.add("(started_at, id) < (?, ?)", started, id)
	}
	limit := pageSize(f.Limit)
	var rows []runRow
	err := s.list(ctx, "list runs", &rows, `SELECT `+runColumns+` FROM sync_run`+w.sql()+
		` ORDER BY started_at DESC, id DESC LIMIT `+strconv.Itoa(limit+1), w.args...)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, limit, func(r runRow) string {
		return strconv.FormatInt(r.StartedAt.UnixMicro(), 10) + "." + r.ID
	})
	runs := make([]Run, len(rows))
	for i, row := range rows {
		if runs[i], err = row.run(); err != nil {
			return nil, "", err
		}
	}
	return runs, next, nil
}

func parseRunCursor(cursor string) (stamp, string, error) {
	micros, id, ok := strings.Cut(cursor, ".")
	n, err := strconv.ParseInt(micros, 10, 64)
	if !ok || err != nil || !sound(id) {
		return stamp{}, "", ErrBadCursor
	}
	return stamp{time.UnixMicro(n).UTC()}, id, nil
}

// where collects conditions.
type where struct {
	conds []string
	args  []any
}

func (w *where) add(cond string, args ...any) {
	w.conds = append(w.conds, cond)
	w.args = append(w.args, args...)
}

func (w *where) sql() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conds, " AND ")
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}
