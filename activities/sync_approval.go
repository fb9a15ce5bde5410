package activities

import (
	"context"

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
// changed. Repeating it finds nothing parked any more.
func (s *Sync) ReleaseParked(ctx context.Context, p SettleParams) (Planned, error) {
	run, err := s.Store.GetRun(ctx, p.RunID)
	if err != nil {
		return Planned{}, temporalError(err)
	}
	if err := s.Store.SetStatus(ctx, run.ID, orgflow.StatusRunning); err != nil {
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
func (s *Sync) skipReturned(ctx context.Context, runID string, kind orgflow.Kind, snapshot int64) error {
	for cursor := ""; ; {
		changes, next, err := s.Store.ListChanges(ctx, runID, store.ChangeFilter{
			State: orgflow.Parked, Op: orgflow.Delete, Kind: kind, Cursor: cursor, Limit: 500,
		})
		if err != nil {
			return err
		}
		ids := make([]string, len(changes))
		for i, c := range changes {
			ids[i] = c.SourceID
		}
		back, err := s.Store.HasRecords(ctx, snapshot, ids)
		if err != nil {
			return err
		}
		var outcomes []store.Outcome
		for _, c := range changes {
			if back[c.SourceID] {
				outcomes = append(outcomes, store.Outcome{ChangeID: c.ID, State: orgflow.Skipped, Note: "the record is in the source again"})
			}
		}
		if _, err := s.Store.RecordOutcomes(ctx, runID, outcomes); err != nil {
			return err
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}

// SettleParked gives parked changes up: rejected, superseded or too late.
// Repeating it finds nothing parked any more.
func (s *Sync) SettleParked(ctx context.Context, p SettleParams) error {
	_, err := s.Store.SetStates(ctx, p.RunID, "", orgflow.Parked, orgflow.Skipped, p.Note)
	return temporalError(err)
}

// supersede tells waiting runs of the same scope that this one has computed
// their deletes again. A dry run and a run for single records replace none.
func (s *Sync) supersede(ctx context.Context, by store.Run) error {
	if by.Job.Params.DryRun || len(by.Job.Params.SourceIDs) > 0 {
		return nil
	}
	waiting, _, err := s.Store.ListRuns(ctx, store.RunFilter{
		Company: by.Job.CompanyID, Consumer: by.Job.Consumer, Scope: by.Job.Params.Scope,
		Status: []orgflow.Status{orgflow.StatusAwaitingApproval},
	})
	if err != nil {
		return err
	}
	for _, run := range waiting {
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
