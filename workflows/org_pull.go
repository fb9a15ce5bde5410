package workflows

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"orgflow"
	"orgflow/activities"
)

// OrgPull reads an organisation at its origin and makes it the newest version
// of the local one: prepare, read, merge, finish. Its input is
// {"company_id": 129}, so that it can be started from the Web UI; its result
// is the pull's summary.
//
// What was read stands in the database, so that a new execution, which begins
// when the history grows, gets nothing but the input.
func OrgPull(ctx workflow.Context, input json.RawMessage) (orgflow.PullSummary, error) {
	p := &orgPull{input: input}
	if err := p.setup(ctx); err != nil {
		return orgflow.PullSummary{}, err
	}
	if err := p.prepare(ctx); err != nil {
		return orgflow.PullSummary{}, err
	}
	err := p.steps(ctx)
	if workflow.IsContinueAsNewError(err) {
		return orgflow.PullSummary{}, err
	}
	return p.finish(ctx, err)
}

// orgPull is the state of one execution: what its query and its details show.
type orgPull struct {
	input    json.RawMessage
	summary  orgflow.PullSummary
	readEnd  bool
	notes    []string
	ending   orgflow.Status // status to end with; empty: the outcome decides
	approval approval
}

// setup makes the pull readable before anything else happens.
func (p *orgPull) setup(ctx workflow.Context) error {
	info := workflow.GetInfo(ctx)
	p.summary = orgflow.PullSummary{
		ID: info.WorkflowExecution.ID, RunID: info.FirstRunID, Status: orgflow.StatusRunning, Phase: orgflow.PhasePrepare,
	}
	err := workflow.SetQueryHandlerWithOptions(ctx, orgflow.QueryStatus,
		func() (orgflow.PullSummary, error) { return p.summary, nil },
		workflow.QueryHandlerOptions{Description: "The pull's summary: phase, counts and outcome"})
	if err != nil {
		return err
	}
	return p.listen(ctx)
}

// prepare checks the input and takes the company's organisation for this
// pull. A pull refused here has left no trace in the database. It runs even
// when the workflow is cancelled: its end has to be known, so that a pull it
// has created is finished.
func (p *orgPull) prepare(ctx workflow.Context) error {
	p.show(ctx, "checking what is asked for")
	info := workflow.GetInfo(ctx)
	var prepared activities.PulledShare
	detached, _ := workflow.NewDisconnectedContext(ctx)
	err := workflow.ExecuteActivity(bookkeeping(detached, "check the input, create the pull"), orgflow.ActivityPreparePull, activities.PullStart{
		Input: p.input, WorkflowID: info.WorkflowExecution.ID, FirstRunID: info.FirstRunID,
	}).Get(ctx, &prepared)
	if err != nil {
		p.summary.Status, p.summary.Error = orgflow.StatusFailed, faultOf(err)
		p.show(ctx, "refused: "+p.summary.Error.Error())
		return refusal(err)
	}
	p.summary, p.readEnd = prepared.Summary, prepared.Done
	return p.tag(ctx)
}

// steps is the work between prepare and finish.
func (p *orgPull) steps(ctx workflow.Context) error {
	if err := p.read(ctx); err != nil {
		return err
	}
	if err := p.merge(ctx, false); err != nil {
		return err
	}
	return p.approve(ctx)
}

// read reads departments and members, share by share.
func (p *orgPull) read(ctx workflow.Context) error {
	for !p.readEnd {
		p.show(ctx, "reading departments and members")
		var share activities.PulledShare
		err := workflow.ExecuteActivity(reading(ctx, "read departments and members"), orgflow.ActivityReadOrganisation,
			activities.PullParams{PullID: p.summary.ID}).Get(ctx, &share)
		if err != nil {
			return err
		}
		p.summary, p.readEnd = share.Summary, share.Done
		if !p.readEnd && workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return workflow.NewContinueAsNewError(ctx, OrgPull, p.input)
		}
	}
	return nil
}

// merge makes a version of what was read.
func (p *orgPull) merge(ctx workflow.Context, approved bool) error {
	p.show(ctx, "comparing with the organisation known before")
	var merged activities.MergedPull
	err := workflow.ExecuteActivity(reading(ctx, "make a version of what was read"), orgflow.ActivityMergePull,
		activities.PullParams{PullID: p.summary.ID, Approved: approved}).Get(ctx, &merged)
	if err != nil {
		return err
	}
	p.summary = merged.Summary
	p.notes = append(p.notes, merged.Notes...)
	if merged.Superseded {
		p.ending = orgflow.StatusSuperseded
		p.notes = append(p.notes, "a newer pull has changed the organisation since; it computes the removals anew")
	}
	return nil
}

// finish records how the pull ended, whatever ended it. It runs even when the
// workflow is cancelled.
func (p *orgPull) finish(ctx workflow.Context, cause error) (orgflow.PullSummary, error) {
	p.approval.waiting = false
	canceled := cause != nil && ctx.Err() != nil && stopped(cause)
	end := activities.PullEnd{PullID: p.summary.ID, Canceled: canceled, Status: p.ending, Notes: p.notes}
	if cause != nil && !canceled {
		end.Fault = faultOf(cause)
	}
	detached, _ := workflow.NewDisconnectedContext(ctx)
	err := workflow.ExecuteActivity(bookkeeping(detached, "record the outcome"), orgflow.ActivityFinishPull, end).Get(detached, &p.summary)
	if err != nil {
		return orgflow.PullSummary{}, err
	}
	p.show(ctx, "ended: "+string(p.summary.Status))
	if err := p.tag(detached); err != nil {
		return p.summary, err
	}
	switch {
	case canceled:
		return p.summary, ctx.Err()
	case cause != nil:
		return p.summary, refusal(cause)
	}
	return p.summary, nil
}

// tag keeps the search attributes true, also for pulls started by hand.
func (p *orgPull) tag(ctx workflow.Context) error {
	t := orgflow.Target{CompanyID: p.summary.CompanyID, Consumer: p.summary.Origin}
	return workflow.UpsertTypedSearchAttributes(ctx, RunAttributes("org_pull", t, p.summary.Status).Copy())
}

// show renders what a person reads in the Web UI: counts only.
func (p *orgPull) show(ctx workflow.Context, note string) {
	s := p.summary
	var b strings.Builder
	b.WriteString(fmt.Sprintf("**%s** — %s\n\n", s.Phase, note))
	b.WriteString(fmt.Sprintf("- read: %d departments, %d members\n- calls: %d, and %d others\n", s.Departments, s.Members, s.Calls, s.OtherCalls))
	for _, k := range []orgflow.Kind{orgflow.Org, orgflow.Person} {
		if c, ok := s.Changes[k]; ok {
			b.WriteString(fmt.Sprintf("- %s: %d added, %d changed, %d removed, %d removals parked\n", k, c.Added, c.Changed, c.Removed, c.Parked))
		}
	}
	if s.Version > 0 {
		b.WriteString(fmt.Sprintf("- version: %d\n", s.Version))
	}
	if s.Cause != "" {
		b.WriteString(fmt.Sprintf("\nNot read whole: %s\n", s.Cause))
	}
	if s.Error != nil {
		b.WriteString(fmt.Sprintf("\nError: %s\n", s.Error.Error()))
	}
	workflow.SetCurrentDetails(ctx, b.String())
}
