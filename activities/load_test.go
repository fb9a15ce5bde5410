package activities_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/temporal"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/erp"
)

const bills = "ERP_SAL_Bill"

func (w *shop) isTruth(t *testing.T) {
	t.Helper()
	if d := cmp.Diff(w.truth(), w.table(bills)); d != "" {
		t.Error(d)
	}
}

func TestACreateLoadsTwoYears(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		w.bills(100, 7*day)
		w.erp.put(bill{ID: 1, No: "of long ago", Qty: "null", Modified: w.clock().AddDate(-3, 0, 0)})
		run := w.load(orgflow.LoadCreate, false)
		w.erp.remove(1)
		w.isTruth(t)
		if run.Status != orgflow.StatusCompleted || run.Rows != 100 || run.Windows != (orgflow.Progress{Done: 24, Total: 24}) || run.Calls != len(w.erp.asked)+1 || run.FinishedAt == nil {
			t.Errorf("%+v", run)
		}
		if left := w.query(`SELECT CAST(count(*) AS text) FROM erp_seen`); left[0] != "0" {
			t.Errorf("%s keys are left", left)
		}
	})
}

// The old table is the last generation's, whole, until the new one is.
func TestACreateKeepsTheTableOfBefore(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		w.bills(20, 30*day)
		w.load(orgflow.LoadCreate, false)
		before := w.table(bills)
		for i := range int64(3) {
			w.erp.put(bill{ID: 2000 + i, No: "new", Qty: "1", Date: w.clock().Truncate(day), Modified: w.clock()})
			reads := 0
			w.erp.before = func(connectors.ERPQuery) error {
				reads++
				if d := cmp.Diff(before, w.table(bills)); d != "" {
					t.Errorf("while it is read: %s", d)
				}
				return nil
			}
			w.load(orgflow.LoadCreate, false)
			w.isTruth(t)
			if d := cmp.Diff(before, w.table(bills+"__old")); d != "" || reads == 0 {
				t.Errorf("kept, %d reads: %s", reads, d)
			}
			before = w.table(bills)
		}
	})
}

func TestAnERPThatDiesLeavesTheOldTable(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		w.bills(60, 10*day)
		w.load(orgflow.LoadCreate, false)
		before := w.table(bills)
		w.bills(80, 8*day)
		calls := 0
		w.erp.before = func(connectors.ERPQuery) error {
			if calls++; calls > 10 {
				return orgflow.Faultf(orgflow.CodeUnavailable, "connection refused")
			}
			return nil
		}
		run, err := w.try(orgflow.LoadCreate, false)
		if err == nil || run.Status != orgflow.StatusFailed || !strings.Contains(run.Error.Message, "window 11 of ERP_SAL_Bill") {
			t.Errorf("%+v, %v", run, err)
		}
		if d := cmp.Diff(before, w.table(bills)); d != "" {
			t.Error(d)
		}
		if _, err := w.db.LocalTable(context.Background(), bills+"__new"); err == nil {
			t.Error("the new table is still there")
		}
		w.erp.before = nil
		w.load(orgflow.LoadCreate, false)
		w.isTruth(t)
	})
}

func TestAnUpdateNeedsATable(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		run, err := w.try(orgflow.LoadUpdate, false)
		if err == nil || run.Status != orgflow.StatusFailed || !strings.Contains(run.Error.Error(), "run create first") {
			t.Errorf("%+v, %v", run, err)
		}
		w.exec(`CREATE TABLE "ERP_SAL_Bill" ("FID" bigint, "FBillNo" text)`)
		if run, err = w.try(orgflow.LoadUpdate, false); err == nil || !strings.Contains(run.Error.Error(), "no column FID that is unique") {
			t.Errorf("%+v, %v", run, err)
		}
	})
}

