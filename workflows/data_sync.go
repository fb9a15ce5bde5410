package workflows

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"orgflow"
	"orgflow/activities"
)

// DataSync loads a form of an ERP into its local table: prepare, open, read
// window by window, catch up, then swap the new table in (create) or settle
// what was not seen (update), finish. Its input is {"company_id": 129,
// "form_id": "SAL_SaleOrder", "kind": "create"}, so that it can be started
// from the Web UI; its result is the load as users see it.
//
// Windows are read one after the other: reading one already keeps the ERP and
// the database busy at the same time.
func DataSync(ctx workflow.Context, input json.RawMessage) (orgflow.ERPRun, error) {
	d := &dataSync{input: input}
	if err := d.setup(ctx); err != nil {
		return orgflow.ERPRun{}, err
	}
	if err := d.prepare(ctx); err != nil {
		return orgflow.ERPRun{}, err
	}
	return d.finish(ctx, d.steps(ctx))
}

// dataSync is the state of one execution: what its query and its details show.
type dataSync struct {
	input json.RawMessage
	run   orgflow.ERPRun
}

// setup makes the load readable before anything else happens.
func (d *dataSync) setup(ctx workflow.Context) error {
	info := workflow.GetInfo(ctx)
	d.run = orgflow.ERPRun{
		ID: orgflow.ERPRunID(info.WorkflowExecution.ID, info.FirstRunID), RunID: info.FirstRunID,
		Status: orgflow.StatusRunning, Phase: orgflow.PhasePrepare, StartedAt: workflow.Now(ctx),
	}
	return workflow.SetQueryHandlerWithOptions(ctx, orgflow.QueryStatus,
		func() (orgflow.ERPRun, error) { return d.run, nil },
		workflow.QueryHandlerOptions{Description: "The load: phase, windows, rows and outcome"})
}

// prepare checks the input and takes the form for this load. A load refused
// here takes nothing. It runs even when the workflow is cancelled: its end has
// to be known, so that a load it has created is finished.
func (d *dataSync) prepare(ctx workflow.Context) error {
	d.show(ctx, "checking what is asked for")
	info := workflow.GetInfo(ctx)
	var prepared activities.LoadShare
	detached, _ := workflow.NewDisconnectedContext(ctx)
	err := workflow.ExecuteActivity(bookkeeping(detached, "check the input, create the load"), orgflow.ActivityPrepareLoad, activities.LoadStart{
		Input: d.input, WorkflowID: info.WorkflowExecution.ID, FirstRunID: info.FirstRunID,
	}).Get(ctx, &prepared)
	if err != nil {
		d.run.Status, d.run.Error = orgflow.StatusFailed, faultOf(err)
		d.show(ctx, "refused: "+d.run.Error.Error())
		return refusal(err)
	}
	d.run = prepared.Summary
	return d.tag(ctx)
}

// steps is the work between prepare and finish.
func (d *dataSync) steps(ctx workflow.Context) error {
	d.show(ctx, "reading the form's metadata")
	windows, err := d.step(ctx, loading(ctx, "read the metadata, make the tables ready"), orgflow.ActivityOpenLoad)
	if err != nil {
		return err
	}
	if err := d.read(ctx, windows); err != nil {
		return err
	}
	for {
		d.show(ctx, "reading what was saved meanwhile")
		windows, err := d.step(ctx, bookkeeping(ctx, "look for what was saved meanwhile"), orgflow.ActivityCatchUp)
		if err != nil {
			return err
		}
		if len(windows) == 0 {
			break
		}
		if err := d.read(ctx, windows); err != nil {
			return err
		}
	}
	if d.run.Kind == orgflow.LoadCreate {
		d.show(ctx, "checking the new table and putting it in the place of the old one")
		_, err = d.step(ctx, loading(ctx, "swap the tables"), orgflow.ActivitySwapTables)
		return err
	}
	d.show(ctx, "asking for rows that were not seen")
	_, err = d.step(ctx, loading(ctx, "ask for rows that were not seen"), orgflow.ActivitySettleUnseen)
	return err
}

