package activities

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
)

// reaper kills a worker at one point of a run: at a write to the database or
// a call to the consumer, before it has its effect or after it, the answer
// lost. From then on nothing the worker does has any effect.
type reaper struct {
	death
	mu      sync.Mutex
	dead    bool
	retired bool
	struck  bool // somebody has died
	count   map[string]int
	seen    []string
}

// death is where a worker dies.
type death struct {
	at    string // "call of POST /user/create no. 3"
	after bool
}

func (d death) String() string {
	return map[bool]string{false: "before ", true: "after "}[d.after] + d.at
}

// deaths are those before and after one of every so many points; under the
// race detector in turn before the one and after the next.
func deaths(points []string, every int) (out []death) {
	for i := 0; i < len(points); i += every {
		if killEvery == 1 || i/every%2 == 0 {
			out = append(out, death{points[i], false})
		}
		if killEvery == 1 || i/every%2 == 1 {
			out = append(out, death{points[i], true})
		}
	}
	return out
}

// eachDeath tries something once for each death, with a reaper that brings
// it. A point that nobody comes to fails.
func eachDeath(t *testing.T, deaths []death, try func(t *testing.T, r *reaper)) {
	t.Helper()
	if len(deaths) == 0 {
		t.Fatal("nobody is killed anywhere")
	}
	for _, d := range deaths {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			r := &reaper{death: d}
			try(t, r)
			r.mu.Lock()
			defer r.mu.Unlock()
			if !r.struck {
				t.Errorf("nobody was killed; the points were %q", r.seen)
			}
		})
	}
}

var errKilled = errors.New("killed")

// step does something that has an effect, unless the worker is dead.
func (r *reaper) step(name string, do func() error) error {
	r.mu.Lock()
	if r.retired {
		r.mu.Unlock()
		return do()
	}
	if r.count == nil {
		r.count = map[string]int{}
	}
	r.count[name]++
	point := fmt.Sprintf("%s no. %d", name, r.count[name])
	r.seen = append(r.seen, point)
	hit := point == r.at
	if r.dead || (hit && !r.after) {
		r.dead, r.struck = true, r.struck || hit
		r.mu.Unlock()
		return errKilled
	}
	r.mu.Unlock()
	err := do()
	r.mu.Lock()
	defer r.mu.Unlock()
	if hit {
		r.dead, r.struck = true, true
	}
	if r.dead {
		return errKilled
	}
	return err
}

// retire lets everything live from now on, and notes nothing more.
func (r *reaper) retire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retired = true
}

// calls are the points at which the consumer was called, in an order of their
// own.
func (r *reaper) calls() []string {
	calls := slices.DeleteFunc(slices.Clone(r.seen), func(p string) bool { return !strings.HasPrefix(p, "call of") })
	slices.Sort(calls)
	return calls
}

// restart tells whether the worker was killed, and lets the next one live.
func (r *reaper) restart() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	killed := r.dead
	r.dead = false
	return killed
}

// mortal is the database as a worker that may be killed sees it.
type mortal struct {
	*store.Store
	*reaper
}

func (m mortal) CreateRun(ctx context.Context, n store.NewRun) (run store.Run, created bool, err error) {
	err = m.step("CreateRun", func() (err error) { run, created, err = m.Store.CreateRun(ctx, n); return })
	return
}

func (m mortal) FinishRun(ctx context.Context, id string, s orgflow.Status, f *orgflow.Fault, notes []string) (run store.Run, err error) {
	err = m.step("FinishRun", func() (err error) { run, err = m.Store.FinishRun(ctx, id, s, f, notes); return })
	return
}

func (m mortal) AddCounters(ctx context.Context, id string, c store.Counters) error {
	return m.step("AddCounters", func() error { return m.Store.AddCounters(ctx, id, c) })
}

func (m mortal) SetStage(ctx context.Context, id string, flag store.StageFlag) error {
	return m.step("SetStage", func() error { return m.Store.SetStage(ctx, id, flag) })
}

func (m mortal) AcquireTarget(ctx context.Context, t orgflow.Target, run string, ttl time.Duration, now time.Time) (fence int64, holder string, ok bool, err error) {
	err = m.step("AcquireTarget", func() (err error) {
		fence, holder, ok, err = m.Store.AcquireTarget(ctx, t, run, ttl, now)
		return
	})
	return
}

