package activities

import (
	"context"
	"fmt"
	"strings"
	"time"

	"orgflow"
	"orgflow/internal/planner"
	"orgflow/internal/store"
)

const (
	// patientRuns is how many runs in a row try a record that fails for
	// reasons of its own before they pause.
	patientRuns = 3
	// longestPause is the most days between two tries.
	longestPause = 7
)

// failures tells the planner which records keep failing, and which of them
// are not tried today. A job for single records asks for them by name, and
// tries them whatever happened before.
func (s *Sync) failures(ctx context.Context, run store.Run, kind orgflow.Kind) (map[string]planner.Failure, error) {
	if len(run.Job.Params.SourceIDs) > 0 {
		return nil, nil
	}
	known, err := s.Store.Failures(ctx, run.Job.Target(), kind)
	if err != nil || len(known) == 0 {
		return nil, err
	}
	company, err := s.Files.Company(run.Job.CompanyID)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	out := make(map[string]planner.Failure, len(known))
	for _, f := range known {
		out[f.SourceID] = planner.Failure{Op: f.Op, Hash: f.Hash, Scope: f.Scope, Deferred: deferral(f, now, company.TimeZone)}
	}
	return out, nil
}

// deferral says why a change that failed before is not tried now; empty if it
// is. Pauses are whole days of the company's calendar, so that a run at the
// same hour every night is not late by the minutes it took to fail.
func deferral(f store.RecordFailure, now time.Time, zone *time.Location) string {
	if f.Failures < patientRuns {
		return ""
	}
	days := min(1<<min(f.Failures-patientRuns, longestPause), longestPause)
	y, m, d := f.LastAt.In(zone).Date()
	again := time.Date(y, m, d+days, 0, 0, 0, 0, zone)
	if !now.Before(again) {
		return ""
	}
	last := strings.TrimSpace(f.VendorCode + " " + f.Message)
	if last == "" {
		last = string(f.Code)
	}
	return fmt.Sprintf("failed in the last %d runs, last with %s; tried again from %s on, or as soon as its data changes; `starter runs retry` tries it at once",
		f.Failures, last, again.Format(time.DateOnly))
}

// forget removes the failures that the plan has found to mean nothing any
// more. A dry run changes nothing.
func (s *Sync) forget(ctx context.Context, run store.Run, plan *planner.Plan) error {
	if run.Job.Params.DryRun {
		return nil
	}
	return s.Store.ForgetFailures(ctx, run.Job.Target(), plan.Forget)
}
