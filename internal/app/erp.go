package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"orgflow"
	"orgflow/activities"
	"orgflow/connectors"
	"orgflow/internal/api"
	"orgflow/internal/store"
	"orgflow/internal/transport"
	"orgflow/workflows"
)

// Loads loads forms of ERPs into local tables; HTTP and CLI share it.
type Loads struct{ app *App }

// Loads returns what loads forms of ERPs.
func (a *App) Loads() *Loads { return &Loads{app: a} }

// loadActivities are the activities of a load.
func (a *App) loadActivities(cl client.Client) *activities.Loads {
	return &activities.Loads{
		Store: a.counted(), Files: a.Meta, ERPs: a.Loads(),
		Executions: executions{cl}, Now: time.Now, Sleep: transport.Wait,
	}
}

// ERP returns the connector of a company's ERP.
func (l *Loads) ERP(company int64) (connectors.ERP, error) {
	c, err := l.app.Meta.Company(company)
	if err != nil {
		return nil, err
	}
	var raw json.RawMessage
	if err := c.ERPConnection(&raw); err != nil {
		return nil, err
	}
	return l.app.Connectors.ERP(connectors.Settings{CompanyID: company, Name: c.ERPType(), JSON: raw})
}

// StartLoad starts a load. Who is second is told so here, as far as it can be
// known: by the record of a load that runs, else by Temporal, which lets one
// workflow of an id run. A load of a schedule that begins at this moment is
// found by the workflow's first step.
func (l *Loads) StartLoad(ctx context.Context, raw json.RawMessage) (api.Started, error) {
	in, err := l.app.Meta.DecodeLoad(raw)
	if err != nil {
		return api.Started{}, err
	}
	cl, err := l.app.Dial(ctx)
	if err != nil {
		return api.Started{}, err
	}
	if err := l.free(ctx, cl, in); err != nil {
		return api.Started{}, err
	}
	input, err := json.Marshal(in) // with the company, whoever named it
	if err != nil {
		return api.Started{}, fmt.Errorf("input of a load: %w", err)
	}
	run, err := l.execute(ctx, cl, in, input)
	var taken *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &taken) && l.closing(ctx, cl, in, taken.RunId) {
		run, err = l.execute(ctx, cl, in, input)
	}
	id := orgflow.ERPWorkflowID(in.CompanyID, in.FormID)
	switch {
	case errors.As(err, &taken): // a load never continues as new: its run is its first
		return api.Started{}, loadBusy(in.FormID, orgflow.ERPRunID(id, taken.RunId))
	case err != nil:
		return api.Started{}, unavailable("start the load", err)
	}
	loadID := orgflow.ERPRunID(id, run.GetRunID())
	return api.Started{ID: loadID, RunID: run.GetRunID(), URL: "/api/v1/erp-runs/" + url.PathEscape(loadID)}, nil
}

func (l *Loads) execute(ctx context.Context, cl client.Client, in orgflow.LoadInput, input json.RawMessage) (client.WorkflowRun, error) {
	return cl.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: orgflow.ERPWorkflowID(in.CompanyID, in.FormID), TaskQueue: l.app.Config.Temporal.TaskQueue,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            fmt.Sprintf("%s %s, company %d", in.Kind, in.FormID, in.CompanyID),
		TypedSearchAttributes:                    workflows.RunAttributes("erp", in.Target(), orgflow.StatusRunning),
	}, orgflow.WorkflowDataSync, input)
}

// closingTime is how long a start waits for the workflow of a load that has
// ended. What is left of it is one workflow task.
const closingTime = 5 * time.Second

// closing waits for the workflow of a load whose record shows an end already:
// who saw it may start the next one. False where the load runs on.
func (l *Loads) closing(ctx context.Context, cl client.Client, in orgflow.LoadInput, runID string) bool {
	id := orgflow.ERPWorkflowID(in.CompanyID, in.FormID)
	load, err := l.app.Store.GetLoad(ctx, orgflow.ERPRunID(id, runID))
	if err != nil || !load.Summary.Status.Terminal() {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, closingTime)
	defer cancel()
	_ = cl.GetWorkflow(ctx, id, runID).Get(ctx, nil) // how it ended is no matter; whether it did, the start is told
	return true
}

// free refuses while another load of the form runs.
func (l *Loads) free(ctx context.Context, cl client.Client, in orgflow.LoadInput) error {
	load, err := l.app.Store.RunningLoad(ctx, in.FormID)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	running, err := executions{cl}.Running(ctx, load.WorkflowID, load.FirstRunID)
	if err != nil {
		return unavailable("look up load "+load.ID, err)
	}
	if running {
		return loadBusy(in.FormID, load.ID)
	}
	return nil // its workflow was terminated: the new one takes over
}

