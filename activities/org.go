package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
	"orgflow/meta"
)

// Org holds what the activities of a pull need. One value serves a whole
// worker.
type Org struct {
	Store      OrgStore
	Files      OrgFiles
	Connectors Connectors
	Executions Executions
	Now        func() time.Time
	// Sleep waits between attempts of one call; it returns early with the
	// context's error.
	Sleep func(context.Context, time.Duration) error
}

// OrgFiles resolves pulls to connections; package meta implements it.
type OrgFiles interface {
	DecodePull(raw []byte) (orgflow.PullInput, error)
	Company(id int64) (meta.Company, error)
}

// OrgStore is what pulls ask of the database.
type OrgStore interface {
	CreatePull(ctx context.Context, n store.NewPull) (pull store.Pull, ok bool, err error)
	GetPull(ctx context.Context, id string) (store.Pull, error)
	RunningPull(ctx context.Context, company int64) (store.Pull, error)
	WaitingPulls(ctx context.Context, target orgflow.Target) ([]store.Pull, error)
	AddPullCalls(ctx context.Context, id string, calls, other, throttled int) error
	ParkPull(ctx context.Context, id string) error
	FinishPull(ctx context.Context, id string, status orgflow.Status, fault *orgflow.Fault, notes []string) (store.Pull, error)
	NoticeRefusal(ctx context.Context, n store.Notice, fault *orgflow.Fault) error
	RemovedSince(ctx context.Context, target orgflow.Target, since time.Time) (units, members int, err error)

	BeginPull(ctx context.Context, pullID string, root orgflow.OrgUnit, cause string) error
	NextPullUnits(ctx context.Context, pullID string, n int) ([]store.PullUnit, error)
	SavePullStep(ctx context.Context, pullID string, step store.PullStep) error
	EndPullRead(ctx context.Context, pullID, cause string) error
	StagedPull(ctx context.Context, pullID string) (store.StagedPull, error)
	UnsupervisedMembers(ctx context.Context, pullID string, n int) ([]string, error)
	SetSupervisor(ctx context.Context, pullID, userID, supervisor string) error
	SaveMissing(ctx context.Context, pullID string, key orgflow.RemoteKey, gone bool) error
	MissingOf(ctx context.Context, pullID string) (map[orgflow.RemoteKey]bool, error)

	LatestVersion(ctx context.Context, target orgflow.Target) (orgflow.OrgVersion, error)
	OrgTree(ctx context.Context, target orgflow.Target, version int64) (orgflow.OrgTree, error)
	CommitVersion(ctx context.Context, n store.NewVersion) (int64, error)
	Bindings(ctx context.Context, target orgflow.Target, kind orgflow.Kind) iter.Seq2[orgflow.Binding, error]
}

// PullStart starts a pull. Input is the JSON as the user gave it.
type PullStart struct {
	Input      json.RawMessage `json:"input"`
	WorkflowID string          `json:"workflow_id"`
	FirstRunID string          `json:"first_run_id"`
}

// PullParams names a pull.
type PullParams struct {
	PullID string `json:"pull_id"`
	// Approved lets removals go that a safeguard has stopped.
	Approved bool `json:"approved,omitempty"`
}

// PulledShare says how far the reading has come.
type PulledShare struct {
	Summary orgflow.PullSummary `json:"summary"`
	Done    bool                `json:"done"` // nothing is left to read
}

// MergedPull says what a pull has made of the organisation.
type MergedPull struct {
	Summary orgflow.PullSummary `json:"summary"`
	Notes   []string            `json:"notes,omitempty"` // for people; counts only
	// Superseded: a newer pull has changed the organisation since removals
	// were parked; nothing was done.
	Superseded bool `json:"superseded,omitempty"`
}

// PullEnd says how a pull ends. Without a status the outcome decides.
type PullEnd struct {
	PullID   string         `json:"pull_id"`
	Canceled bool           `json:"canceled,omitempty"`
	Status   orgflow.Status `json:"status,omitempty"`
	Fault    *orgflow.Fault `json:"fault,omitempty"`
	Notes    []string       `json:"notes,omitempty"`
}

