package activities

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"orgflow"
	"orgflow/internal/mapping"
	"orgflow/internal/planner"
	"orgflow/internal/store"
	"orgflow/meta"
)

// gathered is everything a plan depends on.
type gathered struct {
	in        planner.Input
	snapshots []int64
	look      *lookups
}

// build makes the plan. A lookup the source did not answer fails it: the
// records would look different for no reason of their own.
func (g *gathered) build() (*planner.Plan, error) {
	plan, err := planner.Build(g.in)
	if g.look.err != nil {
		return nil, g.look.err
	}
	return plan, err
}

// side returns the part of one kind.
func (g *gathered) side(kind orgflow.Kind) *planner.Side {
	if kind == orgflow.Org {
		return &g.in.Orgs
	}
	return &g.in.People
}

// frame begins the input of a job's plan: the consumer's rules and settings,
// and what is bound. Departments are few and their tree must be known whole;
// persons are streamed, so that memory does not grow with the organisation.
func (s *Sync) frame(ctx context.Context, job orgflow.Job, look *lookups) (*gathered, error) {
	consumer, settings, err := s.consumer(job)
	if err != nil {
		return nil, err
	}
	g := &gathered{look: look, in: planner.Input{
		Job: job, Profile: consumer.Profile(),
		Root:             planner.Root{ID: string(settings.RootID), Create: settings.Root == "create"},
		NoDepartmentRoot: settings.NoDepartment == "root",
	}}
	for bd, err := range s.Store.Bindings(ctx, job.Target(), orgflow.Org) {
		if err != nil {
			return nil, err
		}
		g.in.Orgs.Bindings = append(g.in.Orgs.Bindings, bd)
	}
	g.in.People.BindingSeq = s.Store.Bindings(ctx, job.Target(), orgflow.Person)
	return g, nil
}

// gather collects what a run's plan depends on.
func (s *Sync) gather(ctx context.Context, run store.Run) (*gathered, error) {
	look, err := s.lookups(ctx, run.Job)
	if err != nil {
		return nil, err
	}
	resolved, err := s.Files.Thaw(run.Frozen, look.find)
	if err != nil {
		return nil, err
	}
	g, err := s.frame(ctx, run.Job, look)
	if err != nil {
		return nil, err
	}
	g.in.RunToken = runToken(run.FirstRunID)
	for _, kind := range []orgflow.Kind{orgflow.Org, orgflow.Person} {
		svc, ok := resolved.Kind(kind)
		if !ok {
			continue
		}
		if err := acceptable(g.in.Profile, svc); err != nil {
			return nil, err
		}
		if err := s.loadSide(ctx, run, svc, g); err != nil {
			return nil, err
		}
	}
	slices.Sort(g.snapshots)
	return g, s.addRemote(ctx, run, &g.in)
}

// loadSide fills one kind from the snapshot this run read or, where the job
// only sends, from the newest one of its scope.
func (s *Sync) loadSide(ctx context.Context, run store.Run, svc meta.ResolvedService, g *gathered) error {
	kind := svc.Service.Kind
	snapshot, err := s.snapshotOf(ctx, run, kind)
	if err != nil {
		return err
	}
	g.snapshots = append(g.snapshots, snapshot.ID)
	side := g.side(kind)
	side.Present, side.Ops = true, svc.Operations
	side.Complete, side.Cause = snapshot.Complete, snapshot.Cause
	side.FilterChanged, err = s.Store.FilterChanged(ctx, store.FilterProof{
		Target: snapshot.Target, Scope: snapshot.Scope, Service: snapshot.Service, Kind: snapshot.Kind,
		ExceptRun: snapshot.RunID, FilterHash: snapshot.FilterHash, MetaHash: snapshot.MetaHash,
	})
	if err != nil {
		return err
	}
	if side.RecordSeq = s.items(ctx, svc.Template, snapshot.ID, g.look); kind == orgflow.Org {
		// Departments are gone through often: mapped once, they are kept.
		if side.Records, err = inSourceOrder(side.RecordSeq); err != nil {
			return err
		}
		side.RecordSeq = nil
	}
	if side.Rejected, err = idSet(s.Store.RejectedIDs(ctx, snapshot.ID)); err != nil {
		return err
	}
	if side.Failed, err = s.failures(ctx, run, kind); err != nil {
		return err
	}
	if side.OtherScopes, err = s.otherScopes(ctx, run, kind); err != nil {
		return err
	}
	side.RecentDeletes, err = s.Store.DeletesSince(ctx, run.Job.Target(), kind, s.Now().Add(-recentWindow))
	return err
}

// items streams a snapshot's records by id, each with the payload the
// template makes of it when its turn comes. Another reading makes the same
// payloads: templates are pure, and a lookup's answer is kept.
func (s *Sync) items(ctx context.Context, template *mapping.Template, snapshot int64, look *lookups) iter.Seq2[planner.Item, error] {
	return func(yield func(planner.Item, error) bool) {
		for record, err := range s.Store.RecordsByID(ctx, snapshot) {
			var it planner.Item
			if err == nil {
				it = item(template, record.Record)
				it.Position, err = record.Position, look.err
			}
			if !yield(it, err) || err != nil {
				return
			}
		}
	}
}

