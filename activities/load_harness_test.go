package activities_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"orgflow"
	"orgflow/activities"
	"orgflow/connectors"
	"orgflow/internal/erp"
	"orgflow/internal/store"
	"orgflow/internal/testpg"
)

// wall is the layout of the ERP's clock in these tests.
const wall = "2006-01-02 15:04:05"

// bill is a row of the ERP.
type bill struct {
	ID       int64
	No       string
	Qty      string
	Open     bool
	Date     time.Time // a day
	Modified time.Time // by the ERP's clock, in UTC
	Lines    int
}

// ledger is an ERP with one form, written by hand: it filters, orders and
// pages as the connector says an ERP does.
type ledger struct {
	mu    sync.Mutex
	bills map[int64]bill
	asked []connectors.ERPQuery
	// before is called ahead of each page, without the lock; an error is what
	// the ERP answers.
	before func(q connectors.ERPQuery) error
	extra  []orgflow.ERPField // fields the form has got
}

func (l *ledger) ERP(int64) (connectors.ERP, error) { return l, nil }

func (l *ledger) Form(_ context.Context, id string) (orgflow.ERPForm, error) {
	if id != "SAL_Bill" {
		return orgflow.ERPForm{}, orgflow.Faultf(orgflow.CodeNotFound, "业务对象不存在")
	}
	fields := []orgflow.ERPField{
		{ID: "FID", Type: orgflow.ERPInteger}, {ID: "FBillNo", Type: orgflow.ERPText}, {ID: "FQty", Type: orgflow.ERPDecimal},
		{ID: "FOpen", Type: orgflow.ERPBoolean}, {ID: "FDate", Type: orgflow.ERPDate}, {ID: "FModifyDate", Type: orgflow.ERPTime},
	}
	return orgflow.ERPForm{
		ID: id, Key: "FID", Fields: append(fields, l.extra...),
		Entries: []orgflow.ERPEntry{{ID: "FLine", Key: "FEntryID", Fields: []orgflow.ERPField{{ID: "FEntryID", Type: orgflow.ERPInteger}, {ID: "FItem", Type: orgflow.ERPText}}}},
	}, nil
}

func (l *ledger) Rows(_ context.Context, q connectors.ERPQuery) (connectors.ERPPage, error) {
	if l.before != nil {
		if err := l.before(q); err != nil {
			return connectors.ERPPage{Calls: 1}, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, q)
	rows := l.matching(q)
	page := connectors.ERPPage{Calls: 1}
	for i := q.Start; i < min(len(rows), q.Start+q.Limit); i++ {
		page.Rows = append(page.Rows, rows[i])
	}
	return page, nil
}

func (l *ledger) matching(q connectors.ERPQuery) (out [][]json.RawMessage) {
	lines := slices.Contains(q.Fields, "FLine_FEntryID")
	for _, id := range sorted(l.bills) {
		b := l.bills[id]
		at := map[string]time.Time{"FModifyDate": b.Modified, "FDate": b.Date}[q.DateField]
		if q.DateField != "" && (at.Before(q.From) || !at.Before(q.Until)) {
			continue
		}
		if in := q.In["FID"]; in != nil && !slices.Contains(in, strconv.FormatInt(id, 10)) {
			continue
		}
		for line := 1; line == 1 || lines && line <= b.Lines; line++ {
			if in := q.In["FLine_FEntryID"]; in != nil && !slices.Contains(in, strconv.FormatInt(id*100+int64(line), 10)) {
				continue
			}
			out = append(out, b.cells(q.Fields, line))
		}
	}
	return out
}

// cells are a row's values as JSON.
func (b bill) cells(fields []string, line int) []json.RawMessage {
	out := make([]json.RawMessage, len(fields))
	for i, f := range fields {
		switch f {
		case "FID":
			out[i] = fmt.Appendf(nil, "%d", b.ID)
		case "FBillNo", "FNote":
			out[i], _ = json.Marshal(b.No)
		case "FQty":
			out[i] = json.RawMessage(b.Qty)
		case "FOpen":
			out[i] = fmt.Appendf(nil, "%v", b.Open)
		case "FDate":
			out[i] = fmt.Appendf(nil, "%q", b.Date.Format("2006-01-02T15:04:05"))
		case "FModifyDate":
			out[i] = fmt.Appendf(nil, "%q", b.Modified.Format("2006-01-02T15:04:05"))
		case "FLine_FEntryID":
			out[i] = json.RawMessage("0")
			if b.Lines > 0 {
				out[i] = fmt.Appendf(nil, "%d", b.ID*100+int64(line))
			}
		case "FItem":
			out[i] = fmt.Appendf(nil, `"item %d"`, line)
		}
	}
	return out
}

func sorted[K cmp.Ordered, V any](m map[K]V) []K {
	var keys []K
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// put saves a bill the way a person does.
func (l *ledger) put(b bill) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bills[b.ID] = b
}

func (l *ledger) remove(id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.bills, id)
}

