package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/erp"
	"orgflow/internal/store"
)

const (
	// windowRestarts is how often one attempt begins a window anew because its
	// rows move while it is read.
	windowRestarts = 5
	// storedAtOnce is how many rows one transaction stores, so that SQLite's
	// only writer is soon free for others.
	storedAtOnce = 2000
)

// ReadWindow reads a window of a table page by page and stores each page with
// the bookkeeping of where the reading stands, from which a killed reading
// goes on. Repeating it finds pages, and a window, that are done.
//
// Pages are cut by their number, so that a row that enters or leaves the
// window moves those behind it. Each page but the first therefore begins with
// the last row of the one before; where it does not, the window is read again
// from its start. What enters and leaves in equal numbers between two pages
// goes unnoticed here: a row that leaves was deleted, or saved and is caught
// up with; so is a row that enters, because entering takes saving it.
func (l *Loads) ReadWindow(ctx context.Context, p WindowParams) (LoadShare, error) {
	r := &windowReader{loads: l, stop: activity.GetWorkerStopChannel(ctx)}
	defer keepAlive(ctx, func() any { return r.read.Load() })()
	if err := r.run(ctx, p); err != nil {
		return LoadShare{}, temporalError(err)
	}
	load, err := l.Store.GetLoad(ctx, p.LoadID)
	return LoadShare{Summary: load.Summary}, temporalError(err)
}

// windowReader is one activity's reading of a window.
type windowReader struct {
	connection
	loads *Loads
	stop  <-chan struct{}
	table erp.Table
	fill  store.LoadTable
	key   int // index of the key's column
	size  int // rows of a page
	read  atomic.Int64
}

func (r *windowReader) run(ctx context.Context, p WindowParams) error {
	var err error
	if r.connection, err = r.loads.connect(ctx, p.LoadID); err != nil {
		return err
	}
	w, err := r.loads.Store.GetLoadWindow(ctx, p.LoadID, p.Window.Table, p.Window.Seq)
	if err != nil || w.Done {
		return err
	}
	r.table, r.fill = r.plan.Tables[w.Table], r.load.Tables[w.Table]
	r.key = keyIndex(r.table)
	r.size = max(2, r.plan.Config.PageSize) // a page repeats a row
	for restarts := 0; ; restarts++ {
		moved, err := r.pages(ctx, w)
		if err != nil {
			return inWindow(err, r.table, w)
		}
		if !moved {
			return nil
		}
		if restarts == windowRestarts {
			return inWindow(&orgflow.Fault{
				Code:    orgflow.CodeUnavailable,
				Message: fmt.Sprintf("rows moved in each of %d readings, because the ERP's data was changed meanwhile", restarts+1),
				Advice:  "it is read again; load the form at a quieter hour, or with smaller windows, if this goes on",
			}, r.table, w)
		}
		if w, err = r.loads.Store.RestartWindow(ctx, r.load.ID, r.load.Input.Kind, r.fill, w); err != nil {
			return err
		}
	}
}

func keyIndex(t erp.Table) int {
	return slices.IndexFunc(t.Columns, func(c erp.Column) bool { return c.Name == t.Key[0] })
}

// inWindow says which window a failure belongs to.
func inWindow(err error, t erp.Table, w store.LoadWindow) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	f := *orgflow.AsFault(err)
	f.Message = fmt.Sprintf("window %d of %s (%s to %s): %s", w.Seq, t.Name, w.From.Format(time.DateTime), w.Until.Format(time.DateTime), f.Message)
	f.Err = err
	return &f
}

// piece is a page as it was read.
type piece struct {
	pageRows
	read  int // rows, those left out included
	calls int
	parts int  // answers of the ERP that it came in
	done  bool // it is the window's last
}

