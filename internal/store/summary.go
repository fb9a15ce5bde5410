package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"orgflow"
)

// Summary returns the run as users see it, or ErrNotFound. What is counted:
//
//   - fetch: the run's own snapshots; a run without fetch stage has none.
//   - plan: as the planner counted, since unchanged records have no change.
//   - applied: the records' own changes per operation; a look for somebody
//     who was invited is of their insert. Held changes are counted in plan
//     only, skipped ones nowhere; what waits for somebody (parked, invited,
//     disputed, needs_human) is pending.
//   - progress: every change, second passes included.
//   - parked_deletes: deletes in state parked.
//   - irreversible: as the plan was stored with it.
func (s *Store) Summary(ctx context.Context, id string) (orgflow.Summary, error) {
	run, err := s.GetRun(ctx, id)
	if err != nil {
		return orgflow.Summary{}, err
	}
	sum := orgflow.Summary{
		ID: run.ID, RunID: run.FirstRunID, CompanyID: run.Job.CompanyID, Consumer: run.Job.Consumer,
		Status: run.Status, Paused: run.Paused, Phase: run.Phase, DryRun: run.Job.Params.DryRun, StartedAt: run.StartedAt, FinishedAt: run.FinishedAt,
		Fetch:   map[orgflow.Kind]orgflow.FetchCount{},
		Plan:    map[orgflow.Kind]orgflow.PlanCount{},
		Applied: map[orgflow.Kind]map[orgflow.Op]orgflow.Applied{},
		Calls:   run.Counters.Calls, Throttled: run.Counters.Throttled, TokenRenewals: run.Counters.TokenRenewals,
		Error: run.Fault, Files: run.Files, Notes: run.Notes, Undoes: run.Job.Params.Undo,
	}
	snaps, err := s.SnapshotsOfRun(ctx, id)
	if err != nil {
		return orgflow.Summary{}, err
	}
	for _, snap := range snaps {
		addFetch(sum.Fetch, snap)
	}
	plan, err := s.Plan(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return sum, nil
	case err != nil:
		return orgflow.Summary{}, err
	}
	for kind, count := range plan.Counts {
		sum.Plan[kind] = count
	}
	var content struct {
		Irreversible []orgflow.Irreversible `json:"irreversible"`
	}
	if err := decode(string(plan.Content), &content); err != nil {
		return orgflow.Summary{}, fmt.Errorf("content of the plan of run %s: %w", id, err)
	}
	sum.Irreversible = content.Irreversible
	return sum, s.addChanges(ctx, id, &sum)
}

// addFetch adds a snapshot to its kind's count; a kind was read whole only
// when each of its services was.
func addFetch(fetch map[orgflow.Kind]orgflow.FetchCount, snap Snapshot) {
	count, seen := fetch[snap.Kind]
	count.Read += snap.Read
	count.Staged += snap.Staged
	count.Rejected += snap.Rejected
	count.Complete = snap.Complete && (count.Complete || !seen)
	count.Cause = cmp.Or(count.Cause, snap.Cause)
	fetch[snap.Kind] = count
}

// stateCount is how many changes of a kind, operation and aspect are in a state.
type stateCount struct {
	Kind   orgflow.Kind  `db:"kind"`
	Op     orgflow.Op    `db:"op"`
	Aspect string        `db:"aspect"`
	State  orgflow.State `db:"state"`
	N      int           `db:"n"`
}

func (s *Store) addChanges(ctx context.Context, id string, sum *orgflow.Summary) error {
	var rows []stateCount
	err := s.list(ctx, "summary of run "+id, &rows, `
		SELECT kind, op, aspect, state, count(*) AS n FROM sync_change WHERE run_id = ? GROUP BY kind, op, aspect, state`, id)
	if err != nil {
		return err
	}
	for _, r := range rows {
		sum.Progress.Total += r.N
		if r.State.Final() {
			sum.Progress.Done += r.N
		}
		if r.Op == orgflow.Delete && r.State == orgflow.Parked {
			sum.ParkedDeletes += r.N
		}
		r.addTo(sum.Applied)
	}
	return nil
}

// addTo counts what was to be applied: the records themselves, not their
// references, and nothing that was never to be sent.
func (c stateCount) addTo(applied map[orgflow.Kind]map[orgflow.Op]orgflow.Applied) {
	if c.Aspect != "" && c.Aspect != orgflow.AspectInvitation || c.State == orgflow.Held || c.State == orgflow.Skipped {
		return
	}
	if applied[c.Kind] == nil {
		applied[c.Kind] = map[orgflow.Op]orgflow.Applied{}
	}
	count := applied[c.Kind][c.Op]
	switch c.State {
	case orgflow.Done:
		count.Done += c.N
	case orgflow.Failed:
		count.Failed += c.N
	case orgflow.Blocked:
		count.Blocked += c.N
	default:
		count.Pending += c.N
	}
	applied[c.Kind][c.Op] = count
}
