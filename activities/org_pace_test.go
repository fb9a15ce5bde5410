package activities_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"orgflow/activities"
	"orgflow/connectors"
	"orgflow/internal/store"
	"orgflow/internal/transport"
)

// origin is a consumer that answers after a while, within a rate budget.
type origin struct {
	connectors.Consumer // nothing else of it is asked for
	limit               transport.Limiter
	latency             time.Duration
	below               map[string][]connectors.Unit
	pages               map[string]int // of members
	calls               atomic.Int64
}

func (o *origin) call(ctx context.Context) error {
	if err := o.limit.Wait(ctx); err != nil {
		return err
	}
	o.calls.Add(1)
	return transport.Wait(ctx, o.latency)
}

func (o *origin) ReadScope(context.Context) (connectors.OrganisationScope, error) {
	return connectors.OrganisationScope{Whole: true, Root: connectors.Unit{ID: "1", Name: "示例公司"}}, nil
}

func (o *origin) ReadUnits(ctx context.Context, id string) (connectors.Units, error) {
	return connectors.Units{Units: o.below[id], Calls: 1}, o.call(ctx)
}

func (o *origin) ReadPeople(ctx context.Context, unit, cursor string) (connectors.People, error) {
	page, _ := strconv.Atoi(cursor)
	out := connectors.People{Calls: 1, People: []connectors.Person{{UserID: fmt.Sprintf("E%s-%d", unit, page), Name: "员工"}}}
	if page+1 < o.pages[unit] {
		out.Next = strconv.Itoa(page + 1)
	}
	return out, o.call(ctx)
}

// grow makes departments, each with so many below it; the root has 20 pages of
// members, every fiftieth department five. It returns the least calls that
// show them.
func (o *origin) grow(departments, below int) (calls int) {
	o.below, o.pages = map[string][]connectors.Unit{}, map[string]int{"1": 20}
	for i := 2; i <= departments; i++ {
		id, parent := strconv.Itoa(i), strconv.Itoa((i-2)/below+1)
		o.below[parent] = append(o.below[parent], connectors.Unit{ID: id, Parent: parent, Name: "部门" + id})
		calls += 2
		if i%50 == 0 {
			o.pages[id] = 5
			calls += 4
		}
	}
	return calls + 1 + o.pages["1"]
}

// A pull keeps the rate budget busy: it takes what its calls take at the rate,
// of which 4 % are never used, the first way down, and a wait for the calls in
// flight now and then; whatever else is done is done meanwhile. The clock is
// not the machine's.
func TestAPullUsesTheRateBudget(t *testing.T) {
	const qps = 20
	files := newOffice(t).files
	path := filepath.Join(t.TempDir(), "orgflow.db")
	for i, c := range []struct {
		departments, below int
		latency            time.Duration
	}{{3000, 10, 50 * time.Millisecond}, {3000, 10, 800 * time.Millisecond}, {1000, 2, 300 * time.Millisecond}} {
		if c.departments > 1000 && !longPulls {
			continue
		}
		t.Run(fmt.Sprint(c.departments, " departments, ", c.latency), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db, err := store.Open(t.Context(), fmt.Sprint("sqlite://", path, i), store.Options{Now: time.Now})
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				if err := db.Migrate(t.Context()); err != nil {
					t.Fatal(err)
				}
				// What is left of 20 a second, evenly spaced: see transport.PerSecond.
				o := &origin{limit: transport.PerSecond(qps), latency: c.latency}
				least := o.grow(c.departments, c.below)
				org := &activities.Org{
					Store: db, Files: files, Executions: alone{}, Now: time.Now, Sleep: transport.Wait,
					Connectors: connectors.NewRegistry(map[string]connectors.ConsumerFactory{
						"ding_talk": func(connectors.Settings) (connectors.Consumer, error) { return o, nil },
					}, nil),
				}
				began := time.Now()
				w := &office{t: t, db: db, alive: map[string]bool{}}
				id := w.prepare(org, ask)
				w.must(w.read(t.Context(), org, id))
				took, ideal := time.Since(began), time.Duration(least)*time.Second/qps
				if calls := int(o.calls.Load()); calls != least {
					t.Errorf("%d calls, %d are the least", calls, least)
				}
				if took > ideal*110/100 {
					t.Errorf("took %v, %.3f times calls ÷ rate", took, took.Seconds()/ideal.Seconds())
				}
			})
		})
	}
}

// alone is a Temporal in which nothing else runs.
type alone struct{}

func (alone) Running(context.Context, string, string) (bool, error)   { return false, nil }
func (alone) Supersede(context.Context, string, string) (bool, error) { return false, nil }
