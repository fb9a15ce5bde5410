package activities_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/activities"
	"orgflow/internal/store"
)

// death kills a worker at the n-th step it takes, a call or a write: nothing
// it does afterwards has any effect.
type death struct {
	mu     sync.Mutex
	at     int // 0: never
	after  bool
	steps  int
	dead   bool
	cancel context.CancelFunc
}

var errDead = errors.New("the worker was killed")

func (d *death) step(do func() error) error {
	d.mu.Lock()
	if d.dead {
		d.mu.Unlock()
		return errDead
	}
	d.steps++
	now := d.steps == d.at
	if now {
		d.dead = true
	}
	d.mu.Unlock()
	if !now {
		return do()
	}
	if d.after {
		_ = do() // it happened, and nobody came to know
	}
	d.cancel()
	return errDead
}

// mortal is the database as a worker that is killed sees it.
type mortal struct {
	*store.Store
	*death
}

func (m mortal) BeginPull(ctx context.Context, id string, root orgflow.OrgUnit, cause string) error {
	return m.step(func() error { return m.Store.BeginPull(ctx, id, root, cause) })
}

func (m mortal) SavePullStep(ctx context.Context, id string, step store.PullStep) error {
	return m.step(func() error { return m.Store.SavePullStep(ctx, id, step) })
}

func (m mortal) EndPullRead(ctx context.Context, id, cause string) error {
	return m.step(func() error { return m.Store.EndPullRead(ctx, id, cause) })
}

func (m mortal) SaveMissing(ctx context.Context, id string, key orgflow.RemoteKey, gone bool) error {
	return m.step(func() error { return m.Store.SaveMissing(ctx, id, key, gone) })
}

func (m mortal) CommitVersion(ctx context.Context, n store.NewVersion) (version int64, err error) {
	err = m.step(func() error { version, err = m.Store.CommitVersion(ctx, n); return err })
	return version, err
}

func (m mortal) AddPullCalls(ctx context.Context, id string, calls, other, throttled int) error {
	return m.step(func() error { return m.Store.AddPullCalls(ctx, id, calls, other, throttled) })
}

func (m mortal) FinishPull(ctx context.Context, id string, status orgflow.Status, f *orgflow.Fault, notes []string) (pull store.Pull, err error) {
	err = m.step(func() error { pull, err = m.Store.FinishPull(ctx, id, status, f, notes); return err })
	return pull, err
}

// A pull that moves, renames, brings, removes and returns is killed at each
// call and each write; a new worker goes on, and nobody can tell.
func TestAPullThatIsKilledAnywhereGoesOnWhereItWas(t *testing.T) {
	try := func(t *testing.T, d *death) {
		w := newOffice(t)
		depts, people := w.small()
		w.holds(depts, people)
		w.pull(ask)
		was := ids(w.tree())
		depts[2] = dept(11, 20, "平台部")
		w.holds(append(depts[1:3:3], dept(30, 20, "新部门")), append(people[1:4:4], person(9, 30)))

		ctx, cancel := context.WithCancel(context.Background())
		d.cancel = cancel
		id := w.prepare(w.worker(w.db), ask)
		w.onCall = func(string) error { return d.step(func() error { return nil }) }
		org := w.worker(mortal{w.db, d})
		if err := w.rest(ctx, org, id); (err == nil) == (d.at != 0) {
			t.Fatalf("killed at step %d of %d, it ended with %v", d.at, d.steps, err)
		}
		w.onCall = nil
		if d.at != 0 {
			w.must(w.rest(context.Background(), w.worker(w.db), id))
		}
		pull, err := w.db.GetPull(context.Background(), id)
		w.must(err)
		if diff := cmp.Diff(w.truth(), picture(w.tree())); diff != "" {
			t.Error(diff)
		}
		want := map[orgflow.Kind]orgflow.OrgCount{orgflow.Org: {Added: 1, Changed: 1, Removed: 1}, orgflow.Person: {Added: 1, Removed: 2}}
		if s := pull.Summary; s.Status != orgflow.StatusCompleted || s.Version != 2 || !cmp.Equal(s.Changes, want) {
			t.Errorf("got %+v", s)
		}
		if calls := pull.Summary.Calls; calls > 8+4 { // one department's, at most, in this order
			t.Errorf("%d calls for 4 departments", calls)
		}
		now := ids(w.tree())
		for key, id := range now {
			if was[key] != 0 && was[key] != id {
				t.Errorf("%s had id %d, has %d", key, was[key], id)
			}
		}
	}
	var alive death
	try(t, &alive)
	if alive.steps < 20 {
		t.Fatalf("only %d steps", alive.steps)
	}
	for at := 1; at <= alive.steps; at++ {
		for i, after := range []bool{false, true} {
			if (2*at+i)%killEvery != 0 {
				continue
			}
			t.Run(fmt.Sprintf("step %d, after %v", at, after), func(t *testing.T) { try(t, &death{at: at, after: after}) })
		}
	}
}

// rest carries a prepared pull to its end.
func (w *office) rest(ctx context.Context, org *activities.Org, id string) error {
	if err := w.read(ctx, org, id); err != nil {
		return err
	}
	if _, err := do(ctx, org.MergePull, activities.PullParams{PullID: id}); err != nil {
		return err
	}
	_, err := do(ctx, org.FinishPull, activities.PullEnd{PullID: id})
	return err
}
