package activities_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/activities"
)

// A view that people made on a table must not cost a load of hours: what keeps
// the generation before from being dropped is found before anything is read.
// On SQLite views go by name, and nothing is in the way.
func TestViewsOnLocalTables(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		w.bills(3, day)
		w.load(orgflow.LoadCreate, false)
		w.exec(`CREATE VIEW open_bills AS SELECT * FROM "ERP_SAL_Bill" WHERE "FOpen"`)
		w.load(orgflow.LoadCreate, false)
		w.erp.asked = nil
		run, err := w.try(orgflow.LoadCreate, false)
		if strings.HasSuffix(t.Name(), "sqlite") {
			if err != nil {
				t.Fatal(err)
			}
			if got := w.query(`SELECT "FBillNo" FROM open_bills`); len(got) != 1 {
				t.Errorf("the view shows %v", got)
			}
			return
		}
		if err == nil || run.Error.Code != orgflow.CodeInvalidConfig || !strings.Contains(run.Error.Message, "depends on ERP_SAL_Bill__old") || len(w.erp.asked) > 0 {
			t.Errorf("%+v after %d pages, %v", run.Error, len(w.erp.asked), err)
		}
		w.exec(`DROP VIEW open_bills`)
		w.load(orgflow.LoadCreate, false)
	})
}

// Readers see the old table or the new one, and one that takes long is waited
// for only so long; the load goes on when it has ended.
func TestASwapWaitsForReaders(t *testing.T) {
	w := newShop(t, shopDatabases["postgres"](t))
	w.bills(3, day)
	w.load(orgflow.LoadCreate, false)
	before := w.table(bills)
	w.touch(1001)
	reader, err := w.db.DB().Beginx()
	w.must(err)
	var n int
	w.must(reader.Get(&n, `SELECT count(*) FROM "ERP_SAL_Bill"`))

	l := w.worker(w.db)
	id, err := w.start(l, orgflow.LoadCreate, false)
	w.must(err)
	if err := w.steps(context.Background(), l, id, orgflow.LoadCreate); err == nil || !strings.Contains(err.Error(), "read by others") {
		t.Fatalf("got %v", err)
	}
	if d := cmp.Diff(before, w.table(bills)); d != "" {
		t.Error(d)
	}
	w.must(reader.Rollback())
	w.must(w.steps(context.Background(), l, id, orgflow.LoadCreate)) // the attempt after it
	w.finish(l, id, nil)
	w.isTruth(t)
}

// A long query on the generation before keeps nobody from reading the ERP.
func TestReadersOfTheGenerationBeforeAreNotWaitedFor(t *testing.T) {
	w := newShop(t, shopDatabases["postgres"](t))
	w.bills(3, day)
	w.load(orgflow.LoadCreate, false)
	w.load(orgflow.LoadCreate, false)
	reader, err := w.db.DB().Beginx()
	w.must(err)
	var n int
	w.must(reader.Get(&n, `SELECT count(*) FROM "ERP_SAL_Bill__old"`))
	l := w.worker(w.db)
	id, err := w.start(l, orgflow.LoadCreate, false)
	w.must(err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := do(ctx, l.OpenLoad, activities.LoadParams{LoadID: id}); err != nil {
		t.Fatal(err)
	}
	w.must(reader.Rollback())
	w.must(w.steps(ctx, l, id, orgflow.LoadCreate))
	w.finish(l, id, nil)
	w.isTruth(t)
}

// SQLite does not tell a table that people made in small letters from ours.
func TestATableInSmallLettersIsReplaced(t *testing.T) {
	w := newShop(t, shopDatabases["sqlite"](t))
	w.exec(`CREATE TABLE erp_sal_bill ("FID" bigint PRIMARY KEY)`)
	w.bills(3, day)
	w.load(orgflow.LoadCreate, false)
	w.isTruth(t)
}

// A name that is taken by something else is not taken from it.
func TestANameThatIsTaken(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		w.exec(`CREATE VIEW "ERP_SAL_Bill" AS SELECT 1 AS one`)
		run, err := w.try(orgflow.LoadCreate, false)
		if err == nil || !strings.Contains(run.Error.Message, "ERP_SAL_Bill is no table") {
			t.Errorf("%+v, %v", run.Error, err)
		}
	})
}

// Queries on a table that was swapped in are planned well at once: its size is
// known, and what is in the columns that have an index.
func TestASwappedTableIsAnalysed(t *testing.T) {
	w := newShop(t, shopDatabases["postgres"](t))
	w.bills(30, day)
	w.load(orgflow.LoadCreate, false)
	size := w.query(`SELECT CAST(CAST(reltuples AS bigint) AS text) FROM pg_class WHERE oid = '"ERP_SAL_Bill"'::regclass`)
	known := w.query(`SELECT attname FROM pg_stats WHERE tablename = 'ERP_SAL_Bill' AND attname IN ('FID', 'FModifyDate') ORDER BY attname`)
	if d := cmp.Diff([]string{"30", "FID", "FModifyDate"}, append(size, known...)); d != "" {
		t.Error(d)
	}
}