func loadBusy(form, id string) error {
	return &orgflow.Fault{
		Code: orgflow.CodeTargetBusy, Message: fmt.Sprintf("form %s is being loaded by %s", form, id),
		Advice: "wait for it or cancel it: starter erp show " + id,
	}
}

// LoadRun returns a load as users see it. One that was started a moment ago,
// or was refused, has no record and is shown from its workflow; so is the end
// of one that was terminated.
func (l *Loads) LoadRun(ctx context.Context, id string) (orgflow.ERPRun, error) {
	load, err := l.app.Store.GetLoad(ctx, id)
	if err == nil {
		return l.asItIs(ctx, []store.Load{load})[0], nil
	}
	if !isNotFound(err) {
		return orgflow.ERPRun{}, err
	}
	workflow, ok := loadWorkflow(id)
	if !ok {
		return orgflow.ERPRun{}, noLoad(id, err)
	}
	cl, err := l.app.Dial(ctx)
	if err != nil {
		return orgflow.ERPRun{}, err
	}
	info, err := unrecorded(ctx, cl, workflow, orgflow.WorkflowDataSync)
	var invalid *serviceerror.InvalidArgument
	switch {
	case isNotFound(err) || errors.As(err, &invalid), err == nil && orgflow.ERPRunID(workflow, info.GetFirstRunId()) != id:
		return orgflow.ERPRun{}, noLoad(id, store.ErrNotFound)
	case err != nil:
		return orgflow.ERPRun{}, unavailable("look up load "+id, err)
	}
	if info.GetCloseTime() != nil {
		if load, err := l.app.Store.GetLoad(ctx, id); !isNotFound(err) {
			return load.Summary, err
		}
	}
	run := orgflow.ERPRun{
		ID: id, RunID: info.GetFirstRunId(), Status: orgflow.StatusRunning, Phase: orgflow.PhasePrepare,
		StartedAt: info.GetStartTime().AsTime(), NewColumns: []string{},
	}
	run.CompanyID, run.FormID = startedFor(workflow)
	if run.FinishedAt, run.Error, err = endOf(ctx, cl, info); run.FinishedAt != nil {
		run.Status = orgflow.StatusFailed
	}
	return run, err
}

// loadWorkflow is the workflow id inside the id of a load.
func loadWorkflow(id string) (string, bool) {
	at := strings.LastIndexByte(id, '~')
	if at <= 0 {
		return "", false
	}
	return id[:at], true
}

// startedFor reads company and form off the workflow id of a load started by
// CLI or HTTP; other ids leave them empty.
func startedFor(workflow string) (company int64, form string) {
	if n, err := fmt.Sscanf(workflow, "erp-%d-%s", &company, &form); n < 2 || err != nil || orgflow.ERPWorkflowID(company, form) != workflow {
		return 0, ""
	}
	return company, form
}

func noLoad(id string, err error) error {
	if !isNotFound(err) {
		return err
	}
	return &orgflow.Fault{Code: orgflow.CodeNotFound, Message: fmt.Sprintf("there is no load %q", id), Advice: "GET /api/v1/erp-runs or starter erp list shows all", Err: err}
}

// ListLoads lists loads, newest first.
func (l *Loads) ListLoads(ctx context.Context, f api.LoadFilter) (api.LoadPage, error) {
	loads, next, err := l.app.Store.ListLoads(ctx, f.CompanyID, f.FormID, f.Cursor, f.Limit)
	return api.LoadPage{Runs: l.asItIs(ctx, loads), NextCursor: next}, badCursor(err)
}

// CancelLoad asks a load to stop, and writes down who did.
func (l *Loads) CancelLoad(ctx context.Context, id string, s api.Steering) error {
	run, err := l.LoadRun(ctx, id)
	if err != nil {
		return err
	}
	if run.Status.Terminal() {
		return orgflow.Faultf(orgflow.CodeConflict, "load %s has ended already: %s", id, run.Status)
	}
	cl, err := l.app.Dial(ctx)
	if err != nil {
		return err
	}
	workflow, _ := loadWorkflow(id)
	var gone *serviceerror.NotFound
	switch err := cl.CancelWorkflow(ctx, workflow, run.RunID); {
	case errors.As(err, &gone):
		return orgflow.Faultf(orgflow.CodeConflict, "the workflow of load %s has ended", id)
	case err != nil:
		return unavailable("cancel load "+id, err)
	}
	return l.app.Store.Audit(ctx, store.AuditEntry{
		CompanyID: run.CompanyID, Who: who(s), Action: "cancel", Subject: id, From: s.Origin(), Detail: s.Reason,
	})
}