// step runs an activity of the load and returns the windows that are to be
// read.
func (d *dataSync) step(ctx, options workflow.Context, name string) ([]activities.WindowRef, error) {
	var share activities.LoadShare
	if err := workflow.ExecuteActivity(options, name, activities.LoadParams{LoadID: d.run.ID}).Get(ctx, &share); err != nil {
		return nil, err
	}
	d.run = share.Summary
	return share.Windows, nil
}

// read reads windows one after the other.
func (d *dataSync) read(ctx workflow.Context, windows []activities.WindowRef) error {
	for _, w := range windows {
		d.show(ctx, fmt.Sprintf("reading window %d", w.Seq))
		var share activities.LoadShare
		summary := fmt.Sprintf("read window %d", w.Seq)
		if w.Table > 0 {
			summary += fmt.Sprintf(" of child table %d", w.Table)
		}
		err := workflow.ExecuteActivity(loading(ctx, summary), orgflow.ActivityReadWindow,
			activities.WindowParams{LoadID: d.run.ID, Window: w}).Get(ctx, &share)
		if err != nil {
			return err
		}
		d.run = share.Summary
	}
	return nil
}

// finish records how the load ended, whatever ended it. It runs even when the
// workflow is cancelled.
func (d *dataSync) finish(ctx workflow.Context, cause error) (orgflow.ERPRun, error) {
	canceled := cause != nil && ctx.Err() != nil && stopped(cause)
	end := activities.LoadEnd{LoadID: d.run.ID, Canceled: canceled}
	if cause != nil && !canceled {
		end.Fault = faultOf(cause)
	}
	detached, _ := workflow.NewDisconnectedContext(ctx)
	if err := workflow.ExecuteActivity(bookkeeping(detached, "record the outcome"), orgflow.ActivityFinishLoad, end).Get(detached, &d.run); err != nil {
		return orgflow.ERPRun{}, err
	}
	d.show(ctx, "ended: "+string(d.run.Status))
	if err := d.tag(detached); err != nil {
		return d.run, err
	}
	switch {
	case d.run.Status == orgflow.StatusCompleted: // a swap that was made stays made
		return d.run, nil
	case canceled:
		return d.run, ctx.Err()
	}
	return d.run, refusal(cause)
}

// tag keeps the search attributes true, also for loads started by hand.
func (d *dataSync) tag(ctx workflow.Context) error {
	in := orgflow.LoadInput{CompanyID: d.run.CompanyID, FormID: d.run.FormID}
	return workflow.UpsertTypedSearchAttributes(ctx, RunAttributes("erp", in.Target(), d.run.Status).Copy())
}

// show renders what a person reads in the Web UI: counts only.
func (d *dataSync) show(ctx workflow.Context, note string) {
	r := d.run
	var b strings.Builder
	b.WriteString(fmt.Sprintf("**%s** — %s\n\n", r.Phase, note))
	b.WriteString(fmt.Sprintf("- windows: %d of %d\n- rows: %d, %.0f a second\n- calls: %d\n", r.Windows.Done, r.Windows.Total, r.Rows, r.RowsPerSecond, r.Calls))
	if r.RemainingSeconds != nil {
		b.WriteString(fmt.Sprintf("- remaining: %v\n", time.Duration(*r.RemainingSeconds)*time.Second))
	}
	if r.MarkedGone > 0 {
		b.WriteString(fmt.Sprintf("- gone from the ERP: %d\n", r.MarkedGone))
	}
	if len(r.NewColumns) > 0 {
		b.WriteString(fmt.Sprintf("- columns the local table lacks: %s\n", strings.Join(r.NewColumns, ", ")))
	}
	if r.Error != nil {
		b.WriteString(fmt.Sprintf("\nError: %s\n", r.Error.Error()))
	}
	workflow.SetCurrentDetails(ctx, b.String())
}
