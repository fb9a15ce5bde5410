package activities

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"orgflow"
	"orgflow/internal/planner"
	"orgflow/internal/store"
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
	if run.Job.Params.Undo != "" {
		return s.planUndo(ctx, run)
	}
	g, err := s.gather(ctx, run)
	if err != nil {
		return err
	}
	plan, err := g.build()
	if err != nil {
		return err
	}
	return s.save(ctx, run, plan, g.in, g.snapshots)
}

// save freezes a plan. What no undo could bring back is stored with it, so
// that whoever approves can know.
func (s *Sync) save(ctx context.Context, run store.Run, plan *planner.Plan, in planner.Input, snapshots []int64) error {
	hash, err := plan.Hash()
	if err != nil {
		return err
	}
	content, err := json.Marshal(planContent{Notes: plan.Notes, Irreversible: planner.Irreversible(plan.Changes, in.Profile)})
	if err != nil {
		return err
	}
	if err := s.bind(ctx, run, plan, in.Root.ID); err != nil {
		return err
	}
	if err := s.forget(ctx, run, plan); err != nil {
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
// root, the records it has already, those somebody has changed there to what
// the source says, those another scope leaves to this one.
// A dry run binds nothing.
func (s *Sync) bind(ctx context.Context, run store.Run, plan *planner.Plan, root string) error {
	if run.Job.Params.DryRun {
		return nil
	}
	bindings := slices.Concat(plan.Adopt, plan.Refresh, plan.Takeover)
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
	Notes        []string               `json:"notes,omitempty"`
	Irreversible []orgflow.Irreversible `json:"irreversible,omitempty"`
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
		Parked: states[orgflow.Parked], ParkedDeletes: summary.ParkedDeletes, Irreversible: summary.Irreversible,
	}
	how, err := s.style(ctx, runID, &out, states)
	if err != nil {
		return Planned{}, err
	}
	for _, w := range waves {
		if w.Open > 0 {
			out.Waves = append(out.Waves, Wave{
				No: w.No, Phase: orgflow.PhaseOf(w.Kind, w.Op), From: w.FirstID, To: w.LastID, Import: how.slice(w), PageSize: how.pageSize(w),
			})
		}
	}
	return out, nil
}
