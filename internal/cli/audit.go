package cli

import (
	"context"
	"encoding/json"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/flowcall"
)

// origin is from where commands act, for the audit log: whoever says --by
// somebody else is named all the same.
func (p *program) origin() string { return "cli " + p.user }

// audited puts the audit log around what commands can do to others. Runs,
// pulls, loads and schedules that are steered write that down themselves
// (api.Steering), as they do for the API.
func (p *program) audited(b Backend) Backend {
	if b.Audit == nil {
		return b
	}
	log := auditLog{p, b.Audit}
	if b.Start != nil {
		b.Start = auditedStart{b.Start, log}
	}
	if b.Orgs != nil {
		b.Orgs = auditedOrgs{b.Orgs, log}
	}
	if b.Loads != nil {
		b.Loads = auditedLoads{b.Loads, log}
	}
	if b.Schedules != nil {
		b.Schedules = auditedSchedules{b.Schedules, log}
	}
	if b.Flows != nil {
		b.Flows = auditedFlows{b.Flows, log}
	}
	if b.FlowCalls != nil {
		b.FlowCalls = auditedCalls{b.FlowCalls, log}
	}
	if b.FlowDefinitions != nil {
		b.FlowDefinitions = auditedDefinitions{b.FlowDefinitions, log}
	}
	if b.Data != nil {
		b.Data = auditedData{b.Data, log}
	}
	if link := b.AdminLink; link != nil {
		b.AdminLink = func(ctx context.Context) (string, error) {
			made, err := link(ctx)
			return made, log.did(ctx, err, "admin_link", "sign-in")
		}
	}
	return b
}

// auditLog writes down what a command has done.
type auditLog struct {
	p     *program
	write func(ctx context.Context, who, action, subject, origin string) error
}

// did returns err. Only what succeeded is written down; it is done, so that a
// failure to write is told and nothing else.
func (l auditLog) did(ctx context.Context, err error, action, subject string) error {
	if err != nil {
		return err
	}
	if err := l.write(ctx, l.p.user, action, subject, l.p.origin()); err != nil {
		l.p.say("warning: it is done, but is not in the audit log: %v", err)
	}
	return nil
}

type auditedStart struct {
	api.Starter
	log auditLog
}

func (a auditedStart) Start(ctx context.Context, job orgflow.Job, raw json.RawMessage, opts api.StartOptions) (api.Started, error) {
	started, err := a.Starter.Start(ctx, job, raw, opts)
	return started, a.log.did(ctx, err, "start", started.ID)
}

type auditedOrgs struct {
	api.Orgs
	log auditLog
}

func (a auditedOrgs) StartPull(ctx context.Context, raw json.RawMessage, opts api.StartOptions) (api.Started, error) {
	started, err := a.Orgs.StartPull(ctx, raw, opts)
	return started, a.log.did(ctx, err, "start", started.ID)
}

type auditedLoads struct {
	Loads
	log auditLog
}

func (a auditedLoads) StartLoad(ctx context.Context, raw json.RawMessage) (api.Started, error) {
	started, err := a.Loads.StartLoad(ctx, raw)
	return started, a.log.did(ctx, err, "start", started.ID)
}

type auditedSchedules struct {
	api.Schedules
	log auditLog
}

func (a auditedSchedules) ApplySchedules(ctx context.Context, dryRun bool) ([]api.ScheduleChange, error) {
	changes, err := a.Schedules.ApplySchedules(ctx, dryRun)
	if dryRun {
		return changes, err
	}
	return changes, a.log.did(ctx, err, "apply_schedules", "schedules")
}

// auditedData leaves what is about one person to the database, which writes
// it down in the same transaction.
type auditedData struct {
	Data
	log auditLog
}

func (a auditedData) Prune(ctx context.Context, told func(orgflow.Pruned)) (orgflow.Pruned, error) {
	gone, err := a.Data.Prune(ctx, told)
	return gone, a.log.did(ctx, err, "prune", "old rows")
}

func (a auditedData) Backup(ctx context.Context, path string) error {
	return a.log.did(ctx, a.Data.Backup(ctx, path), "backup", path)
}

type auditedFlows struct {
	api.Flows
	log auditLog
}

func (a auditedFlows) StoreDecision(ctx context.Context, d api.NewDecision) (api.FlowDecision, error) {
	stored, err := a.Flows.StoreDecision(ctx, d)
	return stored, a.log.did(ctx, err, "decide", d.No)
}

type auditedCalls struct {
	api.FlowCalls
	log auditLog
}

func (a auditedCalls) Launch(ctx context.Context, in flowcall.LaunchParams) (flowcall.Answer, error) {
	answer, err := a.FlowCalls.Launch(ctx, in)
	return answer, a.log.did(ctx, err, "launch", answer.Number)
}

func (a auditedCalls) OnAudit(ctx context.Context, in flowcall.AuditParams) (flowcall.Answer, error) {
	answer, err := a.FlowCalls.OnAudit(ctx, in)
	return answer, a.log.did(ctx, err, string(orgflow.FlowAudit), in.Number)
}

func (a auditedCalls) Relaunch(ctx context.Context, in flowcall.FlowParams) (flowcall.Answer, error) {
	answer, err := a.FlowCalls.Relaunch(ctx, in)
	return answer, a.log.did(ctx, err, string(orgflow.FlowRelaunch), in.Number)
}

func (a auditedCalls) Discard(ctx context.Context, in flowcall.DiscardParams) (flowcall.Answer, error) {
	answer, err := a.FlowCalls.Discard(ctx, in)
	return answer, a.log.did(ctx, err, string(orgflow.FlowDiscard), in.Number)
}

func (a auditedCalls) Urgent(ctx context.Context, in flowcall.FlowParams) (flowcall.Answer, error) {
	answer, err := a.FlowCalls.Urgent(ctx, in)
	return answer, a.log.did(ctx, err, string(orgflow.FlowUrge), in.Number)
}

func (a auditedCalls) Steer(ctx context.Context, in flowcall.SteerParams) (flowcall.Answer, error) {
	answer, err := a.FlowCalls.Steer(ctx, in)
	return answer, a.log.did(ctx, err, string(in.Kind), in.Number)
}

func (a auditedCalls) TaskNotify(ctx context.Context, taskNo, company string) (flowcall.TaskAnswer, error) {
	answer, err := a.FlowCalls.TaskNotify(ctx, taskNo, company)
	return answer, a.log.did(ctx, err, "notify", taskNo)
}

type auditedDefinitions struct {
	FlowDefinitions
	log auditLog
}

func (a auditedDefinitions) PublishDefinition(ctx context.Context, p api.Publication) (api.Published, error) {
	published, err := a.FlowDefinitions.PublishDefinition(ctx, p)
	if p.DryRun {
		return published, err
	}
	return published, a.log.did(ctx, err, "publish", published.FlowCode)
}

func (a auditedDefinitions) PublishDrafts(ctx context.Context, company int64, by string, dryRun bool) ([]api.Published, error) {
	list, err := a.FlowDefinitions.PublishDrafts(ctx, company, by, dryRun)
	for _, published := range list {
		if published.Published && !dryRun {
			err = a.log.did(ctx, err, "publish", published.FlowCode)
		}
	}
	return list, err
}
