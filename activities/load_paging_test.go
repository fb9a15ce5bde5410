package activities_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
	"orgflow/connectors"
)

// A page that is full may be the last one, and one row more is not lost.
func TestWindowsOfExactlyAPage(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		for _, n := range []int{0, 1, 1999, 2000, 2001, 3999, 4000} {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				w.reset()
				w.form.PageSize = 2000
				w.bills(n, time.Minute)
				if run := w.load(orgflow.LoadCreate, false); run.Rows != int64(n) {
					t.Errorf("%d rows", run.Rows)
				}
				w.isTruth(t)
			})
		}
	})
}

// A moment that is a window's end is the next one's beginning: rows of it are
// read once.
func TestRowsAtTheEdgeOfAWindow(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		w.form.PageSize = 10
		w.load(orgflow.LoadCreate, false)
		edge := w.erp.asked[5].Until
		if !w.erp.asked[6].From.Equal(edge) {
			t.Fatalf("windows %v and %v", w.erp.asked[5], w.erp.asked[6])
		}
		for i := range int64(30) {
			w.erp.put(bill{ID: 1 + i, No: "at the edge", Qty: "1", Date: edge.Truncate(day), Modified: edge})
		}
		w.mu.Lock()
		w.at = time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC) // the same windows again
		w.mu.Unlock()
		if run := w.load(orgflow.LoadCreate, false); run.Rows != 30 {
			t.Errorf("%d rows", run.Rows)
		}
		w.isTruth(t)
	})
}

func TestARowThatChangesWhilePagingIsNeitherLostNorDoubled(t *testing.T) {
	edits := map[string]func(w *shop){
		"saved, read before":    func(w *shop) { w.touch(1001) },
		"saved, not read yet":   func(w *shop) { w.touch(1018) },
		"deleted, read before":  func(w *shop) { w.erp.remove(1001) },
		"deleted, not read yet": func(w *shop) { w.erp.remove(1018) },
		"the last one read":     func(w *shop) { w.touch(1004) },
		"comes": func(w *shop) {
			w.erp.put(bill{ID: 1, No: "new", Qty: "1", Date: w.clock().Truncate(day), Modified: w.clock()})
		},
		"saved, two of them": func(w *shop) { w.touch(1001); w.touch(1018) },
		"the first of all":   func(w *shop) { w.touch(1000) },
		"one page whole": func(w *shop) {
			for i := range int64(5) {
				w.touch(1000 + i)
			}
		},
		"everything": func(w *shop) {
			for i := range int64(20) {
				w.touch(1000 + i)
			}
		},
		"everything but the end": func(w *shop) {
			for i := range int64(19) {
				w.erp.remove(1000 + i)
			}
		},
	}
	eachShop(t, func(t *testing.T, w *shop) {
		for name, edit := range edits {
			t.Run(name, func(t *testing.T) {
				w.reset()
				w.bills(20, time.Minute) // of one window
				pages := 0
				w.erp.before = func(q connectors.ERPQuery) error {
					if q.Start > 0 {
						if pages++; pages == 1 {
							edit(w)
						}
					}
					return nil
				}
				w.load(orgflow.LoadCreate, false)
				if pages == 0 {
					t.Fatal("there was no second page")
				}
				w.isTruth(t)
			})
		}
	})
}

// touch saves a bill.
func (w *shop) touch(id int64) {
	w.erp.mu.Lock()
	b, ok := w.erp.bills[id]
	w.erp.mu.Unlock()
	if ok {
		b.No, b.Modified = b.No+"*", w.clock()
		w.erp.put(b)
	}
}

// An ERP in which rows never stop moving is read at most so often.
func TestAWindowThatNeverStandsStill(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		w.bills(400, time.Minute)
		next := int64(1000)
		w.erp.before = func(q connectors.ERPQuery) error {
			if q.Start > 0 {
				w.erp.remove(next)
				next++
			}
			return nil
		}
		run, err := w.try(orgflow.LoadCreate, false)
		if err == nil || run.Error.Code != orgflow.CodeUnavailable || !strings.Contains(run.Error.Message, "window 24 of ERP_SAL_Bill") ||
			!strings.Contains(run.Error.Message, "in each of 6 readings") {
			t.Errorf("%+v, %v", run.Error, err)
		}
		if got := next - 1000; got != 6 {
			t.Errorf("read %d times", got)
		}
	})
}

// inParts is an ERP that gives a page in two answers.
type inParts struct{ connectors.ERP }

func (e inParts) Rows(ctx context.Context, q connectors.ERPQuery) (connectors.ERPPage, error) {
	page, err := e.ERP.Rows(ctx, q)
	page.Parts = min(2, len(page.Rows))
	return page, err
}

// Only a window of one answer was read at one moment: behind one of two,
// another catches up.
func TestAPageOfTwoAnswersIsCaughtUpWith(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		w.bills(10, time.Minute)
		w.form.PageSize = 100
		w.loadFrom(inParts{w.erp}, orgflow.LoadCreate)
		windows, err := w.db.LoadWindows(t.Context(), "erp-1~1")
		w.must(err)
		catchUps := 0
		for _, window := range windows {
			if window.CatchUp {
				catchUps++
			}
		}
		if catchUps != 5 { // the bills of the last minutes are in each of them
			t.Errorf("caught up %d times", catchUps)
		}
	})
}

