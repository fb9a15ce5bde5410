package activities_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.temporal.io/sdk/temporal"

	"orgflow"
	"orgflow/activities"
	"orgflow/internal/store"
)

func TestASecondLoadOfAFormIsRefused(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		l := w.worker(w.db)
		first, err := w.start(l, orgflow.LoadCreate, false)
		w.must(err)
		_, err = w.start(l, orgflow.LoadUpdate, false)
		var app *temporal.ApplicationError
		if !errors.As(err, &app) || app.Type() != string(orgflow.CodeTargetBusy) || !app.NonRetryable() || !strings.Contains(app.Message(), first) {
			t.Fatalf("got %v", err)
		}
		// Whoever started it finds out why, also when the answer was lost.
		refused, err := w.db.GetLoad(context.Background(), orgflow.ERPRunID("erp-2", "first-2"))
		if run := refused.Summary; err != nil || run.Status != orgflow.StatusFailed || run.FinishedAt == nil || run.Kind != orgflow.LoadUpdate || orgflow.AsFault(run.Error).Code != orgflow.CodeTargetBusy {
			t.Errorf("recorded as %+v, %v", run, err)
		}
		w.runs--
		if _, again := w.start(l, orgflow.LoadUpdate, false); !errors.As(again, &app) || app.Type() != string(orgflow.CodeTargetBusy) || !strings.Contains(app.Message(), first) {
			t.Errorf("asked again: %v", again)
		}
		// One whose workflow was terminated gives way, and has no effect any more.
		w.alive["erp-1"] = false
		_, err = w.start(l, orgflow.LoadCreate, false)
		w.must(err)
		_, err = do(context.Background(), l.OpenLoad, activities.LoadParams{LoadID: first})
		if !errors.As(err, &app) || app.Type() != string(orgflow.CodeCanceled) || !app.NonRetryable() {
			t.Errorf("a load that was ended: %v", err)
		}
	})
}

// A load whose workflow was terminated behind the swap has done its work, and
// so has one that is cancelled at that moment.
func TestALoadThatHasSwappedIsCompleted(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		l := w.worker(w.db)
		swapped := func() string {
			id, err := w.start(l, orgflow.LoadCreate, false)
			w.must(err)
			w.must(w.steps(context.Background(), l, id, orgflow.LoadCreate))
			return id
		}
		terminated := swapped()
		clear(w.alive)
		cancelled := swapped()
		_, err := do(context.Background(), l.FinishLoad, activities.LoadEnd{LoadID: cancelled, Canceled: true})
		w.must(err)
		for _, id := range []string{terminated, cancelled} {
			load, err := w.db.GetLoad(context.Background(), id)
			if err != nil || load.Summary.Status != orgflow.StatusCompleted || load.Summary.Error != nil {
				t.Errorf("%+v, %v", load.Summary, err)
			}
		}
	})
}

// vanishing is a database in which the load that is in the way has ended when
// it is looked for.
type vanishing struct {
	*store.Store
	times int
}

func (v *vanishing) CreateLoad(ctx context.Context, n store.NewLoad) (store.Load, bool, error) {
	if v.times--; v.times >= 0 {
		return store.Load{}, false, fmt.Errorf("load: %w", store.ErrNotFound)
	}
	return v.Store.CreateLoad(ctx, n)
}

func TestALoadThatEndsAtThisMomentIsNotInTheWay(t *testing.T) {
	w := newShop(t, shopDatabases["sqlite"](t))
	if _, err := w.start(w.worker(&vanishing{w.db, 2}), orgflow.LoadCreate, false); err != nil {
		t.Error(err)
	}
}

// A form's id in the wrong case, or of the wrong company, holds nothing.
func TestAClaimWithoutATableGivesWay(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		w.form.FormID = "SAL_BILL"
		if run, err := w.try(orgflow.LoadCreate, false); err == nil || run.Error.Code != orgflow.CodeNotFound {
			t.Fatalf("%+v, %v", run, err)
		}
		w.form.FormID = "SAL_Bill"
		w.load(orgflow.LoadCreate, false)
	})
}

func TestATableBelongsToOneCompany(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		w.load(orgflow.LoadCreate, false)
		w.form.FormID = "SAL_BILL" // on SQLite the same table
		if _, err := w.start(w.worker(w.db), orgflow.LoadCreate, false); err == nil || !strings.Contains(err.Error(), "belongs to form SAL_Bill of company 9") {
			t.Errorf("got %v", err)
		}
	})
}

// Programs get a list where there may be one: of a load that has just begun,
// and of one that found no column.
func TestNewColumnsAreAList(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		l := w.worker(w.db)
		id, err := w.start(l, orgflow.LoadCreate, false)
		w.must(err)
		before, err := w.db.GetLoad(context.Background(), id)
		w.must(err)
		w.must(w.steps(context.Background(), l, id, orgflow.LoadCreate))
		for _, run := range []orgflow.ERPRun{before.Summary, w.finish(l, id, nil)} {
			if raw, err := json.Marshal(run); err != nil || !strings.Contains(string(raw), `"new_columns":[]`) {
				t.Errorf("%s, %v", raw, err)
			}
		}
	})
}
