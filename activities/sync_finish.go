package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"orgflow"
	"orgflow/internal/store"
)

// keepSnapshots is how many reads of a scope stay in base_sync_data.
const keepSnapshots = 3

// FinishRun records how a run ended, releases its target and removes reads
// that nobody needs any more. Repeating it changes nothing: the first final
// status stays.
func (s *Sync) FinishRun(ctx context.Context, p FinishParams) (orgflow.Summary, error) {
	run, err := s.Store.GetRun(ctx, p.RunID)
	if err != nil {
		return orgflow.Summary{}, temporalError(err)
	}
	summary, err := s.Store.Summary(ctx, run.ID)
	if err != nil {
		return orgflow.Summary{}, temporalError(err)
	}
	states, err := s.Store.CountByState(ctx, run.ID)
	if err != nil {
		return orgflow.Summary{}, temporalError(err)
	}
	status, fault, notes := verdict(summary, states, p)
	planNotes, err := s.planNotes(ctx, run.ID)
	if err != nil {
		return orgflow.Summary{}, temporalError(err)
	}
	pushNotes, err := s.endPush(ctx, run.ID)
	if err != nil {
		return orgflow.Summary{}, temporalError(err)
	}
	notes = slices.Concat(run.Notes, notes, planNotes, pushNotes)
	if p.Canceled {
		note, err := s.cancelNote(ctx, run.ID, states)
		if err != nil {
			return orgflow.Summary{}, temporalError(err)
		}
		notes = slices.Insert(notes, 0, note)
	}
	if _, err := s.Store.FinishRun(ctx, run.ID, status, fault, notes); err != nil {
		return orgflow.Summary{}, temporalError(err)
	}
	target := run.Job.Target()
	if err := s.Store.ReleaseTarget(ctx, target, run.ID); err != nil {
		return orgflow.Summary{}, temporalError(err)
	}
	if err := s.Store.Dequeue(ctx, run.ID); err != nil {
		return orgflow.Summary{}, temporalError(err)
	}
	if _, err := s.Store.DropSnapshotsBefore(ctx, target, run.Job.Params.Scope, keepSnapshots); err != nil {
		return orgflow.Summary{}, temporalError(err)
	}
	if err := s.Store.DropRemote(ctx, run.ID); err != nil {
		return orgflow.Summary{}, temporalError(err)
	}
	summary, err = s.Store.Summary(ctx, run.ID)
	return summary, temporalError(err)
}

// planNotes are the plan's sentences for people; a run that ended before it
// planned has none.
func (s *Sync) planNotes(ctx context.Context, runID string) ([]string, error) {
	plan, err := s.Store.Plan(ctx, runID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil || len(plan.Content) == 0 {
		return nil, err
	}
	var content planContent
	if err := json.Unmarshal(plan.Content, &content); err != nil {
		return nil, fmt.Errorf("notes of the plan of run %s: %w", runID, err)
	}
	return content.Notes, nil
}

// verdict decides the final status from what happened.
func verdict(s orgflow.Summary, states map[orgflow.State]int, p FinishParams) (orgflow.Status, *orgflow.Fault, []string) {
	var notes []string
	partial := false
	for _, kind := range []orgflow.Kind{orgflow.Org, orgflow.Person} {
		if f, ok := s.Fetch[kind]; ok && !f.Complete && f.Cause != "" {
			partial = true
			notes = append(notes, fmt.Sprintf("%s records were not read whole: %s; nothing was deleted", kind, f.Cause))
		}
	}
	switch {
	case p.Canceled:
		return orgflow.StatusCanceled, nil, notes
	case p.Fault != nil:
		return orgflow.StatusFailed, p.Fault, notes
	case p.Status != "":
		return p.Status, nil, notes
	case s.DryRun && !partial:
		return orgflow.StatusCompleted, nil, notes // planned is what a dry run leaves
	case partial || troubled(states):
		return orgflow.StatusCompletedWithFailures, nil, notes
	}
	return orgflow.StatusCompleted, nil, notes
}

// troubled tells whether a change's fate needs somebody's attention; second
// passes count like any other.
func troubled(states map[orgflow.State]int) bool {
	for _, state := range []orgflow.State{
		orgflow.Failed, orgflow.Blocked, orgflow.Held, orgflow.Disputed, orgflow.NeedsHuman, orgflow.Parked,
		orgflow.Planned, // never sent, although nothing stopped the run
	} {
		if states[state] > 0 {
			return true
		}
	}
	return false
}
