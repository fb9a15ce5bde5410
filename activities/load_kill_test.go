package activities_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/activities"
	"orgflow/connectors"
	"orgflow/internal/store"
)

// mortalLoads is the database as a worker that is killed sees it.
type mortalLoads struct {
	*store.Store
	*death
}

func (m mortalLoads) OpenLoad(ctx context.Context, id string, o store.OpenedLoad) error {
	return m.step(func() error { return m.Store.OpenLoad(ctx, id, o) })
}

func (m mortalLoads) SavePage(ctx context.Context, p store.LoadPage) (w store.LoadWindow, err error) {
	err = m.step(func() error { w, err = m.Store.SavePage(ctx, p); return err })
	return w, err
}

func (m mortalLoads) AddLoadWindows(ctx context.Context, id string, windows []store.LoadWindow) error {
	return m.step(func() error { return m.Store.AddLoadWindows(ctx, id, windows) })
}

func (m mortalLoads) RestartWindow(ctx context.Context, id string, kind orgflow.LoadKind, t store.LoadTable, w store.LoadWindow) (out store.LoadWindow, err error) {
	err = m.step(func() error { out, err = m.Store.RestartWindow(ctx, id, kind, t, w); return err })
	return out, err
}

func (m mortalLoads) SettleUnseen(ctx context.Context, a store.Answer) error {
	return m.step(func() error { return m.Store.SettleUnseen(ctx, a) })
}

func (m mortalLoads) SwapLoad(ctx context.Context, id string) error {
	return m.step(func() error { return m.Store.SwapLoad(ctx, id) })
}

func (m mortalLoads) FinishLoad(ctx context.Context, id string, s orgflow.Status, f *orgflow.Fault) (l store.Load, err error) {
	err = m.step(func() error { l, err = m.Store.FinishLoad(ctx, id, s, f); return err })
	return l, err
}

// A create, and an update, are killed at each call and each write; a new
// worker goes on, nobody can tell, and hardly a page is read again.
func TestALoadThatIsKilledAnywhereGoesOnWhereItWas(t *testing.T) {
	for _, kind := range []orgflow.LoadKind{orgflow.LoadCreate, orgflow.LoadUpdate} {
		t.Run(string(kind), func(t *testing.T) {
			for _, name := range shops {
				t.Run(name, func(t *testing.T) {
					var alive death
					w := newShop(t, shopDatabases[name](t))
					want := loadWith(t, w, kind, &alive)
					if alive.steps < 15 {
						t.Fatalf("only %d steps", alive.steps)
					}
					for at := 1; at <= alive.steps; at++ {
						for i, after := range []bool{false, true} {
							if (2*at+i)%killEvery != 0 {
								continue
							}
							t.Run(fmt.Sprintf("step %d, after %v", at, after), func(t *testing.T) {
								d := &death{at: at, after: after}
								got := loadWith(t, w, kind, d)
								if !d.dead {
									t.Fatal("it was not killed")
								}
								if got.Calls > want.Calls+2 { // the page in hand and the next
									t.Errorf("%d calls, %d undisturbed", got.Calls, want.Calls)
								}
								got.Calls = want.Calls
								if d := cmp.Diff(want, got); d != "" {
									t.Error(d)
								}
							})
						}
					}
				})
			}
		})
	}
}

// outcome is what must be the same however often a worker was killed.
type outcome struct {
	Table      []string
	Rows       int64
	Windows    orgflow.Progress
	MarkedGone int64
	Status     orgflow.Status
	Calls      int // that the ERP answered
}

// loadWith carries a load out with a worker that dies, and with another one.
func loadWith(t *testing.T, w *shop, kind orgflow.LoadKind, d *death) outcome {
	w.t = t
	w.reset()
	w.form.Windows.WindowDays = 200
	w.form.PageSize = 4
	w.bills(18, 40*day)
	for i := range int64(6) {
		w.erp.put(bill{ID: 2000 + i, No: "of today", Qty: "1", Date: w.clock().Truncate(day), Modified: w.clock().Add(-time.Hour)})
	}
	w.load(orgflow.LoadCreate, false)
	w.erp.remove(2003)
	w.erp.asked = nil

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	d.cancel = cancel
	id, err := w.start(w.worker(w.db), kind, false)
	w.must(err)
	edited := false
	edit := func(q connectors.ERPQuery) error {
		if q.Start > 0 && !edited { // a window is begun anew
			edited = true
			for _, id := range []int64{1000, 1006, 1016, 2000} {
				w.erp.remove(id)
			}
		}
		return nil
	}
	w.erp.before = func(q connectors.ERPQuery) error {
		return d.step(func() error { return edit(q) })
	}
	l := w.worker(mortalLoads{w.db, d})
	err = w.steps(ctx, l, id, kind)
	if err == nil {
		_, err = do(ctx, l.FinishLoad, activities.LoadEnd{LoadID: id})
	}
	if (err == nil) == (d.at != 0) {
		t.Fatalf("killed at step %d of %d, it ended with %v", d.at, d.steps, err)
	}
	w.erp.before = edit
	load, err := w.db.GetLoad(context.Background(), id)
	w.must(err)
	if d.at != 0 {
		l = w.worker(w.db)
		if !load.Summary.Status.Terminal() {
			w.must(w.steps(context.Background(), l, id, kind))
		}
		w.finish(l, id, nil)
	}
	load, err = w.db.GetLoad(context.Background(), id)
	w.must(err)
	return outcome{
		Table: w.table(bills), Rows: load.Summary.Rows, Windows: load.Summary.Windows, MarkedGone: load.Summary.MarkedGone,
		Status: load.Summary.Status, Calls: len(w.erp.asked),
	}
}

// Killed in the seventeenth of its windows, a create does not read the first
// sixteen again.
func TestFinishedWindowsAreNotReadAgain(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		w.bills(240, 3*day)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		d := &death{cancel: cancel}
		id, err := w.start(w.worker(w.db), orgflow.LoadCreate, false)
		w.must(err)
		var edge time.Time
		w.erp.before = func(q connectors.ERPQuery) error {
			windows, err := w.db.LoadWindows(context.Background(), id)
			w.must(err)
			if w17 := windows[16]; q.From.Equal(w17.From) && q.Start > 4 { // the third page: the first is stored
				edge = q.From
				d.at = d.steps + 1
			}
			return d.step(func() error { return nil })
		}
		if err := w.steps(ctx, w.worker(mortalLoads{w.db, d}), id, orgflow.LoadCreate); err == nil || edge.IsZero() {
			t.Fatalf("it was not killed: %v", err)
		}
		w.erp.before, w.erp.asked = nil, nil
		l := w.worker(w.db)
		w.must(w.steps(context.Background(), l, id, orgflow.LoadCreate))
		run := w.finish(l, id, nil)
		if first := w.erp.asked[0]; !first.From.Equal(edge) || first.Start == 0 {
			t.Errorf("it went on with %+v", first)
		}
		for _, q := range w.erp.asked {
			if q.From.Before(edge) {
				t.Errorf("read again: %+v", q)
			}
		}
		if run.Rows != 240 {
			t.Errorf("%+v", run)
		}
		w.isTruth(t)
	})
}