// Register makes every activity known to a worker under its wire name.
func (o *Org) Register(r worker.ActivityRegistry) {
	for name, fn := range map[string]any{
		orgflow.ActivityPreparePull:      o.PreparePull,
		orgflow.ActivityReadOrganisation: o.ReadOrganisation,
		orgflow.ActivityMergePull:        o.MergePull,
		orgflow.ActivityParkPull:         o.ParkPull,
		orgflow.ActivityFinishPull:       o.FinishPull,
		orgflow.ActivityCheckPullTurn:    o.CheckPullTurn,
	} {
		r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
}

// PreparePull checks the input and creates the pull, the only one of its
// company that runs. A refused pull leaves no record, but operators are told.
// Repeating it finds the record by the workflow's first run id. A pull whose
// workflow was terminated gives way; pulls that wait for a decision are told
// that there is a newer one.
func (o *Org) PreparePull(ctx context.Context, p PullStart) (PulledShare, error) {
	out, err := o.prepare(ctx, p)
	if err != nil {
		err = o.refuse(ctx, p, err)
	}
	return out, temporalError(err)
}

// refuse has operators told of a pull that was refused, and returns why.
func (o *Org) refuse(ctx context.Context, p PullStart, err error) error {
	var in orgflow.PullInput
	_ = json.Unmarshal(p.Input, &in) // what can be read of it is enough
	fault, ok := refusal(err)
	if !ok || in.CompanyID <= 0 {
		return err
	}
	n := store.Notice{CompanyID: in.CompanyID, Job: in.WithDefaults().NoticeJob(), Ref: p.WorkflowID}
	return cmp.Or(o.Store.NoticeRefusal(ctx, n, fault), err)
}

func (o *Org) prepare(ctx context.Context, p PullStart) (PulledShare, error) {
	in, err := o.Files.DecodePull(p.Input)
	if err != nil {
		return PulledShare{}, err
	}
	if _, _, err := o.origin(in); err != nil {
		return PulledShare{}, err
	}
	for {
		pull, ok, err := o.Store.CreatePull(ctx, store.NewPull{FirstRunID: p.FirstRunID, WorkflowID: p.WorkflowID, Input: in})
		switch {
		case err != nil:
			return PulledShare{}, err
		case ok:
			return PulledShare{Summary: pull.Summary, Done: pull.ReadEnd}, o.supersede(ctx, pull)
		}
		running, err := o.Executions.Running(ctx, pull.WorkflowID, pull.FirstRunID)
		if err != nil {
			return PulledShare{}, err
		}
		if running {
			return PulledShare{}, &orgflow.Fault{
				Code: orgflow.CodeTargetBusy, Message: fmt.Sprintf("the organisation of company %d is being pulled by %s", in.CompanyID, pull.ID),
				Advice: "wait for it or cancel it",
			}
		}
		fault := orgflow.Faultf(orgflow.CodeCanceled, "the workflow was terminated before the pull ended")
		if _, err := o.Store.FinishPull(ctx, pull.ID, orgflow.StatusCanceled, fault, nil); err != nil {
			return PulledShare{}, err
		}
	}
}

// supersede ends pulls that wait for a decision about removals: the new one
// computes them again.
func (o *Org) supersede(ctx context.Context, by store.Pull) error {
	waiting, err := o.Store.WaitingPulls(ctx, by.Input.Target())
	if err != nil {
		return err
	}
	for _, w := range waiting {
		if w.ID == by.ID {
			continue
		}
		alive, err := o.Executions.Supersede(ctx, w.WorkflowID, by.ID)
		if err == nil && !alive {
			_, err = o.Store.FinishPull(ctx, w.ID, orgflow.StatusSuperseded, nil, append(w.Summary.Notes, "superseded by pull "+by.ID))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// origin returns the connector a pull reads with.
func (o *Org) origin(in orgflow.PullInput) (connectors.Organisation, connectors.Consumer, error) {
	company, err := o.Files.Company(in.CompanyID)
	if err != nil {
		return nil, nil, err
	}
	var raw json.RawMessage
	if err := company.Connection(in.Origin, &raw); err != nil {
		return nil, nil, err
	}
	definition, err := company.Definition(in.Origin)
	if err != nil {
		return nil, nil, err
	}
	consumer, err := o.Connectors.Consumer(connectors.Settings{CompanyID: in.CompanyID, Name: in.Origin, JSON: raw, Definition: definition})
	if err != nil {
		return nil, nil, err
	}
	reader, ok := consumer.(connectors.Organisation)
	if !ok {
		return nil, nil, &orgflow.Fault{
			Code: orgflow.CodeInvalidJob, Field: "/origin",
			Message: fmt.Sprintf("the organisation of %s cannot be read; ding_talk and we_com can", in.Origin),
		}
	}
	return reader, consumer, nil
}

// ParkPull makes a pull with parked removals wait; it keeps no other pull
// from running. Repeating it changes nothing.
func (o *Org) ParkPull(ctx context.Context, p PullParams) error {
	return temporalError(o.Store.ParkPull(ctx, p.PullID))
}

// FinishPull records how a pull ended and removes what it has staged.
// Repeating it changes nothing: the first final status stays.
func (o *Org) FinishPull(ctx context.Context, p PullEnd) (orgflow.PullSummary, error) {
	pull, err := o.Store.GetPull(ctx, p.PullID)
	if err != nil {
		return orgflow.PullSummary{}, temporalError(err)
	}
	s := pull.Summary
	notes := append(s.Notes, p.Notes...)
	status := p.Status
	switch {
	case p.Canceled:
		status = orgflow.StatusCanceled
	case p.Fault != nil:
		status = orgflow.StatusFailed
	case status != "":
	case !s.Complete:
		status = orgflow.StatusCompletedWithFailures
		notes = append(notes, "the organisation was not read whole: "+s.Cause+"; nothing was removed")
	default:
		status = orgflow.StatusCompleted
	}
	pull, err = o.Store.FinishPull(ctx, p.PullID, status, p.Fault, notes)
	return pull.Summary, temporalError(err)
}
