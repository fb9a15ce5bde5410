package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"orgflow"
	"orgflow/internal/planner"
	"orgflow/internal/store"
)

// Runs is what has to be asked about a run that shall be undone.
type Runs interface {
	GetRun(ctx context.Context, id string) (store.Run, error)
	Plan(ctx context.Context, runID string) (store.PlanMeta, error)
	CountEffects(ctx context.Context, runID string) (int, error)
	CountByState(ctx context.Context, runID string) (map[orgflow.State]int, error)
}

// Undoable returns a run that can be undone, or the fault that says why it
// cannot be: it is not known, goes on, was a dry run, had no effect, or its
// changes are not kept any more.
func Undoable(ctx context.Context, runs Runs, id string) (store.Run, error) {
	run, err := runs.GetRun(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return run, undoFault(orgflow.CodeNotFound, "starter runs list shows all", "there is no run %q to undo", id)
	}
	if err != nil {
		return run, err
	}
	switch {
	case !run.Status.Terminal():
		return run, undoFault(orgflow.CodeConflict, "wait until it has ended, or cancel it first", "run %s has not ended: %s", id, run.Status)
	case run.Job.Params.DryRun:
		return run, undoFault(orgflow.CodeConflict, "", "run %s was a dry run: it sent nothing, so there is nothing to undo", id)
	}
	effects, err := runs.CountEffects(ctx, id)
	if err != nil || effects > 0 {
		return run, err
	}
	kept, err := runs.CountByState(ctx, id)
	if err != nil {
		return run, err
	}
	plan, err := runs.Plan(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return run, err
	}
	if len(kept) == 0 && planned(plan.Counts) > 0 {
		return run, undoFault(orgflow.CodeConflict, "", "the changes of run %s have been removed, so it is not known any more what it did", id)
	}
	return run, undoFault(orgflow.CodeConflict, "", "run %s changed nothing, so there is nothing to undo", id)
}

// planned counts the changes a plan had.
func planned(counts map[orgflow.Kind]orgflow.PlanCount) int {
	n := 0
	for _, c := range counts {
		n += c.Insert + c.Update + c.Delete + c.Held + c.References
	}
	return n
}

func undoFault(code orgflow.Code, advice, format string, args ...any) *orgflow.Fault {
	f := orgflow.Faultf(code, format, args...)
	f.Advice = advice
	return f
}

// beginUndo creates the run of an undo. It uses no meta files: what it sends
// is what the consumer held before.
func (s *Sync) beginUndo(ctx context.Context, p PrepareParams, job orgflow.Job) (Prepared, error) {
	undone, err := Undoable(ctx, s.Store, job.Params.Undo)
	if f, ok := errors.AsType[*orgflow.Fault](err); ok {
		f.Field = "/params/undo"
	}
	if err != nil {
		return Prepared{}, err
	}
	if err := sameTarget(job, undone.Job); err != nil {
		return Prepared{}, err
	}
	run, _, err := s.Store.CreateRun(ctx, store.NewRun{
		WorkflowID: p.WorkflowID, FirstRunID: p.FirstRunID, Job: job, StartedAt: s.Now(),
	})
	if err != nil {
		return Prepared{}, err
	}
	return s.prepared(ctx, run, nil)
}

// sameTarget refuses an undo whose job names something else than the run did.
func sameTarget(job, of orgflow.Job) error {
	var problems []orgflow.Problem
	check := func(pointer string, same bool, was any) {
		if !same {
			problems = append(problems, orgflow.Problem{Pointer: pointer, Message: fmt.Sprintf("must be as in run %s: %v", job.Params.Undo, was)})
		}
	}
	sorted := func(names []string) []string { return slices.Sorted(slices.Values(names)) }
	check("/company_id", job.CompanyID == of.CompanyID, of.CompanyID)
	check("/consumer", job.Consumer == of.Consumer, of.Consumer)
	check("/services", slices.Equal(sorted(job.Services), sorted(of.Services)), strings.Join(of.Services, ", "))
	check("/params/scope", job.Params.Scope == of.Params.Scope, of.Params.Scope)
	if len(problems) > 0 {
		return &orgflow.InvalidError{Code: orgflow.CodeInvalidJob, Problems: problems}
	}
	return nil
}

// planUndo plans the way back from a run, and saves the plan like any other.
func (s *Sync) planUndo(ctx context.Context, run store.Run) error {
	consumer, settings, err := s.consumer(run.Job)
	if err != nil {
		return err
	}
	target := run.Job.Target()
	in := planner.Input{
		Job: run.Job, Profile: consumer.Profile(),
		Root:     planner.Root{ID: string(settings.RootID), Create: settings.Root == "create"},
		RunToken: runToken(run.FirstRunID),
	}
	for kind, side := range map[orgflow.Kind]*planner.Side{orgflow.Org: &in.Orgs, orgflow.Person: &in.People} {
		side.BindingSeq = s.Store.Bindings(ctx, target, kind)
		if side.RecentDeletes, err = s.Store.DeletesSince(ctx, target, kind, s.Now().Add(-recentWindow)); err != nil {
			return err
		}
	}
	plan, err := planner.Undo(in, planner.Undone{Run: run.Job.Params.Undo, Changes: s.Store.Effects(ctx, run.Job.Params.Undo)})
	if err != nil {
		return err
	}
	return s.save(ctx, run, plan, in, nil)
}