// Whatever people do while a load runs, the table is the ERP's after it: what
// was deleted behind a reading's back is found by the next deep update.
func TestTablesFollowTheERP(t *testing.T) {
	for _, name := range shops {
		t.Run(name, func(t *testing.T) {
			w := newShop(t, shopDatabases[name](t))
			w.form.Windows.WindowDays = 200
			w.form.Windows.OverlapMinutes = 1
			rapid.Check(t, func(rt *rapid.T) {
				w.reset()
				w.form.DateField, w.form.DateKind = "FModifyDate", "modified"
				if rapid.Bool().Draw(rt, "business") {
					w.form.DateField, w.form.DateKind = "FDate", "business"
				}
				w.form.PageSize = rapid.IntRange(2, 6).Draw(rt, "page")
				w.bills(rapid.IntRange(0, 25).Draw(rt, "bills"), time.Duration(rapid.IntRange(1, 20).Draw(rt, "every"))*day)
				steps, deleted := drawEdits(rt, "edits"), false
				w.erp.before = func(connectors.ERPQuery) error {
					if len(steps) > 0 {
						deleted = w.edit(steps[0]) || deleted
						steps = steps[1:]
					}
					return nil
				}
				attempt := func(kind orgflow.LoadKind, deep bool) (orgflow.ERPRun, bool) {
					run, err := w.try(kind, deep)
					if err != nil && !strings.Contains(err.Error(), "rows moved") {
						rt.Fatal(err)
					}
					return run, err == nil
				}
				created, ok := attempt(orgflow.LoadCreate, false)
				if !ok {
					return // it moved all the time, and was said so
				}
				compare := func(when string) {
					if d := cmp.Diff(w.truth(), w.present()); d != "" {
						rt.Fatalf("after %s: %s", when, d)
					}
				}
				if !deleted && w.caughtUp(created.ID) {
					compare("the create")
				}
				deep := rapid.Bool().Draw(rt, "deep")
				steps = drawEdits(rt, "more edits")
				if _, ok := attempt(orgflow.LoadUpdate, deep); !ok {
					return
				}
				w.erp.before = nil
				w.load(orgflow.LoadUpdate, true)
				compare("a quiet deep update")
			})
		})
	}
}

// An edit is what somebody does to a bill between two pages. It is drawn
// before the load: pages are read by goroutines of the load, where rapid cannot
// draw.
type edit struct {
	Kind string
	Pick int   // which of the bills that are there
	New  int64 // id of a new bill
	Qty  string
	Days int // a move gives the bill a date so long ago
}

func drawEdits(rt *rapid.T, label string) []edit {
	one := rapid.Custom(func(rt *rapid.T) edit {
		e := edit{Kind: rapid.SampledFrom([]string{"none", "none", "none", "new", "delete", "change", "change", "move"}).Draw(rt, "kind")}
		switch e.Kind {
		case "new":
			e.New = rapid.Int64Range(1, 3000).Draw(rt, "new id")
		case "move":
			e.Days = rapid.IntRange(0, 700).Draw(rt, "days")
			fallthrough
		case "change":
			e.Qty = rapid.SampledFrom([]string{"1.5", "null", "-0.10"}).Draw(rt, "qty")
			fallthrough
		case "delete":
			e.Pick = rapid.IntRange(0, 40).Draw(rt, "pick")
		}
		return e
	})
	n := rapid.IntRange(0, 25).Draw(rt, label)
	return rapid.SliceOfN(one, n, n).Draw(rt, label)
}

// edit does it; true where a bill was deleted.
func (w *shop) edit(e edit) (deleted bool) {
	now := w.clock()
	if e.Kind == "new" {
		w.erp.put(bill{ID: e.New, No: "new", Qty: "0.5", Date: now.Truncate(day), Modified: now})
	}
	ids := sorted(w.erp.bills)
	if e.Kind == "none" || e.Kind == "new" || len(ids) == 0 {
		return false
	}
	b := w.erp.bills[ids[e.Pick%len(ids)]]
	switch e.Kind {
	case "delete":
		w.erp.remove(b.ID)
		return true
	case "move":
		b.Date = now.AddDate(0, 0, -e.Days).Truncate(day)
	}
	b.Qty, b.Modified = e.Qty, now
	w.erp.put(b)
	return false
}

// caughtUp: the last window a load caught up with was a single page, read at
// one moment. Where people save all the time, the load ends without one, and
// the next update brings what they saved.
func (w *shop) caughtUp(id string) bool {
	windows, err := w.db.LoadWindows(w.t.Context(), id)
	w.must(err)
	return windows[len(windows)-1].Pages <= 1
}

// present is the local table without what is marked as gone.
func (w *shop) present() []string {
	var out []string
	for _, line := range w.table(bills) {
		if !strings.HasSuffix(line, " gone") {
			out = append(out, line)
		}
	}
	return out
}