// pages reads a window from where it stands to its end. While one page is
// stored the next is read. moved: rows have moved, the reading is void.
func (r *windowReader) pages(ctx context.Context, w store.LoadWindow) (moved bool, err error) {
	group, inner := errgroup.WithContext(ctx)
	pieces := make(chan piece)
	group.Go(func() error {
		defer close(pieces)
		var err error
		moved, err = r.fetch(inner, w, pieces)
		return err
	})
	group.Go(func() error {
		at := w
		for p := range pieces {
			var err error
			if at, err = r.save(inner, at, p); err != nil {
				return err
			}
			r.read.Store(int64(at.Next))
		}
		return nil
	})
	return moved, group.Wait()
}

// fetch reads pages and hands them over, until the last or until rows have
// moved.
func (r *windowReader) fetch(ctx context.Context, w store.LoadWindow, pieces chan<- piece) (moved bool, err error) {
	next, last := w.Next, w.LastKey
	for {
		select {
		case <-r.stop:
			return false, orgflow.Faultf(orgflow.CodeUnavailable, "the worker is stopping; another one goes on")
		default:
		}
		page, err := r.ask(ctx, w, max(0, next-1))
		if err != nil {
			return false, err
		}
		p := piece{calls: page.Calls, parts: max(1, page.Parts), done: len(page.Rows) < r.size}
		if p.pageRows, err = decodeRows(r.table, r.key, page.Rows); err != nil {
			return false, err
		}
		if next > 0 {
			if len(p.all) == 0 || p.all[0] != last {
				return true, r.loads.Store.AddLoadCalls(context.WithoutCancel(ctx), r.load.ID, page.Calls)
			}
			p.dropFirst()
		}
		if err := p.distinct(r.table, last); err != nil {
			return false, err
		}
		p.read = len(p.all)
		if p.read > 0 {
			next, last = next+p.read, p.all[p.read-1]
		}
		p.last = last
		select {
		case pieces <- p:
		case <-ctx.Done():
			return false, ctx.Err()
		}
		if p.done {
			return false, nil
		}
	}
}

// ask reads one page.
func (r *windowReader) ask(ctx context.Context, w store.LoadWindow, start int) (connectors.ERPPage, error) {
	q := connectors.ERPQuery{
		FormID: r.table.Form, Fields: r.table.Fields(), OrderBy: r.table.KeyFields(), DateField: r.plan.Config.DateField,
		From: w.From, Until: w.Until, In: r.plan.Config.Filter(), Start: start, Limit: r.size,
	}
	if w.CatchUp {
		q.DateField = r.plan.Modified
	}
	return r.loads.rows(ctx, r.load.ID, r.client, q)
}

// rows asks patiently. What was spent on a failure is counted here; the
// caller counts what an answer took, the page's Calls.
func (l *Loads) rows(ctx context.Context, id string, client connectors.ERP, q connectors.ERPQuery) (connectors.ERPPage, error) {
	var page connectors.ERPPage
	spent, _, err := patiently(ctx, l.Sleep, func() (calls int, err error) {
		page, err = client.Rows(ctx, q)
		return page.Calls, err
	})
	if err != nil {
		if counted := l.Store.AddLoadCalls(context.WithoutCancel(ctx), id, spent); counted != nil {
			return page, counted
		}
		return page, err
	}
	if len(page.Rows) > q.Limit {
		return page, orgflow.Faultf(orgflow.CodeUnavailable, "the ERP answers with %d rows where %d were asked for", len(page.Rows), q.Limit)
	}
	page.Calls = spent
	return page, nil
}

