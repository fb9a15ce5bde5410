package activities

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/mapping"
	"orgflow/internal/planner"
	"orgflow/internal/store"
)

// crowd stages n persons and binds them as the consumer would have accepted
// them, ten of them with another title.
func (w *world) crowd(n int) (run string) {
	w.t.Helper()
	ctx := context.Background()
	w.source.hold(team(n))
	p := w.begin(bothKinds(""))
	w.fetch(p)
	w.source.hold(nil, nil)
	r, err := w.db.GetRun(ctx, p.RunID)
	if err != nil {
		w.t.Fatal(err)
	}
	g, err := w.sync.gather(ctx, r)
	if err != nil {
		w.t.Fatal(err)
	}
	var page []orgflow.Binding
	put := func() {
		if err := w.db.PutBindings(ctx, target, p.RunID, page); err != nil {
			w.t.Fatal(err)
		}
		page = page[:0]
	}
	for _, it := range g.in.Orgs.Records {
		bd := accepted(w.t, orgflow.Org, it)
		if it.ParentID == "" {
			bd.State, bd.ConsumerID = orgflow.BindingRoot, "1"
		}
		page = append(page, bd)
	}
	put()
	i := 0
	for it, err := range g.in.People.RecordSeq {
		if err != nil {
			w.t.Fatal(err)
		}
		if i++; i%(n/10) == 0 {
			it.Payload.Fields["title"] = "实习生"
		}
		if page = append(page, accepted(w.t, orgflow.Person, it)); len(page) == 1000 {
			put()
		}
	}
	put()
	return p.RunID
}

func accepted(t testing.TB, kind orgflow.Kind, it planner.Item) orgflow.Binding {
	t.Helper()
	raw, err := it.Payload.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return orgflow.Binding{
		Kind: kind, SourceID: it.SourceID, ConsumerID: string(kind) + it.SourceID, Scope: orgflow.DefaultScope,
		Hash: orgflow.Hash(raw), Payload: raw, State: orgflow.BindingActive,
	}
}

// scales is a store that weighs what a plan keeps in memory: after every
// tenth of the persons, what is left when all garbage is gone.
type scales struct {
	Store
	every, readings int
	most            uint64
}

func (s *scales) Bindings(ctx context.Context, target orgflow.Target, kind orgflow.Kind) iter.Seq2[orgflow.Binding, error] {
	all := s.Store.Bindings(ctx, target, kind)
	if kind != orgflow.Person {
		return all
	}
	return func(yield func(orgflow.Binding, error) bool) {
		s.readings++
		n := 0
		for bd, err := range all {
			if n++; n%s.every == 0 {
				s.most = max(s.most, live())
			}
			if !yield(bd, err) {
				return
			}
		}
	}
}

func live() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// planWeight plans a run for n persons of whom ten changed, and returns how
// many bytes that kept at most, and how long it took.
func planWeight(t testing.TB, n int) (uint64, time.Duration) {
	w := newWorld(t)
	run := w.crowd(n)
	s := &scales{Store: w.db, every: n / 10}
	w.sync = w.worker(s, w.remote)
	before, start := live(), time.Now()
	planned := w.plan(run)
	took := time.Since(start)
	if c := planned.Counts[orgflow.Person]; c.Update != 10 || c.Unchanged != n-10 || planned.Total != 10 {
		t.Fatalf("plan = %+v", planned)
	}
	if s.readings < 2 {
		t.Fatalf("%d readings; the second one has to be weighed too", s.readings)
	}
	return s.most - min(s.most, before), took
}

// What nothing happens to is compared and forgotten.
func TestPlanningKeepsNothingOfPersonsWhoDidNotChange(t *testing.T) {
	small, _ := planWeight(t, 1000)
	large, _ := planWeight(t, 4000)
	// A page of the store's rows is all that may be alive; 3,000 more persons
	// kept would weigh 6 MB.
	const slack = 2 << 20
	if large > small+slack {
		t.Errorf("4,000 persons weigh %d KB, 1,000 weigh %d KB", large>>10, small>>10)
	}
}

