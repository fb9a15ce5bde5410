package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/store"
	"orgflow/internal/temporalx"
	"orgflow/meta"
)

// scheduleOwner marks the schedules that belong to the files.
const scheduleOwner = "orgflow"

// Schedules reconciles schedule files with Temporal Schedules; HTTP and CLI
// share it.
type Schedules struct {
	app *App

	mu   sync.Mutex
	made *temporalx.Schedules // one per process: it sends one patch at a time
}

// Schedules returns what reconciles and steers schedules.
func (a *App) Schedules() *Schedules { return &Schedules{app: a} }

// open connects to Temporal when it is first needed.
func (s *Schedules) open(ctx context.Context) (*temporalx.Schedules, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made != nil {
		return s.made, nil
	}
	cl, err := s.app.Dial(ctx)
	if err != nil {
		return nil, err
	}
	s.made = temporalx.NewSchedules(cl, s.app.payloads.DataConverter(), s.app.Config.Temporal.Namespace, scheduleOwner)
	return s.made, nil
}

// ListSchedules lists the schedules orgflow owns, with what became of their
// times.
func (s *Schedules) ListSchedules(ctx context.Context) ([]api.Schedule, error) {
	schedules, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := schedules.Counted(ctx)
	if err != nil {
		return nil, unavailable("list schedules", err)
	}
	out := make([]api.Schedule, len(entries))
	for i, e := range entries {
		out[i] = shownSchedule(e)
	}
	return out, nil
}

func shownSchedule(e temporalx.ScheduleEntry) api.Schedule {
	out := api.Schedule{
		ID: e.ID, Workflow: e.Workflow, Paused: e.Paused, Note: e.Note, Next: e.Next,
		Starts: e.Counts.Starts, Missed: api.MissedRuns{CatchupWindow: e.Counts.Late, Overlap: e.Counts.Skipped, Buffer: e.Counts.Dropped},
	}
	for _, start := range e.Recent {
		out.Recent = append(out.Recent, api.ScheduleStart(start))
	}
	return out
}

// ApplySchedules makes the server match the files of all companies.
func (s *Schedules) ApplySchedules(ctx context.Context, dryRun bool) ([]api.ScheduleChange, error) {
	want, err := s.wanted()
	if err != nil {
		return nil, err
	}
	schedules, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	plan, err := schedules.Plan(ctx, want)
	if errors.Is(err, temporalx.ErrOtherOwner) {
		return nil, &orgflow.Fault{Code: orgflow.CodeConflict, Message: err.Error(), Advice: "nothing was changed", Err: err}
	}
	if err != nil {
		return nil, unavailable("compare the schedules", err)
	}
	if !dryRun {
		if err := schedules.Apply(ctx, plan); err != nil {
			return nil, unavailable("apply schedules", err)
		}
	}
	out := make([]api.ScheduleChange, len(plan))
	for i, d := range plan {
		out[i] = api.ScheduleChange{ID: d.ID, Action: string(d.Action)}
		for _, f := range d.Fields {
			out[i].Fields = append(out[i].Fields, api.FieldChange(f))
		}
	}
	return out, nil
}