// inSourceOrder collects a stream of items.
func inSourceOrder(seq iter.Seq2[planner.Item, error]) ([]planner.Item, error) {
	var list []planner.Item
	for it, err := range seq {
		if err != nil {
			return nil, err
		}
		list = append(list, it)
	}
	slices.SortFunc(list, func(a, b planner.Item) int { return cmp.Compare(a.Position, b.Position) })
	return list, nil
}

// item applies the template; an issue that forbids sending holds the record.
func item(template *mapping.Template, record orgflow.Record) planner.Item {
	it, _ := judged(template, record)
	return it
}

// judged is item with everything the template has to say.
func judged(template *mapping.Template, record orgflow.Record) (planner.Item, []mapping.Issue) {
	payload, issues := template.Payload(record)
	it := planner.Item{SourceID: record.SourceID, ParentID: record.ParentID, Payload: payload}
	var reasons []string
	for _, issue := range issues {
		if issue.Fatal {
			reasons = append(reasons, issue.Map+": "+issue.Message)
		}
	}
	it.Issue = strings.Join(reasons, "; ")
	return it, issues
}

// addRemote gives the planner what the consumer holds, where that was read
// whole. Anything else is "not read": what is missing in it is not gone. A
// reconcile run cannot do without.
func (s *Sync) addRemote(ctx context.Context, run store.Run, in *planner.Input) error {
	read, err := s.Store.RemoteDone(ctx, run.ID)
	if err != nil {
		return err
	}
	if !read.Complete {
		if run.Job.Params.Mode != orgflow.Reconcile {
			return nil
		}
		return &orgflow.Fault{
			Code:    orgflow.CodePartialRead,
			Message: "what " + run.Job.Consumer + " holds could not be read whole: " + cmp.Or(read.Cause, "the read did not begin"),
			Advice:  `widen the application's scope at the consumer, or use mode "incremental"`,
		}
	}
	for kind, side := range map[orgflow.Kind]*planner.Side{orgflow.Org: &in.Orgs, orgflow.Person: &in.People} {
		if !side.Present {
			continue
		}
		side.Remote = []planner.RemoteRecord{} // read, possibly empty
		for r, err := range s.Store.RemoteRecords(ctx, run.ID, kind) {
			if err != nil {
				return err
			}
			side.Remote = append(side.Remote, planner.RemoteRecord{ConsumerID: r.ConsumerID, Key: r.Key, Fields: r.Fields, Ext: r.Ext})
		}
	}
	return nil
}

// snapshotOf finds what to plan from.
func (s *Sync) snapshotOf(ctx context.Context, run store.Run, kind orgflow.Kind) (store.Snapshot, error) {
	own, err := s.Store.SnapshotsOfRun(ctx, run.ID)
	if err != nil {
		return store.Snapshot{}, err
	}
	for _, snapshot := range own {
		if snapshot.Kind == kind {
			return snapshot, nil
		}
	}
	newest, found, err := s.newestSnapshot(ctx, run.Job, kind)
	if err != nil || found {
		return newest, err
	}
	return store.Snapshot{}, &orgflow.Fault{
		Code:    orgflow.CodeInvalidJob,
		Message: fmt.Sprintf("nothing has been fetched yet for %s records of scope %q", kind, run.Job.Params.Scope),
		Advice:  `run the job with "stages": ["fetch"] or ["fetch", "send"] first`,
		Field:   "/params/stages",
	}
}

// newestSnapshot returns the newest read of a kind in the job's scope whose
// records are still stored.
func (s *Sync) newestSnapshot(ctx context.Context, job orgflow.Job, kind orgflow.Kind) (newest store.Snapshot, found bool, err error) {
	latest, err := s.Store.LatestSnapshots(ctx, store.SnapshotFilter{Target: job.Target(), Scope: job.Params.Scope, Kind: kind})
	for _, snapshot := range latest { // one per service of the kind is listed
		if !snapshot.Dropped && snapshot.ID > newest.ID {
			newest = snapshot
		}
	}
	return newest, newest.ID > 0, err
}

// otherScopes lists the records that other scopes of the target read in their
// last complete fetch: they are taken over instead of deleted.
func (s *Sync) otherScopes(ctx context.Context, run store.Run, kind orgflow.Kind) (map[string]string, error) {
	latest, err := s.Store.LatestSnapshots(ctx, store.SnapshotFilter{Target: run.Job.Target(), Kind: kind, Complete: true})
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, snapshot := range latest {
		if snapshot.Scope == run.Job.Params.Scope {
			continue
		}
		for id, err := range s.Store.RecordIDs(ctx, snapshot.ID) {
			if err != nil {
				return nil, err
			}
			out[id] = snapshot.Scope
		}
	}
	return out, nil
}

func idSet(seq iter.Seq2[string, error]) (map[string]bool, error) {
	out := map[string]bool{}
	for id, err := range seq {
		if err != nil {
			return nil, err
		}
		out[id] = true
	}
	return out, nil
}
