package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/store"
	"orgflow/internal/testpg"
)

var target = orgflow.Target{CompanyID: 129, Consumer: "ding_talk"}

// clock is a clock that moves by a second with every look, so that order in
// time is certain.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(time.Second)
	return c.t
}

// databases returns the URL of an empty database of each kind.
var databases = map[string]func(testing.TB) string{
	"sqlite":   func(t testing.TB) string { return "sqlite://" + filepath.Join(t.TempDir(), "orgflow.db") },
	"postgres": testpg.URL,
}

func TestMain(m *testing.M) { testpg.Main(m) }

// forEachDB runs the test on a migrated database of each kind.
func forEachDB(t *testing.T, test func(t *testing.T, s *store.Store)) {
	for name, url := range databases {
		t.Run(name, func(t *testing.T) {
			test(t, openMigrated(t, url(t)))
		})
	}
}

func openMigrated(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), url, store.Options{Now: newClock().now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

func job() orgflow.Job {
	return orgflow.Job{Services: []string{"org_new", "person_new"}, Consumer: target.Consumer, CompanyID: target.CompanyID}.WithDefaults()
}

// newRun creates a run whose id is the given one.
func newRun(t testing.TB, s *store.Store, id string) store.Run {
	t.Helper()
	run, created, err := s.CreateRun(context.Background(), store.NewRun{FirstRunID: "first-" + id, WorkflowID: id, Job: job()})
	if err != nil || !created {
		t.Fatalf("CreateRun(%s): created %v, %v", id, created, err)
	}
	return run
}

// persons returns n planned inserts of persons with ids from 1, all in one wave.
func persons(n int) []orgflow.Change {
	changes := make([]orgflow.Change, n)
	for i := range changes {
		id := strconv.Itoa(1000 + i)
		payload := fmt.Appendf(nil, `{"fields":{"mobile":"100%08d","name":"员工%s","title":"工程师"}}`, i, id)
		changes[i] = orgflow.Change{
			ID: i + 1, Kind: orgflow.Person, Op: orgflow.Insert, SourceID: id, Wave: 1, State: orgflow.Planned,
			Fields: map[string]orgflow.Diff{"name": {After: "员工" + id}}, Reason: "new",
			Payload: payload, Hash: orgflow.Hash(payload), Base: "base" + id,
		}
	}
	return changes
}

func savePlan(t testing.TB, s *store.Store, runID string, changes []orgflow.Change) {
	t.Helper()
	if err := s.SavePlan(context.Background(), runID, store.PlanMeta{Hash: "plan-of-" + runID}, slices.Values(changes)); err != nil {
		t.Fatal(err)
	}
}