// BenchmarkPlanRun plans persons who are staged and bound in SQLite, ten of
// them changed, and weighs what that keeps in memory.
func BenchmarkPlanRun(b *testing.B) {
	for _, n := range []int{10_000, 50_000, 200_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for range b.N {
				weight, took := planWeight(b, n)
				b.ReportMetric(float64(weight)/(1<<20), "live-MB")
				b.ReportMetric(took.Seconds(), "plan-s")
			}
		})
	}
}

// However often persons are read they are the same, and the source is not
// asked for a lookup's value again.
func TestPersonsReadTwiceAreTheSame(t *testing.T) {
	w := newWorld(t)
	w.source.hold(team(1200)) // more than a page of the store
	p := w.begin(bothKinds(""))
	w.fetch(p)
	snapshots, err := w.db.SnapshotsOfRun(context.Background(), p.RunID)
	if err != nil {
		t.Fatal(err)
	}
	source := &codeTable{rows: map[string]string{`{"name":"工程师"}`: `{"id":7,"name":"工程师","code":"P7"}`}}
	look := &lookups{ctx: context.Background(), source: source, known: map[[3]string]map[string]any{}}
	template, problems := mapping.CompileTemplate(orgflow.Person, []mapping.Entry{
		{Key: "number", Map: "userid"},
		{Key: "position", Map: "title", Transforms: []mapping.Transform{{Op: "lookup", Model: "Position", By: "name", Emit: "code"}}},
	}, []mapping.Entry{{Key: "number", Type: "string"}, {Key: "position", Type: "string"}}, mapping.TemplateOptions{Lookup: look.find})
	if template == nil {
		t.Fatal(problems)
	}
	stream := w.sync.items(context.Background(), template, snapshots[1].ID, look)
	read := func() (items []planner.Item) {
		for it, err := range stream {
			if err != nil {
				t.Fatal(err)
			}
			items = append(items, it)
		}
		return items
	}
	first := read()
	if d := cmp.Diff(first, read()); d != "" || len(first) != 1200 || first[0].Payload.Fields["title"] != "P7" {
		t.Errorf("%d items, the first %+v: %s", len(first), first[0], d)
	}
	if len(source.asked) != 1 {
		t.Errorf("the source was asked %d times for one value", len(source.asked))
	}
	if !slices.IsSortedFunc(first, func(a, b planner.Item) int { return a.Position - b.Position }) {
		t.Error("ids that rise have places that rise here") // 1001, 1002 … in the source
	}
}

// A lookup the source does not answer is the run's failure, not the records'.
func TestALookupThatFailsWhilePlanningFailsThePlan(t *testing.T) {
	w := newWorld(t)
	w.source.hold(team(3))
	p := w.begin(bothKinds(""))
	w.fetch(p)
	snapshots, err := w.db.SnapshotsOfRun(context.Background(), p.RunID)
	if err != nil {
		t.Fatal(err)
	}
	look := &lookups{ctx: context.Background(), err: unavailable()}
	template, _ := mapping.CompileTemplate(orgflow.Person, []mapping.Entry{{Key: "number", Map: "userid"}}, []mapping.Entry{{Key: "number", Type: "string"}}, mapping.TemplateOptions{})
	n := 0
	for _, err = range w.sync.items(context.Background(), template, snapshots[1].ID, look) {
		n++
	}
	if n != 1 || orgflow.AsFault(err).Code != orgflow.CodeUnavailable {
		t.Errorf("after %d items: %v", n, err)
	}
	g := &gathered{look: look, in: planner.Input{Job: orgflow.Job{}.WithDefaults()}}
	if _, err := g.build(); orgflow.AsFault(err).Code != orgflow.CodeUnavailable {
		t.Errorf("build: %v", err)
	}
}

var _ Store = (*store.Store)(nil)