// save stores a page, in pieces of which each stands for itself.
func (r *windowReader) save(ctx context.Context, w store.LoadWindow, p piece) (store.LoadWindow, error) {
	for first := true; ; first = false {
		part, rest := p.cut(storedAtOnce)
		page := store.LoadPage{
			LoadID: r.load.ID, Kind: r.load.Input.Kind, Table: r.fill, Window: w,
			Read: part.read, Rows: part.rows, Keys: part.keys, LastKey: part.last,
			Fresh: r.load.Input.Kind == orgflow.LoadCreate && !w.CatchUp && w.Attempt == 0,
			Done:  p.done && rest.read == 0,
		}
		if first {
			page.Pages, page.Calls = p.parts, p.calls
		}
		after, err := r.loads.Store.SavePage(ctx, page)
		if err != nil {
			return w, err
		}
		if after.Attempt != w.Attempt || after.Next != w.Next+part.read {
			return after, orgflow.Faultf(orgflow.CodeUnavailable, "another worker reads the same window")
		}
		if rest.read == 0 {
			return after, nil
		}
		w, p.pageRows, p.read = after, rest.pageRows, rest.read
	}
}

// pageRows are the rows of a page, decoded.
type pageRows struct {
	rows [][]any
	keys []string // of rows
	all  []string // of every row that was read; "" for one that is left out
	last string   // of the last row read
}

// decodeRows returns the values of rows as the local table takes them. A row
// without a key is none of an entry's: the bill it stands for has no lines.
func decodeRows(t erp.Table, key int, raw [][]json.RawMessage) (pageRows, error) {
	out := pageRows{rows: make([][]any, 0, len(raw)), keys: make([]string, 0, len(raw)), all: make([]string, 0, len(raw))}
	for _, cells := range raw {
		row, err := t.DecodeRow(cells)
		if err != nil {
			return out, badRow(t, "", err)
		}
		text := keyText(row[key])
		if t.Entry != "" && text == "0" {
			text = ""
		}
		out.all = append(out.all, text)
		if text == "" {
			if t.Entry == "" {
				return out, badRow(t, "", fmt.Errorf("field %s, the key, is empty", t.Columns[key].Field))
			}
			continue
		}
		for i, v := range row {
			if d, ok := v.(erp.Decimal); ok {
				row[i] = string(d)
			}
		}
		out.rows, out.keys = append(out.rows, row), append(out.keys, text)
	}
	return out, nil
}

// keyText is a key as it is compared: the same text the database makes of it.
func keyText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case erp.Decimal:
		return string(v)
	}
	return ""
}

func badRow(t erp.Table, key string, err error) error {
	f := &orgflow.Fault{
		Code: orgflow.CodeInvalidRecord, Message: fmt.Sprintf("a row of form %s cannot be stored: %v", t.Form, err), Err: err,
		Advice: `correct the value in the ERP, or set the field's type with "types" in the form's file`,
	}
	if key != "" {
		f.Message = fmt.Sprintf("two rows of form %s have the key %s: %v", t.Form, key, err)
		f.Code, f.Advice = orgflow.CodeInvalidConfig, `name a field that tells rows apart as "key" in the form's file, and leave out fields of its lines`
	}
	return f
}

// dropFirst forgets the row that repeats the end of the page before.
func (p *pageRows) dropFirst() {
	if p.all[0] != "" {
		p.rows, p.keys = p.rows[1:], p.keys[1:]
	}
	p.all = p.all[1:]
}

// distinct refuses keys that do not tell rows apart: a page is read at one
// moment, in which nothing moves.
func (p *pageRows) distinct(t erp.Table, before string) error {
	for _, key := range p.keys {
		if key == before {
			return badRow(t, key, fmt.Errorf("%s does not tell rows apart", t.KeyFields()[0]))
		}
		before = key
	}
	return nil
}

// cut parts the first n rows from the rest. Rows that are left out stay with
// the part that ends the page.
func (p piece) cut(n int) (part, rest piece) {
	if len(p.rows) <= n || len(p.rows) != len(p.all) {
		return p, piece{}
	}
	part, rest = p, p
	part.rows, part.keys, part.all, part.read, part.last = p.rows[:n], p.keys[:n], p.all[:n], n, p.all[n-1]
	rest.rows, rest.keys, rest.all, rest.read = p.rows[n:], p.keys[n:], p.all[n:], p.read-n
	return part, rest
}