func (m mortal) ReleaseTarget(ctx context.Context, t orgflow.Target, run string) error {
	return m.step("ReleaseTarget", func() error { return m.Store.ReleaseTarget(ctx, t, run) })
}

func (m mortal) BeginSnapshot(ctx context.Context, n store.NewSnapshot) (snap store.Snapshot, err error) {
	err = m.step("BeginSnapshot", func() (err error) { snap, err = m.Store.BeginSnapshot(ctx, n); return })
	return
}

func (m mortal) StagePage(ctx context.Context, id int64, rows []store.StagedRow) (fresh int, err error) {
	err = m.step("StagePage", func() (err error) { fresh, err = m.Store.StagePage(ctx, id, rows); return })
	return
}

func (m mortal) FinishSnapshot(ctx context.Context, id int64, res store.SnapshotResult) (snap store.Snapshot, err error) {
	err = m.step("FinishSnapshot", func() (err error) { snap, err = m.Store.FinishSnapshot(ctx, id, res); return })
	return
}

func (m mortal) DropSnapshotsBefore(ctx context.Context, t orgflow.Target, scope string, keep int) (n int, err error) {
	err = m.step("DropSnapshotsBefore", func() (err error) { n, err = m.Store.DropSnapshotsBefore(ctx, t, scope, keep); return })
	return
}

func (m mortal) ForgetFailures(ctx context.Context, t orgflow.Target, keys []orgflow.RecordKey) error {
	return m.step("ForgetFailures", func() error { return m.Store.ForgetFailures(ctx, t, keys) })
}

func (m mortal) PutBindings(ctx context.Context, t orgflow.Target, run string, b []orgflow.Binding) error {
	return m.step("PutBindings", func() error { return m.Store.PutBindings(ctx, t, run, b) })
}

func (m mortal) SavePlan(ctx context.Context, run string, meta store.PlanMeta, changes iter.Seq[orgflow.Change]) error {
	return m.step("SavePlan", func() error { return m.Store.SavePlan(ctx, run, meta, changes) })
}

func (m mortal) ClaimPage(ctx context.Context, run string, from, to int) (claimed []store.ClaimedChange, err error) {
	err = m.step("ClaimPage", func() (err error) { claimed, err = m.Store.ClaimPage(ctx, run, from, to); return })
	return
}

func (m mortal) PutImport(ctx context.Context, t orgflow.Target, j store.ImportJob) error {
	return m.step("PutImport", func() error { return m.Store.PutImport(ctx, t, j) })
}

func (m mortal) SettleImport(ctx context.Context, t orgflow.Target, id string) error {
	return m.step("SettleImport", func() error { return m.Store.SettleImport(ctx, t, id) })
}

func (m mortal) RecordOutcomes(ctx context.Context, run string, o []store.Outcome) (rec store.Recorded, err error) {
	err = m.step("RecordOutcomes", func() (err error) { rec, err = m.Store.RecordOutcomes(ctx, run, o); return })
	return
}

func (m mortal) CreatePush(ctx context.Context, run string, orgs []store.PushRecord) error {
	return m.step("CreatePush", func() error { return m.Store.CreatePush(ctx, run, orgs) })
}

func (m mortal) OpenPush(ctx context.Context, run, task string) error {
	return m.step("OpenPush", func() error { return m.Store.OpenPush(ctx, run, task) })
}

func (m mortal) LosePush(ctx context.Context, run string, round int, doubt bool) error {
	return m.step("LosePush", func() error { return m.Store.LosePush(ctx, run, round, doubt) })
}

func (m mortal) AdvancePush(ctx context.Context, run string, round int, to store.PushState) error {
	return m.step("AdvancePush to "+string(to), func() error { return m.Store.AdvancePush(ctx, run, round, to) })
}

func (m mortal) SavePushPage(ctx context.Context, run string, round, next int, records []store.PushRecord) error {
	return m.step("SavePushPage", func() error { return m.Store.SavePushPage(ctx, run, round, next, records) })
}

// mortalLink is a worker's connection to the consumer.
type mortalLink struct {
	*directory
	*reaper
}

func (m mortalLink) Apply(ctx context.Context, e connectors.Effect) (receipt connectors.Receipt, err error) {
	err = m.step("consumer "+e.Key+" "+string(e.Op), func() (err error) { receipt, err = m.directory.Apply(ctx, e); return })
	return
}
