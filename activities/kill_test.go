package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
	"orgflow/meta"
)

// reaper kills a worker at one point of a run: at a write to the database or
// a call to the consumer, before it has its effect or after it, the answer
// lost. From then on nothing the worker does has any effect.
type reaper struct {
	mu    sync.Mutex
	at    string
	after bool
	dead  bool
	count map[string]int
	seen  []string
}

var errKilled = errors.New("killed")

// step does something that has an effect, unless the worker is dead.
func (r *reaper) step(name string, do func() error) error {
	r.mu.Lock()
	r.count[name]++
	point := fmt.Sprintf("%s no. %d", name, r.count[name])
	r.seen = append(r.seen, point)
	hit := point == r.at
	if r.dead || (hit && !r.after) {
		r.dead = true
		r.mu.Unlock()
		return errKilled
	}
	r.mu.Unlock()
	err := do()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dead = r.dead || hit
	if r.dead {
		return errKilled
	}
	return err
}

// restart tells whether the worker was killed, and lets the next one live.
func (r *reaper) restart() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	killed := r.dead
	if killed {
		r.dead, r.at = false, ""
	}
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

func (m mortal) RecordOutcomes(ctx context.Context, run string, o []store.Outcome) (rec store.Recorded, err error) {
	err = m.step("RecordOutcomes", func() (err error) { rec, err = m.Store.RecordOutcomes(ctx, run, o); return })
	return
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

// before and later are the company before the run that is killed and at it:
// the run inserts, renames, moves and deletes departments, and inserts,
// updates, moves, re-creates and deletes persons, leaders and managers included.
func before() ([]org, []person) {
	orgs, people := team(8)
	orgs = append(orgs, org{ID: 13, Name: "旧部", Parent: 10}, org{ID: 131, Name: "旧组", Parent: 13})
	people[6].Dept, people[7].Dept = 13, 131
	return orgs, people
}

func later() ([]org, []person) {
	orgs, people := team(6)
	orgs[1].Name, orgs[1].Manager = "研发中心", 1003
	orgs = append(orgs, org{ID: 14, Name: "新部", Parent: 10, Manager: 1020}, org{ID: 141, Name: "新组", Parent: 14})
	people[0].Title, people[1].Dept, people[2].Dept, people[3].Mobile = "主管", 141, 12, "10099999999"
	for i := range 10 {
		people = append(people, person{ID: 1020 + i, Dept: []int{14, 141, 11}[i%3], Title: "顾问", Manager: []int{0, 1020, 1021, 1001}[i%4]})
	}
	people[10].Manager, people[11].Manager = 1025, 1024 // each other's: one needs a second pass
	return orgs, people
}

// scene is a moment all killed runs begin at.
type scene struct {
	database []byte
	remote   *directory
	files    *meta.Store // compiled once
	number   int
	at       time.Time
}

func newScene(t *testing.T) scene {
	t.Helper()
	path := freshDatabase(t)
	w := openWorld(t, "sqlite://"+path)
	w.source.hold(before())
	if sum := w.syncOnce(bothKinds("")); sum.Status != orgflow.StatusCompleted {
		t.Fatalf("the first run ends %s: %+v", sum.Status, sum.Applied)
	}
	if err := w.db.Close(); err != nil { // folds the journal into the file
		t.Fatal(err)
	}
	database, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return scene{database: database, remote: w.remote, files: w.files, number: w.number, at: w.at}
}

// world opens the scene with a worker that the reaper watches.
func (s scene) world(t *testing.T, r *reaper) *world {
	t.Helper()
	path := filepath.Join(t.TempDir(), "orgflow.db")
	if err := os.WriteFile(path, s.database, 0o600); err != nil {
		t.Fatal(err)
	}
	w := openWorld(t, "sqlite://"+path)
	w.remote, w.files, w.number, w.at = s.remote.clone(), s.files, s.number, s.at
	w.source.hold(later())
	w.source.perPage = 7
	r.count = map[string]int{}
	w.sync = w.worker(mortal{w.db, r}, mortalLink{w.remote, r})
	return w
}

// survive carries out a run as Temporal would: an activity that fails is
// attempted again, by another worker where the first was killed.
func (w *world) survive(r *reaper, job json.RawMessage, keepBeats bool) orgflow.Summary {
	w.t.Helper()
	workflow := w.newWorkflow()
	do := func(name string, params, result any) {
		w.t.Helper()
		delete(w.beats, name)
		var beat any
		for attempt := int32(1); ; attempt++ {
			err := w.perform(task{attempt: attempt, heartbeat: beat}, name, params, result)
			if err == nil && !r.restart() {
				return
			}
			if err != nil && !r.restart() || attempt > 3 {
				w.t.Fatalf("%s, attempt %d: %v", name, attempt, err)
			}
			if beat = nil; keepBeats {
				beat = w.beats[name]
			}
			w.sync = w.worker(mortal{w.db, r}, mortalLink{w.remote, r})
		}
	}
	var p Prepared
	do(orgflow.ActivityPrepareRun, PrepareParams{Job: job, WorkflowID: workflow, FirstRunID: "first-" + workflow}, &p)
	do(orgflow.ActivityHoldTarget, RunParams{RunID: p.RunID}, nil)
	for _, kind := range p.Kinds {
		var got Fetched
		for !got.Cursor.Done {
			do(orgflow.ActivityFetchPages, FetchParams{RunID: p.RunID, Kind: kind, From: got.Cursor}, &got)
		}
	}
	var planned Planned
	do(orgflow.ActivityPlanRun, RunParams{RunID: p.RunID}, &planned)
	for _, wave := range planned.Waves {
		do(orgflow.ActivityApplyPage, ApplyParams{RunID: p.RunID, Phase: wave.Phase, From: wave.From, To: wave.To}, nil)
	}
	var summary orgflow.Summary
	do(orgflow.ActivityFinishRun, FinishParams{RunID: p.RunID}, &summary)
	return summary
}

// ending is what must be the same however often a worker was killed.
type ending struct {
	Status  orgflow.Status
	Applied map[orgflow.Kind]map[orgflow.Op]orgflow.Applied
	Fetch   map[orgflow.Kind]orgflow.FetchCount
	Remote  map[string]map[string]any
	Bound   map[string]string // record → hash of what was accepted
}

func (w *world) ending(s orgflow.Summary) ending {
	e := ending{Status: s.Status, Applied: s.Applied, Remote: w.remote.picture(), Bound: map[string]string{}}
	e.Fetch = map[orgflow.Kind]orgflow.FetchCount{}
	for kind, count := range s.Fetch {
		count.Read = 0 // rows read twice count twice
		e.Fetch[kind] = count
	}
	for record, b := range w.bindings() {
		e.Bound[record] = b.Hash
	}
	return e
}

func TestAWorkerMayBeKilledAtAnyPoint(t *testing.T) {
	begin := newScene(t)
	calm := &reaper{}
	w := begin.world(t, calm)
	want := w.ending(w.survive(calm, bothKinds(""), true))
	if want.Status != orgflow.StatusCompleted || len(calm.seen) < 60 {
		t.Fatalf("the undisturbed run ends %s after %d points: %+v", want.Status, len(calm.seen), want.Applied)
	}
	if s := w.syncOnce(bothKinds("")); s.Progress.Total != 0 {
		t.Fatalf("a run after it still wants %d changes", s.Progress.Total)
	}
	points := slices.Clone(calm.seen[:slices.Index(calm.seen, "DropSnapshotsBefore no. 1")+1])
	for i, point := range points {
		for _, after := range []bool{false, true} {
			name := map[bool]string{false: "before ", true: "after "}[after] + point
			if !after && i > 0 && !strings.HasPrefix(point, "consumer") && !strings.HasPrefix(point, "RecordOutcomes") {
				continue // nothing has happened since the point before it
			}
			if i%killEvery != 0 {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := &reaper{at: point, after: after}
				w := begin.world(t, r)
				got := w.ending(w.survive(r, bothKinds(""), len(point)%2 == 0))
				if r.at != "" {
					t.Fatal("nobody was killed")
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Error(d)
				}
				w.nothingTwice(t)
			})
		}
	}
}