// What the ERP holds is taken over digit by digit; a table with what people
// added to it keeps that.
func TestAnUpdateFillsTheColumnsThereAre(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		w.bills(30, 20*day)
		w.load(orgflow.LoadCreate, false)
		w.exec(`ALTER TABLE "ERP_SAL_Bill" ADD COLUMN remark text DEFAULT 'none'`)
		w.exec(`UPDATE "ERP_SAL_Bill" SET remark = 'look at ' || "FBillNo"`)
		w.exec(`ALTER TABLE "ERP_SAL_Bill" DROP COLUMN "FOpen"`)
		w.exec(`CREATE INDEX by_remark ON "ERP_SAL_Bill" (remark)`)
		changed := w.erp.bills[1029]
		changed.Qty, changed.Modified = "12345678901234567890.0123456789", w.clock()
		w.erp.put(changed)
		w.erp.put(bill{ID: 5000, No: `"; DROP TABLE x;--`, Qty: "null", Date: w.clock().Truncate(day), Modified: w.clock()})
		run := w.load(orgflow.LoadUpdate, false)
		if !slices.Equal(run.NewColumns, []string{"FOpen"}) || run.MarkedGone != 0 || run.Rows != 4 {
			t.Errorf("%+v", run)
		}
		got := w.query(`SELECT coalesce(CAST("FQty" AS text), 'null') || ' ' || remark || ' ' || "FBillNo" FROM "ERP_SAL_Bill" WHERE "FID" IN (1028, 1029, 5000) ORDER BY "FID"`)
		want := []string{"28.1000000000 look at XSDD000028 XSDD000028", "12345678901234567890.0123456789 look at XSDD000029 XSDD000029", `null none "; DROP TABLE x;--`}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		w.form.Evolve = true
		w.load(orgflow.LoadUpdate, false)
		if got := w.query(`SELECT CAST("FID" AS text) FROM "ERP_SAL_Bill" WHERE "FOpen" IS NOT NULL AND remark IS NOT NULL ORDER BY "FID"`); !slices.Equal(got, []string{"1027", "1028", "1029", "5000"}) {
			t.Errorf("evolved: %v", got)
		}
	})
}

// A row that a window lacks is gone only if the ERP says so.
func TestRowsThatAreGoneAreMarked(t *testing.T) {
	for name, field := range map[string]string{"modified": "FModifyDate", "business": "FDate"} {
		t.Run(name, func(t *testing.T) {
			eachShop(t, func(t *testing.T, w *shop) {
				if w.form.DateField = field; name == "business" {
					w.form.DateKind = "business"
				}
				w.bills(60, 10*day)
				w.load(orgflow.LoadCreate, false)
				moved := w.erp.bills[1059] // entered with the wrong date, but there
				moved.Date, moved.Modified = moved.Date.AddDate(-1, 0, 0), w.clock()
				w.erp.put(moved)
				gone, old := w.erp.bills[1058], w.erp.bills[1010]
				w.erp.remove(1058)
				w.erp.remove(1010) // too old for an update
				run := w.load(orgflow.LoadUpdate, false)
				if run.MarkedGone != 1 {
					t.Errorf("marked %d", run.MarkedGone)
				}
				want := append(w.truth(), gone.line()+" gone", old.line())
				slices.Sort(want)
				if d := cmp.Diff(want, w.table(bills)); d != "" {
					t.Error(d)
				}
				if run := w.load(orgflow.LoadUpdate, false); run.MarkedGone != 0 {
					t.Errorf("marked %d again", run.MarkedGone)
				}
				if run := w.load(orgflow.LoadUpdate, true); run.MarkedGone != 1 {
					t.Errorf("a deep update marked %d", run.MarkedGone)
				}
				w.erp.put(gone)
				w.erp.put(old)
				w.load(orgflow.LoadUpdate, true)
				w.isTruth(t) // both are back
			})
		})
	}
}

// An ERP that cannot be asked, or answers something else, marks nothing.
func TestNotKnowingIsNotGone(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		w.bills(10, day)
		w.load(orgflow.LoadCreate, false)
		lost := w.erp.bills[1005]
		w.erp.remove(1005)
		w.erp.before = func(q connectors.ERPQuery) error {
			if q.In != nil {
				return orgflow.Faultf(orgflow.CodeUnavailable, "busy")
			}
			return nil
		}
		if run, err := w.try(orgflow.LoadUpdate, false); err == nil || run.MarkedGone != 0 || run.Status != orgflow.StatusFailed {
			t.Errorf("%+v, %v", run, err)
		}
		w.erp.put(lost)
		w.isTruth(t)
	})
}

// An older reading never overwrites a newer one.
func TestTheNewerReadingStays(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		w.bills(5, day)
		w.load(orgflow.LoadCreate, false)
		w.exec(`UPDATE "ERP_SAL_Bill" SET "FBillNo" = 'newer', "FModifyDate" = '2026-12-31 00:00:00' WHERE "FID" = 1002`)
		w.exec(`UPDATE "ERP_SAL_Bill" SET "FBillNo" = 'of the same time' WHERE "FID" = 1003`)
		w.load(orgflow.LoadUpdate, false)
		if got := w.query(`SELECT "FBillNo" FROM "ERP_SAL_Bill" WHERE "FID" IN (1002, 1003) ORDER BY "FID"`); !slices.Equal(got, []string{"newer", "XSDD000003"}) {
			t.Errorf("got %v", got)
		}
	})
}

