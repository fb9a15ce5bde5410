package activities

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"orgflow"
	"orgflow/internal/approval"
	"orgflow/internal/flow"
	"orgflow/internal/store"
)

// Flows holds what the activities of approval flows need. One value serves a
// whole worker.
type Flows struct {
	Keeper *flow.Keeper
	Caller Caller
}

// Register makes the activities known to a worker under their wire names.
func (a *Flows) Register(r worker.ActivityRegistry) {
	for name, fn := range map[string]any{
		orgflow.ActivityStepFlow:        a.StepFlow,
		orgflow.ActivityCallTrigger:     a.CallTrigger,
		orgflow.ActivityLaunchChildFlow: a.LaunchChildFlow,
	} {
		r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
}

// FlowStepParams is one step of a flow. Key names it: the same at every
// attempt, different from every other step.
type FlowStepParams struct {
	CompanyID int64               `json:"company_id"`
	No        string              `json:"flow_running_number"`
	Rev       int64               `json:"rev"` // expected; 0 takes the flow as it is
	Key       string              `json:"key"`
	Command   orgflow.FlowCommand `json:"command"`
}

// StepFlow carries out one command on a flow in one transaction. Repeating it
// is harmless: a step that was committed by an attempt whose answer was lost
// is answered as then, and nothing is written. A refusal is an answer; what
// somebody can mend, such as a broken calendar, is tried until it is mended.
func (a *Flows) StepFlow(ctx context.Context, p FlowStepParams) (orgflow.FlowStepped, error) {
	stepped, err := a.Keeper.Step(ctx, flow.Request{
		FlowKey: store.FlowKey{CompanyID: p.CompanyID, No: p.No}, Rev: p.Rev, Key: p.Key, Command: p.Command,
	})
	return stepped, flowError(err)
}

// flowError says of which failures a repetition is no cure: the flow is not
// there, somebody else has written to it, or the command makes no sense.
func flowError(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || temporal.IsCanceledError(err) {
		return err
	}
	code := orgflow.AsFault(err).Code
	switch {
	case errors.Is(err, store.ErrNotFound):
		code = orgflow.CodeNotFound
	case code == orgflow.CodeInvalidRecord: // the command itself
	case errors.Is(err, flow.ErrForeign), errors.Is(err, store.ErrSecondVerdict):
		code = orgflow.CodeConflict
	default:
		return temporal.NewApplicationError(err.Error(), string(code))
	}
	return temporal.NewNonRetryableApplicationError(err.Error(), string(code), nil, orgflow.Fault{Code: code, Message: err.Error()})
}

// FlowChildParams asks for the flow of a subflow node.
type FlowChildParams struct {
	CompanyID int64             `json:"company_id"`
	No        string            `json:"flow_running_number"` // the parent's
	Child     orgflow.FlowChild `json:"child"`
}

// FlowChildLaunched is the child as it stands.
type FlowChildLaunched struct {
	State   orgflow.FlowState `json:"state,omitempty"`
	Round   int               `json:"round,omitempty"`
	Refused string            `json:"refused,omitempty"` // why there can be no child
}

// LaunchChildFlow stores the flow that a subflow node starts; the workflow
// starts its execution. Repeating it is harmless: the child's number is made
// of the parent's, so that the second attempt finds the first one's flow.
func (a *Flows) LaunchChildFlow(ctx context.Context, p FlowChildParams) (FlowChildLaunched, error) {
	parent, err := a.Keeper.Load(ctx, store.FlowKey{CompanyID: p.CompanyID, No: p.No})
	if err != nil {
		return FlowChildLaunched{}, flowError(err)
	}
	child, err := a.Keeper.LaunchChild(ctx, parent, p.Child.Visit, p.Child.Code, p.Child.Field)
	var refusal *approval.Refusal
	if errors.As(err, &refusal) {
		return FlowChildLaunched{Refused: refusal.Error()}, nil
	}
	if err != nil {
		return FlowChildLaunched{}, flowError(fmt.Errorf("launch flow %s: %w", p.Child.No, err))
	}
	return FlowChildLaunched{State: child.State, Round: child.Round}, nil
}
