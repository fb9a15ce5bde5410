package filesource

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/rowset"
)

// Source reads models from files. It is safe for use by several goroutines.
type Source struct {
	cfg Config
	now func() time.Time

	mu      sync.Mutex
	surveys map[string]survey // by file name
	indexes map[string]index  // by file name and key
}

var _ connectors.Source = (*Source)(nil)

// position is a cursor: where the next row stands, in which content.
type position struct {
	Hash     string `json:"hash"`   // of the file
	Filter   string `json:"filter"` // what is wanted
	Offset   int64  `json:"offset"`
	Served   int    `json:"served"`
	Declared int    `json:"declared"`
}

// checkEvery is how many rows are read between looks at the context.
const checkEvery = 1024

// ReadPage reads one page. The first page goes through the whole file: a
// broken row anywhere is an error before anything is used, and Declared is
// the number of rows the filter wants. The cursor carries the file's hash: a
// file that was replaced or changed since is CodePartialRead. The same page
// may be read again, by any process that sees the same file.
//
// Errors are *orgflow.Fault, *orgflow.InvalidError or the context's. They
// name rows and columns and show no values.
func (s *Source) ReadPage(ctx context.Context, q connectors.Query, cursor string) (connectors.Page, error) {
	if err := rowset.Check(q); err != nil {
		return connectors.Page{}, err
	}
	filter, err := rowset.Compile(q.FilterDict, q.FilterStr)
	if err != nil {
		return connectors.Page{}, err
	}
	if filter.NeedsTree() {
		if err := s.plant(ctx, filter); err != nil {
			return connectors.Page{}, err
		}
	}
	f, err := s.open(q.Model)
	if err != nil {
		return connectors.Page{}, vanished(err, cursor)
	}
	defer f.close()
	p, err := s.begin(ctx, f, filter, cursor)
	if err != nil {
		return connectors.Page{}, err
	}
	p.size = rowset.PageSize(q, s.cfg.PageSize)
	if key, single := filter.Single(); single && p.size == 1 && cursor == "" {
		if page, found, err := s.lookUp(ctx, p, key); found || err != nil {
			return page, err
		}
		if err := p.rows.From(p.start); err != nil {
			return connectors.Page{}, err
		}
	}
	if err := p.read(ctx, cursor == ""); err != nil {
		return connectors.Page{}, err
	}
	return p.answer()
}

// begin proves that a cursor still is about this file, and opens its rows.
func (s *Source) begin(ctx context.Context, f *opened, filter *rowset.Filter, cursor string) (*page, error) {
	v, err := s.survey(ctx, f)
	if err != nil {
		return nil, err
	}
	p := &page{f: f, filter: filter, at: position{Hash: v.hash, Filter: filter.Digest()}}
	if err := p.resume(cursor); err != nil {
		return nil, err
	}
	if p.rows, err = s.rows(f, v); err != nil {
		return nil, err
	}
	p.start = p.rows.Offset()
	if key, missing := p.rows.Missing(filter); missing {
		return nil, &orgflow.Fault{Code: orgflow.CodeInvalidConfig, Field: "/filter_dict/" + key,
			Message: f.name + " has no column for this key", Advice: "correct the key, or add the column"}
	}
	return p, nil
}

func (s *Source) rows(f *opened, v survey) (rows, error) {
	if !f.csv {
		return openJSON(f, v)
	}
	text, err := s.decoder(f, v)
	if err != nil {
		return nil, err
	}
	return openCSV(f, v, text)
}

// plant reads the departments that a child_include asks about.
func (s *Source) plant(ctx context.Context, filter *rowset.Filter) error {
	f, err := s.open(rowset.TreeModel)
	if err != nil {
		return err
	}
	defer f.close()
	v, err := s.survey(ctx, f)
	if err != nil {
		return err
	}
	r, err := s.rows(f, v)
	if err != nil {
		return err
	}
	tree := rowset.NewTree()
	for n := 1; ; n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		tree.Add(row)
	}
	filter.Plant(tree)
	if !f.unchanged() {
		return f.busy()
	}
	return nil
}

// vanished makes a file that is gone in the middle of a read a partial read.
func vanished(err error, cursor string) error {
	if cursor == "" {
		return err
	}
	return rowset.Partial("%s", orgflow.AsFault(err).Message)
}

// page is one page in the making.
type page struct {
	f      *opened
	filter *rowset.Filter
	rows   rows
	start  int64 // of the first row
	size   int
	at     position // where the next page begins
	out    []json.RawMessage
}

// resume takes up a cursor and proves that it is still about the same rows.
func (p *page) resume(cursor string) error {
	if cursor == "" {
		return nil
	}
	var old position
	if err := json.Unmarshal([]byte(cursor), &old); err != nil || old.Offset <= 0 || old.Served < 0 {
		return orgflow.Faultf(orgflow.CodeInternal, "the cursor of %s is none of this source", p.f.name)
	}
	if old.Hash != p.at.Hash {
		return rowset.Partial("%s was replaced while it was read, after %d of %d rows", p.f.name, old.Served, old.Declared)
	}
	if old.Filter != p.at.Filter {
		return rowset.Partial("the departments below the filter's child_include changed while %s was read, after %d of %d rows", p.f.name, old.Served, old.Declared)
	}
	p.at = old
	return nil
}

// read collects the page's rows; the first page goes on to the file's end
// and counts.
func (p *page) read(ctx context.Context, first bool) error {
	if !first {
		if err := p.rows.From(p.at.Offset); err != nil {
			return err
		}
	}
	for n, matched := 1, 0; first || p.wants(); n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		row, err := p.rows.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		wanted, err := p.filter.Match(row)
		if err != nil {
			return p.f.broken("row %d: %v", n, err)
		}
		if !wanted {
			continue
		}
		if matched++; matched <= p.size {
			raw, err := p.rows.Raw()
			if err != nil {
				return p.f.broken("row %d: %v", n, err)
			}
			p.out = append(p.out, raw)
			p.at.Offset = p.rows.Offset()
		}
		if first {
			p.at.Declared = matched
		}
	}
	if !p.f.unchanged() {
		return p.f.busy()
	}
	p.at.Served += len(p.out)
	return nil
}

// wants tells whether a later page goes on.
func (p *page) wants() bool {
	return len(p.out) < p.size && p.at.Served+len(p.out) < p.at.Declared
}

func (p *page) answer() (connectors.Page, error) {
	out := connectors.Page{Rows: p.out, Declared: p.at.Declared}
	if p.at.Served >= p.at.Declared {
		return out, nil
	}
	if len(p.out) == 0 {
		return out, rowset.Partial("%s ended after %d of %d rows", p.f.name, p.at.Served, p.at.Declared)
	}
	next, err := json.Marshal(p.at)
	out.Next = string(next)
	return out, err
}
