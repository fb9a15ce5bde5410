package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
	"orgflow/meta"
)

// PrepareRun validates the job, resolves and freezes its files and creates
// the run's record. A refused job leaves no record, but operators are told.
// Repeating it finds the record by the workflow's first run id and answers how far the run had come.
func (s *Sync) PrepareRun(ctx context.Context, p PrepareParams) (Prepared, error) {
	run, err := s.Store.GetRunByFirstID(ctx, p.FirstRunID)
	switch {
	case err == nil && run.Job.Params.Undo != "":
		out, err := s.prepared(ctx, run, nil)
		return out, temporalError(err)
	case err == nil: // begun already: today's files play no part any more
		resolved, err := s.Files.Thaw(run.Frozen, nil)
		if err != nil {
			return Prepared{}, temporalError(err)
		}
		out, err := s.prepared(ctx, run, resolved)
		return out, temporalError(err)
	case !errors.Is(err, store.ErrNotFound):
		return Prepared{}, temporalError(err)
	}
	out, err := s.begin(ctx, p)
	if err != nil {
		err = s.refuse(ctx, p, err)
	}
	return out, temporalError(err)
}

// refuse has operators told of a job that was refused, unless nobody can say
// whose it is, and returns why it was.
func (s *Sync) refuse(ctx context.Context, p PrepareParams, err error) error {
	var job orgflow.Job
	_ = json.Unmarshal(p.Job, &job) // what can be read of it is enough
	fault, ok := refusal(err)
	if !ok || job.CompanyID <= 0 || job.Params.DryRun {
		return err
	}
	n := store.Notice{CompanyID: job.CompanyID, Job: job.WithDefaults().NoticeJob(), Ref: p.WorkflowID}
	return cmp.Or(s.Store.NoticeRefusal(ctx, n, fault), err)
}

// refusal returns the fault that repeating does not cure.
func refusal(err error) (*orgflow.Fault, bool) {
	fault, ok := errors.AsType[*orgflow.Fault](err)
	return fault, ok && (fault.StopsRun() || fault.Code == orgflow.CodeNotFound)
}

// begin creates the run of a job that is in order.
func (s *Sync) begin(ctx context.Context, p PrepareParams) (Prepared, error) {
	job, err := s.Files.DecodeJob(p.Job)
	if err != nil {
		return Prepared{}, err
	}
	if job.Params.Undo != "" {
		return s.beginUndo(ctx, p, job)
	}
	resolved, err := s.Files.Resolve(job)
	if err != nil {
		return Prepared{}, err
	}
	run, _, err := s.Store.CreateRun(ctx, store.NewRun{
		WorkflowID: p.WorkflowID, FirstRunID: p.FirstRunID,
		Job: job, Files: resolved.Files, Frozen: resolved.Frozen(), StartedAt: s.Now(),
	})
	if err != nil {
		return Prepared{}, err
	}
	return s.prepared(ctx, run, resolved)
}

// prepared tells the workflow what its run consists of and what is done. An
// undo has no files, and nothing to fetch.
func (s *Sync) prepared(ctx context.Context, run store.Run, resolved *meta.Resolved) (Prepared, error) {
	job := run.Job
	out := Prepared{
		RunID: run.ID, Target: job.Target(), DryRun: job.Params.DryRun,
		Approval: job.Params.Approval, Send: job.Has(orgflow.StageSend), Fetched: run.Planned || !job.Has(orgflow.StageFetch),
	}
	var err error
	for _, kind := range []orgflow.Kind{orgflow.Org, orgflow.Person} {
		if resolved == nil {
			break
		}
		if _, ok := resolved.Kind(kind); ok {
			out.Kinds = append(out.Kinds, kind)
		}
	}
	if out.Send && !run.Planned && resolved != nil {
		if out.Remote, err = s.needsRemote(ctx, job, out.Kinds); err != nil {
			return Prepared{}, err
		}
	}
	if run.Planned {
		plan, err := s.planned(ctx, run.ID)
		if err != nil {
			return Prepared{}, err
		}
		out.Plan = &plan
	}
	out.Summary, err = s.Store.Summary(ctx, run.ID)
	return out, err
}

// needsRemote tells whether a plan has to know what the consumer holds: a
// reconcile run, and the first one of a kind, which adopts what is there
// instead of meeting it record by record.
func (s *Sync) needsRemote(ctx context.Context, job orgflow.Job, kinds []orgflow.Kind) (bool, error) {
	if job.Params.Mode == orgflow.Reconcile {
		return true, nil
	}
	for _, kind := range kinds {
		bound := false
		for binding, err := range s.Store.Bindings(ctx, job.Target(), kind) {
			if err != nil {
				return false, err
			}
			if binding.State != orgflow.BindingRoot {
				bound = true
				break
			}
		}
		if !bound {
			return true, nil
		}
	}
	return false, nil
}

// CheckConsumer proves that the consumer takes what the templates fill, and
// address, credentials and permissions, before the run depends on them. It
// only reads.
func (s *Sync) CheckConsumer(ctx context.Context, p RunParams) error {
	run, err := s.Store.GetRun(ctx, p.RunID)
	if err != nil {
		return temporalError(err)
	}
	consumer, _, err := s.consumer(run.Job)
	if err != nil {
		return temporalError(err)
	}
	if err := s.acceptable(run, consumer.Profile()); err != nil {
		return temporalError(err)
	}
	if checker, ok := consumer.(connectors.Checker); ok {
		return temporalError(checker.Check(ctx))
	}
	return nil
}

// targetSettings are the parts of a consumer's connection that steer the
// plan; the rest is the connector's own.
type targetSettings struct {
	RootID       idText `json:"root_department_id"`
	Root         string `json:"root"`          // map (default) or create
	NoDepartment string `json:"no_department"` // hold (default) or root
	Push         string `json:"push"`          // full: as a task, where the consumer offers it
	ImportAbove  int    `json:"import_above"`  // changes of a wave; more go as import jobs, where the consumer offers them; 0: never
	Events       struct {
		OnChange orgflow.OnChange `json:"on_change"`
	} `json:"events"`
}

// consumer returns the shared connector of the job's target and the settings
// the planner needs.
func (s *Sync) consumer(job orgflow.Job) (connectors.Consumer, targetSettings, error) {
	var settings targetSettings
	company, err := s.Files.Company(job.CompanyID)
	if err != nil {
		return nil, settings, err
	}
	var raw json.RawMessage
	if err := company.Connection(job.Consumer, &raw); err != nil {
		return nil, settings, err
	}
	if err := json.Unmarshal(raw, &settings); err != nil {
		return nil, settings, fmt.Errorf("settings of consumer %s: %w", job.Consumer, err)
	}
	definition, err := company.Definition(job.Consumer)
	if err != nil {
		return nil, settings, err
	}
	consumer, err := s.Connectors.Consumer(connectors.Settings{CompanyID: job.CompanyID, Name: job.Consumer, JSON: raw, Definition: definition})
	if err != nil {
		return nil, settings, err
	}
	settings.RootID = cmp.Or(settings.RootID, idText(consumer.Profile().RootID), "1")
	return consumer, settings, nil
}

// idText is a consumer's id, which some write as a number.
type idText string

// UnmarshalJSON reads a text or a number.
func (t *idText) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*t = idText(text)
		return nil
	}
	var n json.Number
	err := json.Unmarshal(raw, &n)
	*t = idText(n)
	return err
}
