package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"orgflow"
	"orgflow/internal/mapping"
	"orgflow/internal/planner"
	"orgflow/internal/store"
	"orgflow/meta"
)

// recentWindow is how far back deletes count towards the delete limit.
const recentWindow = 7 * 24 * time.Hour

// PlanRun compares staged records with bindings and stores the frozen plan.
// It calls nobody. Repeating it makes the same plan, or finds the one that
// is being applied already.
func (s *Sync) PlanRun(ctx context.Context, p RunParams) (Planned, error) {
	defer keepAlive(ctx)()
	run, err := s.Store.GetRun(ctx, p.RunID)
	if err != nil {
		return Planned{}, temporalError(err)
	}
	if !run.Planned {
		if err := s.Store.SetPhase(ctx, run.ID, orgflow.PhasePlan); err != nil {
			return Planned{}, temporalError(err)
		}
		if err := s.plan(ctx, run); err != nil && !errors.Is(err, store.ErrPlanStarted) {
			return Planned{}, temporalError(err)
		}
	}
	out, err := s.planned(ctx, run.ID)
	if err != nil {
		return Planned{}, temporalError(err)
	}
	return out, temporalError(s.supersede(ctx, run, out.Counts))
}

// plan builds and saves the plan.
func (s *Sync) plan(ctx context.Context, run store.Run) error {
	in, snapshots, err := s.planInput(ctx, run)
	if err != nil {
		return err
	}
	plan, err := planner.Build(in)
	if err != nil {
		return err
	}
	hash, err := plan.Hash()
	if err != nil {
		return err
	}
	content, err := json.Marshal(planContent{Notes: plan.Notes})
	if err != nil {
		return err
	}
	if err := s.bind(ctx, run, plan, in.Root.ID); err != nil {
		return err
	}
	err = s.Store.SavePlan(ctx, run.ID, store.PlanMeta{
		Hash: hash, Counts: plan.Counts, Content: content, SnapshotIDs: snapshots,
	}, slices.Values(plan.Changes))
	if err != nil {
		return err
	}
	if err := s.Store.SetStage(ctx, run.ID, store.Planned); err != nil {
		return err
	}
	return s.Store.DropRemote(ctx, run.ID) // a plan may wait for days; what was read is personal
}

// bind stores what a plan knows of the consumer before anything is sent: its
// root, the records it has already, those another scope leaves to this one.
// A dry run binds nothing.
func (s *Sync) bind(ctx context.Context, run store.Run, plan *planner.Plan, root string) error {
	if run.Job.Params.DryRun {
		return nil
	}
	bindings := slices.Concat(plan.Adopt, plan.Takeover)
	if plan.Root != "" {
		bindings = append(bindings, orgflow.Binding{
			Kind: orgflow.Org, SourceID: plan.Root, ConsumerID: root,
			Scope: run.Job.Params.Scope, State: orgflow.BindingRoot,
		})
	}
	return s.Store.PutBindings(ctx, run.Job.Target(), run.ID, bindings)
}

// runToken is what temporary names carry, so that people can tell which run
// left one behind.
func runToken(firstRunID string) string {
	token := strings.ReplaceAll(firstRunID, "-", "")
	return token[max(0, len(token)-6):]
}

// planContent is what a stored plan keeps beside its changes.
type planContent struct {
	Notes []string `json:"notes,omitempty"`
}

