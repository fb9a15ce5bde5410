package sqlsource

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/rowset"
)

// Source reads models from a database. It is safe for use by several
// goroutines.
type Source struct {
	cfg     Config
	db      *sql.DB
	dialect *dialect
	shelf   shelf
}

var _ connectors.Source = (*Source)(nil)

// New checks the configuration and returns the source. It does not connect.
// A wrong configuration is an *orgflow.InvalidError that lists all problems.
func New(cfg Config) (*Source, error) {
	cfg = cfg.withDefaults()
	if problems := cfg.problems(); len(problems) > 0 {
		return nil, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	db, dialect, err := open(cfg)
	if err != nil {
		return nil, orgflow.Faultf(orgflow.CodeInvalidConfig, "/source/url %v", err)
	}
	return &Source{cfg: cfg, db: db, dialect: dialect, shelf: shelf{spools: map[string]*kept{}}}, nil
}

// Close closes the connections and drops what is kept.
func (s *Source) Close() error {
	s.shelf.clear()
	return s.db.Close()
}

func (s *Source) key(model string) string {
	if key := s.cfg.Keys[model]; key != "" {
		return key
	}
	return DefaultKey
}

// position is a cursor: where the next page begins, in which rows.
type position struct {
	Digest   string `json:"digest"` // of all rows of the snapshot
	Offset   int64  `json:"offset"`
	Served   int    `json:"served"`
	Declared int    `json:"declared"`
}

// ReadPage reads one page. The first takes a snapshot of all rows that the
// filter wants, so Declared is exact and rows that change between pages are
// neither lost nor doubled. A cursor whose snapshot this process does not
// have is served from a new one if that has the same rows, else it is
// CodePartialRead. Order is by the key column.
//
// Errors are *orgflow.Fault, *orgflow.InvalidError or the context's. They
// name rows and columns and show no values and no part of the URL but names
// of tables.
func (s *Source) ReadPage(ctx context.Context, q connectors.Query, cursor string) (connectors.Page, error) {
	if err := rowset.Check(q); err != nil {
		return connectors.Page{}, err
	}
	if s.cfg.Tables[q.Model] == "" {
		f := s.config("/tables", "there is no table for the model %q", q.Model)
		return connectors.Page{}, f
	}
	var at position
	if cursor != "" {
		if err := json.Unmarshal([]byte(cursor), &at); err != nil || at.Digest == "" || at.Offset < 0 {
			return connectors.Page{}, orgflow.Faultf(orgflow.CodeInternal, "the cursor of %s is none of this source", q.Model)
		}
	}
	sp, name, fresh, err := s.spool(ctx, q, at)
	calls := 0
	if fresh {
		calls = 1
	}
	if err != nil {
		return connectors.Page{Calls: calls}, err
	}
	rows, next, err := sp.page(at.Offset, rowset.PageSize(q, s.cfg.PageSize))
	if errors.Is(err, errGone) { // dropped in this very moment: a new snapshot, on the next attempt
		return connectors.Page{Calls: calls}, orgflow.Faultf(orgflow.CodeUnavailable, "the snapshot of %s was dropped", q.Model)
	}
	if err != nil {
		return connectors.Page{Calls: calls}, orgflow.Faultf(orgflow.CodeUnavailable, "%v", err)
	}
	page := connectors.Page{Rows: rows, Declared: sp.rows, Calls: calls}
	if next >= sp.size {
		s.shelf.done(name)
		if fresh {
			sp.drop()
		}
		return page, nil
	}
	if fresh {
		s.shelf.put(name, sp)
	}
	raw, err := json.Marshal(position{Digest: sp.digest, Offset: next, Served: at.Served + len(rows), Declared: sp.rows})
	page.Next = string(raw)
	return page, err
}

// spool returns the snapshot of a read, the name it is or shall be kept
// under, and whether it was taken just now.
func (s *Source) spool(ctx context.Context, q connectors.Query, at position) (sp *spool, name string, fresh bool, err error) {
	filter, err := rowset.Compile(q.FilterDict, q.FilterStr)
	if err != nil {
		return nil, "", false, err
	}
	wanted := q.Model + " " + filter.Digest() + " "
	if sp = s.shelf.get(wanted + at.Digest); sp != nil {
		return sp, wanted + at.Digest, false, nil
	}
	if err := s.present(); err != nil {
		return nil, "", false, lost(err, at)
	}
	if sp, err = s.snapshot(ctx, q.Model, filter); err != nil {
		return nil, "", true, lost(err, at)
	}
	if at.Digest != "" && at.Digest != sp.digest {
		sp.drop()
		return nil, "", true, rowset.Partial("%s changed while its reading was interrupted, after %d of %d rows", q.Model, at.Served, at.Declared)
	}
	return sp, wanted + sp.digest, true, nil
}

// lost makes a table that is gone in the middle of a read a partial read.
func lost(err error, at position) error {
	f := orgflow.AsFault(err)
	if at.Digest == "" || f.Code != orgflow.CodeInvalidConfig {
		return err
	}
	return rowset.Partial("%s", f.Message)
}
