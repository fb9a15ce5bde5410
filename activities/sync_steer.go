package activities

import (
	"context"
	"fmt"
	"strings"

	"orgflow"
)

// PauseRun makes a run paused: everybody sees who did it, and the target
// stays its own. Repeating it changes nothing.
func (s *Sync) PauseRun(ctx context.Context, p PauseParams) error {
	return temporalError(s.Store.PauseRun(ctx, p.RunID, p.Pause))
}

// ResumeRun lets a run go on that had stopped between two changes, and
// answers what is still open: what became of the changes in flight then
// stands in the database only. Repeating it finds the run running.
func (s *Sync) ResumeRun(ctx context.Context, p ResumeParams) (Planned, error) {
	if p.By != "" {
		if err := s.Store.ResumeRun(ctx, p.RunID, p.By); err != nil {
			return Planned{}, temporalError(err)
		}
	}
	out, err := s.planned(ctx, p.RunID)
	return out, temporalError(err)
}

// YieldTarget gives the target up to the runs for single records that wait
// for it, and takes a place behind them. Repeating it keeps the place; an
// attempt that was given up has lost its context and writes nothing.
func (s *Sync) YieldTarget(ctx context.Context, p RunParams) error {
	run, err := s.Store.GetRun(ctx, p.RunID)
	if err != nil {
		return temporalError(err)
	}
	return temporalError(s.Store.YieldTarget(ctx, run.Job.Target(), run.ID, s.Now()))
}

// Actions of the audit log about the end of a run. Who asks is written down
// before the workflow is asked, so that its last step knows the name.
const (
	AuditCancel       = "cancel"
	AuditCancelFailed = "cancel failed"
)

// cancelNote says who stopped a run and what it had done by then; the numbers
// add up to the changes of its plan.
func (s *Sync) cancelNote(ctx context.Context, runID string, states map[orgflow.State]int) (string, error) {
	by, err := s.canceledBy(ctx, runID)
	if err != nil {
		return "", err
	}
	doubts, err := s.Store.CountDoubts(ctx, runID)
	return "canceled" + by + ": " + account(states, doubts), err
}

// canceledBy names who cancelled a run through CLI or HTTP; a cancellation in
// the Web UI names nobody.
func (s *Sync) canceledBy(ctx context.Context, runID string) (string, error) {
	for cursor := ""; ; {
		entries, next, err := s.Store.AuditLog(ctx, runID, cursor, 100)
		if err != nil {
			return "", err
		}
		for _, e := range entries { // newest first
			switch e.Action {
			case AuditCancel:
				if e.Detail != "" {
					return fmt.Sprintf(" by %s (%s)", e.Who, e.Detail), nil
				}
				return " by " + e.Who, nil
			case AuditCancelFailed:
				return "", nil
			}
		}
		if next == "" {
			return "", nil
		}
		cursor = next
	}
}

// account says what became of a plan's changes when its run was stopped.
// doubts are those planned ones whose call had begun.
func account(states map[orgflow.State]int, doubts int) string {
	total := 0
	for _, n := range states {
		total += n
	}
	if total == 0 {
		return "no change was planned yet, nothing was sent"
	}
	done, unsent := states[orgflow.Done], states[orgflow.Planned]+states[orgflow.Parked]-doubts
	parts := []string{fmt.Sprintf("%d of %d changes done", done, total), fmt.Sprintf("%d not sent", unsent)}
	if doubts > 0 {
		parts = append(parts, fmt.Sprintf("%d whose call was under way and is read back by the next run", doubts))
	}
	if rest := total - done - unsent - doubts; rest > 0 {
		parts = append(parts, fmt.Sprintf("%d ended otherwise (failed, blocked, held …)", rest))
	}
	return strings.Join(parts, ", ")
}