// planInput gathers everything the plan depends on.
func (s *Sync) planInput(ctx context.Context, run store.Run) (planner.Input, []int64, error) {
	look, err := s.lookups(ctx, run.Job)
	if err != nil {
		return planner.Input{}, nil, err
	}
	resolved, err := s.Files.Thaw(run.Frozen, look.find)
	if err != nil {
		return planner.Input{}, nil, err
	}
	consumer, settings, err := s.consumer(run.Job)
	if err != nil {
		return planner.Input{}, nil, err
	}
	in := planner.Input{
		Job: run.Job, Profile: consumer.Profile(),
		Root:             planner.Root{ID: settings.RootID.String(), Create: settings.Root == "create"},
		NoDepartmentRoot: settings.NoDepartment == "root",
		RunToken:         runToken(run.FirstRunID),
	}
	var snapshots []int64
	for kind, side := range map[orgflow.Kind]*planner.Side{orgflow.Org: &in.Orgs, orgflow.Person: &in.People} {
		for bd, err := range s.Store.Bindings(ctx, run.Job.Target(), kind) {
			if err != nil {
				return in, nil, err
			}
			side.Bindings = append(side.Bindings, bd)
		}
		svc, ok := resolved.Kind(kind)
		if !ok {
			continue
		}
		snapshot, err := s.loadSide(ctx, run, svc, side)
		if err != nil {
			return in, nil, err
		}
		snapshots = append(snapshots, snapshot)
		if side.OtherScopes, err = s.otherScopes(ctx, run, kind); err != nil {
			return in, nil, err
		}
		side.RecentDeletes, err = s.Store.DeletesSince(ctx, run.Job.Target(), kind, s.Now().Add(-recentWindow))
		if err != nil {
			return in, nil, err
		}
	}
	slices.Sort(snapshots)
	if err := s.addRemote(ctx, run, &in); err != nil {
		return in, nil, err
	}
	return in, snapshots, look.err
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

// loadSide fills one kind from the snapshot this run read or, where the job
// only sends, from the newest one of its scope.
func (s *Sync) loadSide(ctx context.Context, run store.Run, svc meta.ResolvedService, side *planner.Side) (int64, error) {
	snapshot, err := s.snapshotOf(ctx, run, svc.Service.Kind)
	if err != nil {
		return 0, err
	}
	side.Present, side.Ops = true, svc.Operations
	side.Complete, side.Cause = snapshot.Complete, snapshot.Cause
	side.FilterChanged, err = s.Store.FilterChanged(ctx, store.FilterProof{
		Target: snapshot.Target, Scope: snapshot.Scope, Service: snapshot.Service, Kind: snapshot.Kind,
		ExceptRun: snapshot.RunID, FilterHash: snapshot.FilterHash, MetaHash: snapshot.MetaHash,
	})
	if err != nil {
		return 0, err
	}
	for record, err := range s.Store.Records(ctx, snapshot.ID) {
		if err != nil {
			return 0, err
		}
		side.Records = append(side.Records, item(svc.Template, record))
	}
	side.Rejected, err = s.rejected(ctx, snapshot.ID)
	return snapshot.ID, err
}

// item applies the template; an issue that forbids sending holds the record.
func item(template *mapping.Template, record orgflow.Record) planner.Item {
	payload, issues := template.Payload(record)
	it := planner.Item{SourceID: record.SourceID, ParentID: record.ParentID, Payload: payload}
	var reasons []string
	for _, issue := range issues {
		if issue.Fatal {
			reasons = append(reasons, issue.Map+": "+issue.Message)
		}
	}
	it.Issue = strings.Join(reasons, "; ")
	return it
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
	latest, err := s.Store.LatestSnapshots(ctx, store.SnapshotFilter{Target: run.Job.Target(), Scope: run.Job.Params.Scope, Kind: kind})
	if err != nil {
		return store.Snapshot{}, err
	}
	var newest store.Snapshot // one per service of the kind is listed
	for _, snapshot := range latest {
		if !snapshot.Dropped && snapshot.ID > newest.ID {
			newest = snapshot
		}
	}
	if newest.ID > 0 {
		return newest, nil
	}
	return store.Snapshot{}, &orgflow.Fault{
		Code:    orgflow.CodeInvalidJob,
		Message: fmt.Sprintf("nothing has been fetched yet for %s records of scope %q", kind, run.Job.Params.Scope),
		Advice:  `run the job with "stages": ["fetch"] or ["fetch", "send"] first`,
		Field:   "/params/stages",
	}
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
		for record, err := range s.Store.Records(ctx, snapshot.ID) {
			if err != nil {
				return nil, err
			}
			out[record.SourceID] = snapshot.Scope
		}
	}
	return out, nil
}

// rejected lists the ids that exist in the source but were set aside.
func (s *Sync) rejected(ctx context.Context, snapshot int64) (map[string]string, error) {
	out := map[string]string{}
	for cursor := ""; ; {
		records, next, err := s.Store.RejectedRecords(ctx, snapshot, cursor, 1000)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			out[r.SourceID] = r.Reason
		}
		if next == "" {
			return out, nil
		}
		cursor = next
	}
}

// planned reads the frozen plan back as the workflow needs it.
func (s *Sync) planned(ctx context.Context, runID string) (Planned, error) {
	summary, err := s.Store.Summary(ctx, runID)
	if err != nil {
		return Planned{}, err
	}
	states, err := s.Store.CountByState(ctx, runID)
	if err != nil {
		return Planned{}, err
	}
	waves, err := s.Store.Waves(ctx, runID)
	if err != nil {
		return Planned{}, err
	}
	head, err := s.Store.Plan(ctx, runID)
	if err != nil {
		return Planned{}, err
	}
	out := Planned{
		Hash: head.Hash, Counts: summary.Plan, Done: summary.Applied,
		Total: summary.Progress.Total, Settled: summary.Progress.Done,
		Parked: states[orgflow.Parked], ParkedDeletes: summary.ParkedDeletes,
	}
	for _, w := range waves {
		if w.Open > 0 {
			out.Waves = append(out.Waves, Wave{No: w.No, Phase: orgflow.PhaseOf(w.Kind, w.Op), From: w.FirstID, To: w.LastID})
		}
	}
	return out, nil
}
