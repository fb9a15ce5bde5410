package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
	"orgflow/internal/doctor"
)

// world is the backend, by hand, and the terminal around it.
type world struct {
	out, err bytes.Buffer
	in       string
	now      time.Time
	terminal bool
	onPoll   func(n int) // called before every answer of Summary

	settings error
	opened   []config.Role
	closed   int

	started   []string // raw jobs
	opts      api.StartOptions
	startErr  error
	summaries []any // orgflow.Summary or error, one per poll; the last stays
	polls     int
	runs      api.RunPage
	runFilter api.RunFilter
	changes   []api.ChangePage
	filters   []api.ChangeFilter
	steered   []string
	steerErr  error
	schedules []api.Schedule
	diff      []api.ScheduleChange
	dry       bool
	problems  []orgflow.Problem
	company   int64
	preview   Preview
	request   PreviewRequest
	signed    Signed
	toSign    SignRequest
	versions  [2]int64
	served    bool
	whatIf    orgflow.WhatIf
	supposed  map[string][]byte // files of a what-if
	whatIfErr error
	rows      string
	report    doctor.Report
	examined  doctor.Request
	orgs      api.Orgs
	loads     Loads
	notices   Notices
	flows     *flowWorld
	data      Data
}

func (w *world) run(args ...string) int { return w.runIn(context.Background(), args...) }

func (w *world) runIn(ctx context.Context, args ...string) int {
	if w.now.IsZero() {
		w.now = time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)
	}
	p := newProgram(Stdio{In: strings.NewReader(w.in), Out: &w.out, Err: &w.err}, w.open)
	p.load = func(r config.Role) (config.Config, error) {
		return config.Config{Role: r, Warnings: []string{"ORGFLOW_X is no setting"}}, w.settings
	}
	p.now = func() time.Time { return w.now }
	p.after = func(d time.Duration) <-chan time.Time {
		w.now = w.now.Add(d)
		c := make(chan time.Time)
		close(c)
		return c
	}
	p.terminal, p.user = w.terminal, "tester"
	return p.run(ctx, args)
}

func (w *world) open(_ context.Context, c config.Config) (Backend, func() error, error) {
	w.opened = append(w.opened, c.Role)
	closeAll := func() error { w.closed++; return nil }
	switch c.Role {
	case config.RoleOffline:
		return Backend{Decode: w.decode, Meta: w}, closeAll, nil
	case config.RoleServer:
		return Backend{Serve: func(context.Context) error { w.served = true; return nil }}, closeAll, nil
	case config.RoleDoctor:
		return Backend{Doctor: w}, closeAll, nil
	case config.RoleMigrate:
		return Backend{Migrate: func(context.Context) (int64, int64, error) { return w.versions[0], w.versions[1], nil }}, closeAll, nil
	}
	return Backend{Start: w, Runs: w, Steer: w, WhatIf: w, Schedules: w, Orgs: w.orgs, Loads: w.loads, Notices: w.notices, Flows: w.flows, FlowDefinitions: w.flows, Data: w.data}, closeAll, nil
}

func (w *world) decode(raw []byte) (orgflow.Job, error) {
	var job orgflow.Job
	if err := json.Unmarshal(raw, &job); err != nil {
		return job, &orgflow.InvalidError{Code: orgflow.CodeInvalidJob, Problems: []orgflow.Problem{{Message: "is not JSON", Line: 1, Column: 2}}}
	}
	var problems []orgflow.Problem
	if job.Consumer != "ding_talk" {
		problems = append(problems, orgflow.Problem{Pointer: "/consumer", Message: "must be one of ding_talk", Line: 3, Column: 15})
	}
	if job.CompanyID == 0 {
		problems = append(problems, orgflow.Problem{Pointer: "/company_id", Message: "required"})
	}
	if len(problems) > 0 {
		return job, &orgflow.InvalidError{Code: orgflow.CodeInvalidJob, Problems: problems}
	}
	return job, nil
}

func (w *world) Start(_ context.Context, _ orgflow.Job, raw json.RawMessage, opts api.StartOptions) (api.Started, error) {
	if w.startErr != nil {
		return api.Started{}, w.startErr
	}
	w.started, w.opts = append(w.started, string(raw)), opts
	return api.Started{ID: "run-1", RunID: "r-1", URL: "http://127.0.0.1:8233/run-1"}, nil
}