func TestChildTablesAreLoaded(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		w.form.Entries = []erp.Entry{{ID: "FLine"}}
		w.bills(31, 5*day)
		run := w.load(orgflow.LoadCreate, false)
		count := func() []string { return w.query(`SELECT CAST(count(*) AS text) FROM "ERP_SAL_Bill__FLine"`) }
		if got := count(); got[0] != "30" || run.Rows != 31 || run.Windows.Total != 48 {
			t.Errorf("%v lines, %+v", got, run)
		}
		w.isTruth(t)
		w.erp.put(bill{ID: 9000, No: "n", Qty: "1", Date: w.clock().Truncate(day), Modified: w.clock(), Lines: 7})
		w.erp.remove(1030)
		w.load(orgflow.LoadUpdate, false)
		if got := count(); got[0] != "37" {
			t.Errorf("%v lines", got)
		}
	})
}

// A line that was struck off a bill is gone, however old it is: the bill that
// was saved shows the lines it has.
func TestALineThatIsStruckOffIsMarked(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		w.form.Entries = []erp.Entry{{ID: "FLine"}}
		w.bills(20, 20*day)
		w.load(orgflow.LoadCreate, false)
		b := w.erp.bills[1002] // a year old, of 2 lines
		b.Lines, b.Modified = 1, w.clock()
		w.erp.put(b)
		run := w.load(orgflow.LoadUpdate, false)
		gone := w.query(`SELECT CAST("FLine_FEntryID" AS text) FROM "ERP_SAL_Bill__FLine" WHERE orgflow_gone_at IS NOT NULL`)
		if !slices.Equal(gone, []string{"100202"}) || run.MarkedGone != 1 {
			t.Errorf("gone are %v of %d", gone, run.MarkedGone)
		}
	})
}

// An update by days reads whole days, and asks for no row of the day before.
func TestAnUpdateByDaysAsksForNoMore(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		w.form.DateField, w.form.DateKind = "FDate", "business"
		w.bills(100, day)
		w.load(orgflow.LoadCreate, false)
		w.erp.asked = nil
		w.load(orgflow.LoadUpdate, false)
		for _, q := range w.erp.asked {
			if q.In != nil {
				t.Errorf("asked for %v", q.In)
			}
		}
	})
}

func TestRefusalsOfALoad(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(w *shop)
		code  orgflow.Code
		want  string
	}{
		"a key that is none":   {func(w *shop) { w.form.Key = "FBillNo"; w.bills(3, day); w.same() }, orgflow.CodeInvalidConfig, "two rows of form SAL_Bill have the key"},
		"a field that is none": {func(w *shop) { w.form.Fields = []string{"FNone"} }, orgflow.CodeInvalidConfig, `no field "FNone"`},
		"a value that does not fit": {func(w *shop) {
			w.bills(1, day)
			w.form.Types = map[string]orgflow.ERPType{"FBillNo": orgflow.ERPInteger}
		}, orgflow.CodeInvalidRecord, "field FBillNo"},
		"no permission": {func(w *shop) {
			w.erp.before = func(connectors.ERPQuery) error { return orgflow.Faultf(orgflow.CodeForbidden, "没有权限") }
		}, orgflow.CodeForbidden, "没有权限"},
	} {
		t.Run(name, func(t *testing.T) {
			eachShop(t, func(t *testing.T, w *shop) {
				c.spoil(w)
				run, err := w.try(orgflow.LoadCreate, false)
				var app *temporal.ApplicationError
				if !errors.As(err, &app) || app.Type() != string(c.code) || !app.NonRetryable() || !strings.Contains(app.Message(), c.want) || run.Status != orgflow.StatusFailed {
					t.Errorf("%+v, %v", run, err)
				}
			})
		})
	}
}

// same gives two bills one number.
func (w *shop) same() {
	b := w.erp.bills[1001]
	b.No = w.erp.bills[1000].No
	w.erp.put(b)
}

// What somebody made of the table by hand and rows do not fit is said, without
// the value.
func TestALocalTableThatDoesNotTakeARow(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		w.bills(3, day)
		w.load(orgflow.LoadCreate, false)
		w.exec(`CREATE UNIQUE INDEX one_number ON "ERP_SAL_Bill" ("FBillNo")`)
		w.erp.put(bill{ID: 7, No: "XSDD000001", Qty: "1", Date: w.clock().Truncate(day), Modified: w.clock()})
		run, err := w.try(orgflow.LoadUpdate, false)
		if err == nil || run.Error.Code != orgflow.CodeInvalidConfig || !strings.Contains(run.Error.Message, "does not take what the ERP sends") || strings.Contains(run.Error.Error(), "XSDD000001") {
			t.Errorf("%+v, %v", run.Error, err)
		}
	})
}
