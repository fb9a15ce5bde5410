package activities

import (
	"context"
	"slices"

	"orgflow"
	"orgflow/internal/store"
)

// ParkRun makes a run wait: its status says so, and its target is free for
// other runs. Repeating it changes nothing.
func (s *Sync) ParkRun(ctx context.Context, p RunParams) error {
	run, err := s.Store.GetRun(ctx, p.RunID)
	if err != nil {
		return temporalError(err)
	}
	if err := s.Store.SetStatus(ctx, run.ID, orgflow.StatusAwaitingApproval); err != nil {
		return temporalError(err)
	}
	return temporalError(s.Store.ReleaseTarget(ctx, run.Job.Target(), run.ID))
}

// ReleaseParked turns approved changes into planned ones, except deletes
// whose reason is gone: the record came back to the source, or its binding
// changed. Who approved and why becomes a note of the run. Repeating it finds
// nothing parked any more, and the note there.
func (s *Sync) ReleaseParked(ctx context.Context, p SettleParams) (Planned, error) {
	run, err := s.Store.GetRun(ctx, p.RunID)
	if err != nil {
		return Planned{}, temporalError(err)
	}
	if err := s.Store.SetStatus(ctx, run.ID, orgflow.StatusRunning); err != nil {
		return Planned{}, temporalError(err)
	}
	if err := s.Store.NoteRun(ctx, run.ID, p.Note); err != nil {
		return Planned{}, temporalError(err)
	}
	if err := s.skipStale(ctx, run); err != nil {
		return Planned{}, temporalError(err)
	}
	if _, err := s.Store.SetStates(ctx, run.ID, "", orgflow.Parked, orgflow.Planned, p.Note); err != nil {
		return Planned{}, temporalError(err)
	}
	out, err := s.planned(ctx, run.ID)
	return out, temporalError(err)
}

// skipStale takes back parked deletes that the scope's newest read
// contradicts.
func (s *Sync) skipStale(ctx context.Context, run store.Run) error {
	if run.Job.Params.Undo != "" {
		return nil // it deletes what the source has, and was approved as that
	}
	for _, kind := range []orgflow.Kind{orgflow.Org, orgflow.Person} {
		latest, err := s.Store.LatestSnapshots(ctx, store.SnapshotFilter{
			Target: run.Job.Target(), Scope: run.Job.Params.Scope, Kind: kind, ExceptRun: run.ID,
		})
		if err != nil {
			return err
		}
		for _, snapshot := range latest {
			if snapshot.Dropped || !snapshot.CreatedAt.After(run.StartedAt) {
				continue
			}
			if err := s.skipReturned(ctx, run.ID, kind, snapshot.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// skipReturned skips parked deletes of records that a later read contains.
// The delete of a recreate stays: its record was in the source all the time.
func (s *Sync) skipReturned(ctx context.Context, runID string, kind orgflow.Kind, snapshot int64) error {
	recreated := map[string]bool{}
	err := s.eachParked(ctx, runID, kind, orgflow.Insert, func(changes []orgflow.Change) error {
		for _, c := range changes {
			recreated[c.SourceID] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	var outcomes []store.Outcome
	err = s.eachParked(ctx, runID, kind, orgflow.Delete, func(changes []orgflow.Change) error {
		ids := make([]string, len(changes))
		for i, c := range changes {
			ids[i] = c.SourceID
		}
		back, err := s.Store.HasRecords(ctx, snapshot, ids)
		for _, c := range changes {
			if back[c.SourceID] && !recreated[c.SourceID] {
				outcomes = append(outcomes, store.Outcome{ChangeID: c.ID, State: orgflow.Skipped, Note: "the record is in the source again"})
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	_, err = s.Store.RecordOutcomes(ctx, runID, outcomes)
	return err
}

// eachParked hands out a run's parked changes of one kind and operation,
// page by page.
func (s *Sync) eachParked(ctx context.Context, runID string, kind orgflow.Kind, op orgflow.Op, f func([]orgflow.Change) error) error {
	for cursor := ""; ; {
		changes, next, err := s.Store.ListChanges(ctx, runID, store.ChangeFilter{
			State: orgflow.Parked, Op: op, Kind: kind, Cursor: cursor, Limit: 500,
		})
		if err != nil {
			return err
		}
		if err := f(changes); err != nil || next == "" {
			return err
		}
		cursor = next
	}
}

// SettleParked gives parked changes up, rejected, superseded or too late, and
// notes that of the run. Repeating it finds nothing parked any more, and the
// note there.
func (s *Sync) SettleParked(ctx context.Context, p SettleParams) error {
	if err := s.Store.NoteRun(ctx, p.RunID, p.Note); err != nil {
		return temporalError(err)
	}
	_, err := s.Store.SetStates(ctx, p.RunID, "", orgflow.Parked, orgflow.Skipped, p.Note)
	return temporalError(err)
}

// supersede tells waiting runs of the same scope that this one has judged
// their parked changes again. A dry run, a run for single records, an undo, one
// without deletes and one of other kinds have not, and replace none. Nor is an
// undo replaced that waits.
func (s *Sync) supersede(ctx context.Context, by store.Run, plan map[orgflow.Kind]orgflow.PlanCount) error {
	params := by.Job.Params
	if params.DryRun || len(params.SourceIDs) > 0 || params.Undo != "" || !slices.Contains(params.Operations, orgflow.Delete) {
		return nil
	}
	waiting, _, err := s.Store.ListRuns(ctx, store.RunFilter{
		Company: by.Job.CompanyID, Consumer: by.Job.Consumer, Scope: params.Scope,
		Status: []orgflow.Status{orgflow.StatusAwaitingApproval},
	})
	if err != nil {
		return err
	}
	for _, run := range waiting {
		if run.Job.Params.Undo != "" {
			continue // the source says nothing about its deletes
		}
		judged, err := s.judged(ctx, run.ID, plan)
		if err != nil {
			return err
		}
		if !judged {
			continue
		}
		alive, err := s.Executions.Supersede(ctx, run.WorkflowID, by.ID)
		if err != nil {
			return err
		}
		if !alive { // terminated while it waited
			if _, err := s.Store.FinishRun(ctx, run.ID, orgflow.StatusSuperseded, nil, []string{"superseded by run " + by.ID}); err != nil {
				return err
			}
		}
	}
	return nil
}

// judged tells whether a plan covers every kind of which a run has parked
// changes.
func (s *Sync) judged(ctx context.Context, runID string, plan map[orgflow.Kind]orgflow.PlanCount) (bool, error) {
	for _, kind := range []orgflow.Kind{orgflow.Org, orgflow.Person} {
		if _, covered := plan[kind]; covered {
			continue
		}
		parked, _, err := s.Store.ListChanges(ctx, runID, store.ChangeFilter{State: orgflow.Parked, Kind: kind, Limit: 1})
		if err != nil || len(parked) > 0 {
			return false, err
		}
	}
	return true, nil
}