// shop is a company with an ERP, its local tables and the workers that load
// them.
type shop struct {
	t     testing.TB
	erp   *ledger
	db    *store.Store
	form  erp.Config
	alive map[string]bool // workflow id → still running
	mu    sync.Mutex
	at    time.Time
	runs  int
}

var shopDatabases = map[string]func(testing.TB) string{
	"sqlite":   func(t testing.TB) string { return "sqlite://" + filepath.Join(t.TempDir(), "orgflow.db") },
	"postgres": testpg.URL,
}

// eachShop runs the test on each kind of database.
func eachShop(t *testing.T, test func(t *testing.T, w *shop)) {
	for _, name := range shops {
		t.Run(name, func(t *testing.T) { test(t, newShop(t, shopDatabases[name](t))) })
	}
}

func newShop(t testing.TB, url string) *shop {
	t.Helper()
	w := &shop{
		t: t, erp: &ledger{bills: map[int64]bill{}}, alive: map[string]bool{}, at: time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC),
		form: erp.Config{FormID: "SAL_Bill", DateField: "FModifyDate", PageSize: 5},
	}
	var err error
	w.db, err = store.Open(context.Background(), url, store.Options{Now: w.now})
	w.must(err)
	t.Cleanup(func() { w.must(w.db.Close()) })
	w.must(w.db.Migrate(context.Background()))
	return w
}

func (w *shop) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *shop) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(time.Second)
	return w.at
}

// clock is what the ERP's clock shows.
func (w *shop) clock() time.Time { return w.now().Add(8 * time.Hour).Truncate(time.Second) }

func (w *shop) Running(_ context.Context, workflowID, _ string) (bool, error) {
	return w.alive[workflowID], nil
}

func (w *shop) Supersede(context.Context, string, string) (bool, error) { return false, nil }

func (w *shop) DecodeLoad(raw []byte) (in orgflow.LoadInput, err error) {
	err = json.Unmarshal(raw, &in)
	return in, err
}

func (w *shop) Form(_ int64, id string) (erp.Config, error) {
	if id != w.form.FormID {
		return erp.Config{}, orgflow.Faultf(orgflow.CodeInvalidConfig, "no form %s", id)
	}
	return w.form, nil
}