// wanted reads the schedule files of all companies; one broken file stops
// everything, so that a typing error deletes no schedule.
func (s *Schedules) wanted() ([]temporalx.Schedule, error) {
	var want []temporalx.Schedule
	var problems []orgflow.Problem
	for _, company := range s.app.Meta.Companies() {
		schedules, found := s.app.Meta.Schedules(company)
		problems = append(problems, found...)
		for _, file := range schedules {
			w := s.schedule(file)
			if err := w.Validate(); err != nil {
				problems = append(problems, orgflow.Problem{File: file.File.Name, Message: err.Error()})
			}
			want = append(want, w)
		}
	}
	if len(problems) > 0 {
		return nil, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	return want, nil
}

// schedule turns a file into what Temporal shall have.
func (s *Schedules) schedule(file meta.Schedule) temporalx.Schedule {
	target := file.Target()
	kind, stem := "sync", fmt.Sprintf("sync-%d-%s", target.CompanyID, target.Consumer)
	switch file.Workflow {
	case orgflow.WorkflowOrgPull:
		kind, stem = "org_pull", fmt.Sprintf("org-pull-%d-%s", target.CompanyID, target.Consumer)
	case orgflow.WorkflowDataSync:
		kind, stem = "erp", orgflow.ERPWorkflowID(target.CompanyID, file.Load.FormID)
	}
	id := scheduleID(file.CompanyID, file.ID)
	out := temporalx.Schedule{
		ID:             id,
		Spec:           temporalx.Spec{Cron: file.Cron, TimeZone: file.TimeZone, Jitter: temporalx.Duration(file.Jitter)},
		Overlap:        string(file.Overlap),
		CatchupWindow:  temporalx.Duration(file.CatchupWindow),
		PauseOnFailure: file.PauseOnFailure,
		Paused:         file.Paused,
		Note:           file.Description,
		Workflow:       file.Workflow,
		Input:          file.RawJob,
		WorkflowID:     stem + "-" + file.ID,
		TaskQueue:      s.app.Config.Temporal.TaskQueue,
		SearchAttributes: map[string]string{
			orgflow.AttrCompany: fmt.Sprint(target.CompanyID),
			orgflow.AttrKind:    kind,
			orgflow.AttrTarget:  target.String(),
		},
	}
	for _, c := range file.Calendar {
		out.Spec.Calendars = append(out.Spec.Calendars, calendar(c))
	}
	return out
}

// PauseSchedule stops a schedule from starting runs.
func (s *Schedules) PauseSchedule(ctx context.Context, id string, by api.Steering) error {
	return s.steer(ctx, "pause", id, by, func(to *temporalx.Schedules, note string) error { return to.Pause(ctx, id, note) })
}

// ResumeSchedule lets a paused schedule go on.
func (s *Schedules) ResumeSchedule(ctx context.Context, id string, by api.Steering) error {
	return s.steer(ctx, "resume", id, by, func(to *temporalx.Schedules, note string) error { return to.Resume(ctx, id, note) })
}

// TriggerSchedule starts a schedule's job now.
func (s *Schedules) TriggerSchedule(ctx context.Context, id string, by api.Steering) error {
	return s.steer(ctx, "trigger", id, by, func(to *temporalx.Schedules, note string) error { return to.Trigger(ctx, id) })
}

// BackfillSchedule starts the runs a schedule has from one time to another.
func (s *Schedules) BackfillSchedule(ctx context.Context, id string, from, to time.Time, by api.Steering) error {
	return s.steer(ctx, "backfill", id, by, func(schedules *temporalx.Schedules, _ string) error {
		return schedules.Backfill(ctx, id, from, to)
	})
}

// steer does something with a schedule and writes down who did it.
func (s *Schedules) steer(ctx context.Context, action, id string, by api.Steering, do func(to *temporalx.Schedules, note string) error) error {
	schedules, err := s.open(ctx)
	if err != nil {
		return err
	}
	note := strings.TrimSuffix(fmt.Sprintf("%s by %s: %s", action, who(by), by.Reason), ": ")
	err = do(schedules, note)
	if errors.Is(err, temporalx.ErrNoSchedule) {
		return noSchedule(id, err)
	}
	if skipped, ok := errors.AsType[*temporalx.SkippedError](err); ok {
		return &orgflow.Fault{
			Code: orgflow.CodeTargetBusy, Message: skipped.Error(),
			Advice: "wait for that run, decide on it if it awaits approval, or cancel it; or start the job beside it with starter sync", Err: err,
		}
	}
	if err != nil {
		return unavailable(action+" schedule "+id, err)
	}
	return s.app.Store.Audit(ctx, store.AuditEntry{Who: who(by), Action: action, Subject: "schedule " + id, From: by.Origin(), Detail: by.Reason})
}

func noSchedule(id string, err error) error {
	return &orgflow.Fault{Code: orgflow.CodeNotFound, Message: fmt.Sprintf("there is no schedule %q", id), Advice: "starter schedules list shows all", Err: err}
}