func (w *world) WhatIf(_ context.Context, _ orgflow.Job, suppose orgflow.Supposition) (orgflow.WhatIf, error) {
	w.rows, w.supposed = string(suppose.Rows), suppose.Files
	return w.whatIf, w.whatIfErr
}

func (w *world) Summary(ctx context.Context, _ string) (orgflow.Summary, error) {
	if w.onPoll != nil {
		w.onPoll(w.polls)
	}
	i := min(w.polls, len(w.summaries)-1)
	w.polls++
	if err, failed := w.summaries[i].(error); failed {
		return orgflow.Summary{}, err
	}
	return w.summaries[i].(orgflow.Summary), ctx.Err()
}

func (w *world) ListRuns(_ context.Context, f api.RunFilter) (api.RunPage, error) {
	w.runFilter = f
	return w.runs, nil
}

func (w *world) ListChanges(_ context.Context, _ string, f api.ChangeFilter) (api.ChangePage, error) {
	w.filters = append(w.filters, f)
	if len(w.changes) == 0 {
		return api.ChangePage{}, nil
	}
	page := w.changes[0]
	w.changes = w.changes[1:]
	return page, nil
}

func (w *world) steer(verb, id string, s api.Steering) error {
	w.steered = append(w.steered, verb+" "+id+" by "+s.By+" because "+s.Reason)
	return w.steerErr
}

func (w *world) Approve(_ context.Context, id string, s api.Steering) error {
	return w.steer("approve", id, s)
}

func (w *world) Reject(_ context.Context, id string, s api.Steering) error {
	return w.steer("reject", id, s)
}

func (w *world) Undo(_ context.Context, id string, o api.UndoOptions) (api.Started, error) {
	verb := strings.TrimSpace(fmt.Sprintf("undo %v %s", o.DryRun, o.Approval))
	return api.Started{ID: id + "-undone"}, w.steer(verb, id, o.Steering)
}

func (w *world) Retry(_ context.Context, id string, s api.Steering) (api.Started, error) {
	return api.Started{ID: id + "-again"}, w.steer("retry", id, s)
}

func (w *world) Cancel(_ context.Context, id string, s api.Steering) error {
	return w.steer("cancel", id, s)
}
func (w *world) Pause(_ context.Context, id string, s api.Steering) error {
	return w.steer("pause", id, s)
}
func (w *world) Resume(_ context.Context, id string, s api.Steering) error {
	return w.steer("resume", id, s)
}
func (w *world) PauseSchedule(_ context.Context, id string, s api.Steering) error {
	return w.steer("pause", id, s)
}
func (w *world) ResumeSchedule(_ context.Context, id string, s api.Steering) error {
	return w.steer("resume", id, s)
}
func (w *world) TriggerSchedule(_ context.Context, id string, s api.Steering) error {
	return w.steer("trigger", id, s)
}
func (w *world) ListSchedules(context.Context) ([]api.Schedule, error) { return w.schedules, nil }

func (w *world) ApplySchedules(_ context.Context, dry bool) ([]api.ScheduleChange, error) {
	w.dry = dry
	return w.diff, nil
}

func (w *world) BackfillSchedule(_ context.Context, id string, from, to time.Time, s api.Steering) error {
	return w.steer("backfill", id+" "+from.UTC().Format(time.RFC3339)+" "+to.UTC().Format(time.RFC3339), s)
}

func (w *world) Lint(_ context.Context, company int64) ([]orgflow.Problem, error) {
	w.company = company
	return w.problems, nil
}

func (w *world) LintFlows(_ context.Context, company int64) ([]orgflow.Problem, error) {
	w.company = company
	return w.problems, nil
}

func (w *world) Preview(_ context.Context, r PreviewRequest) (Preview, error) {
	w.request = r
	return w.preview, nil
}

func (w *world) Sign(_ context.Context, r SignRequest) (Signed, error) {
	w.toSign = r
	return w.signed, nil
}

var errLost = errors.New("connection lost")

func notFound() error { return orgflow.Faultf(orgflow.CodeNotFound, "no such run") }