func (w *shop) worker(db activities.LoadStore) *activities.Loads {
	return &activities.Loads{
		Store: db, Files: w, ERPs: w.erp, Executions: w, Now: w.now,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

// reset makes the database and the ERP as they were when the shop opened.
func (w *shop) reset() {
	w.t.Helper()
	for _, table := range []string{bills, bills + "__old", bills + "__new"} {
		w.exec(`DROP TABLE IF EXISTS "` + table + `"`)
	}
	w.exec(`DELETE FROM erp_run`)
	w.exec(`DELETE FROM erp_form`)
	w.erp.bills, w.erp.asked, w.erp.before = map[int64]bill{}, nil, nil
	w.alive, w.at, w.runs = map[string]bool{}, time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC), 0
}

// bills fills the ERP with bills, one every so often back from now.
func (w *shop) bills(n int, every time.Duration) {
	w.t.Helper()
	at := w.clock()
	for i := range n {
		saved := at.Add(-time.Duration(n-i) * every)
		w.erp.put(bill{
			ID: int64(1000 + i), No: fmt.Sprintf("XSDD%06d", i), Qty: fmt.Sprintf("%d.1000000000", i), Open: i%3 == 0,
			Date: saved.Truncate(24 * time.Hour), Modified: saved.Truncate(time.Second), Lines: i % 3,
		})
	}
}

const day = 24 * time.Hour

func (w *shop) start(l *activities.Loads, kind orgflow.LoadKind, deep bool) (string, error) {
	w.runs++
	id := fmt.Sprintf("erp-%d", w.runs)
	raw, err := json.Marshal(orgflow.LoadInput{CompanyID: 9, FormID: w.form.FormID, Kind: kind, Deep: deep})
	w.must(err)
	share, err := do(context.Background(), l.PrepareLoad, activities.LoadStart{Input: raw, WorkflowID: id, FirstRunID: fmt.Sprintf("first-%d", w.runs)})
	w.alive[id] = err == nil
	return share.Summary.ID, err
}

// steps is the workflow in plain Go, without its end.
func (w *shop) steps(ctx context.Context, l *activities.Loads, id string, kind orgflow.LoadKind) error {
	share, err := do(ctx, l.OpenLoad, activities.LoadParams{LoadID: id})
	for err == nil && len(share.Windows) > 0 {
		for _, ref := range share.Windows {
			if _, err := do(ctx, l.ReadWindow, activities.WindowParams{LoadID: id, Window: ref}); err != nil {
				return err
			}
		}
		share, err = do(ctx, l.CatchUp, activities.LoadParams{LoadID: id})
	}
	if err == nil && share.Summary.Windows.Done == 0 && share.Summary.Windows.Total > 0 {
		return fmt.Errorf("no window was read")
	}
	if err != nil {
		return err
	}
	if kind == orgflow.LoadCreate {
		_, err = do(ctx, l.SwapTables, activities.LoadParams{LoadID: id})
	} else {
		_, err = do(ctx, l.SettleUnseen, activities.LoadParams{LoadID: id})
	}
	return err
}

func (w *shop) finish(l *activities.Loads, id string, cause error) orgflow.ERPRun {
	w.t.Helper()
	end := activities.LoadEnd{LoadID: id}
	if cause != nil {
		var app *temporal.ApplicationError
		if end.Fault = orgflow.AsFault(cause); errors.As(cause, &app) {
			w.must(app.Details(end.Fault))
		}
	}
	run, err := do(context.Background(), l.FinishLoad, end)
	w.must(err)
	delete(w.alive, fmt.Sprintf("erp-%d", w.runs))
	return run
}

// load runs a load that nothing disturbs.
func (w *shop) load(kind orgflow.LoadKind, deep bool) orgflow.ERPRun {
	w.t.Helper()
	run, err := w.try(kind, deep)
	w.must(err)
	return run
}

func (w *shop) try(kind orgflow.LoadKind, deep bool) (orgflow.ERPRun, error) {
	w.t.Helper()
	l := w.worker(w.db)
	id, err := w.start(l, kind, deep)
	if err != nil {
		return orgflow.ERPRun{}, err
	}
	err = w.steps(context.Background(), l, id, kind)
	return w.finish(l, id, err), err
}

// query returns the first column of a statement's rows.
func (w *shop) query(statement string) []string {
	w.t.Helper()
	var out []string
	w.must(w.db.DB().Select(&out, statement))
	return out
}

func (w *shop) exec(statement string) {
	w.t.Helper()
	_, err := w.db.DB().Exec(statement)
	w.must(err)
}

// table is the local table, a line a row.
func (w *shop) table(name string) []string {
	w.t.Helper()
	return w.query(`SELECT CAST("FID" AS text) || ' ' || coalesce("FBillNo", 'null') || ' ' || coalesce(CAST("FQty" AS text), 'null') || ' ' ||
		CASE WHEN "FOpen" THEN 'open' ELSE 'closed' END || ' ' || CAST("FDate" AS text) || ' ' || CAST("FModifyDate" AS text) ||
		CASE WHEN orgflow_gone_at IS NULL THEN '' ELSE ' gone' END FROM "` + name + `" ORDER BY "FID"`)
}

// truth is what the table should be: what the ERP has.
func (w *shop) truth() []string {
	w.erp.mu.Lock()
	defer w.erp.mu.Unlock()
	var out []string
	for _, id := range sorted(w.erp.bills) {
		out = append(out, w.erp.bills[id].line())
	}
	return out
}

func (b bill) line() string {
	open := "closed"
	if b.Open {
		open = "open"
	}
	return fmt.Sprintf("%d %s %s %s %s %s", b.ID, b.No, b.Qty, open, b.Date.Format(time.DateOnly), b.Modified.Format(wall))
}
