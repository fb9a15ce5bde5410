package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orgflow/internal/approval"
	"orgflow/internal/store"
)

// Refusals that need the database to be known; the machine knows the others.
const (
	DefNotFound  approval.RefusalCode = "FLOW_DEF_NOT_FOUND"
	DataNotFound approval.RefusalCode = "DATA_NOT_FOUND"
	NumberTaken  approval.RefusalCode = "NUMBER_TAKEN"
	DataTaken    approval.RefusalCode = "DATA_TAKEN" // of a child: oneOpenPerData
)

// Launch is what a flow is launched from.
type Launch struct {
	CompanyID int64
	No        string // empty: the next number
	Code      string // of the definition
	DataID    string
	Initiator store.Initiator
	Parent    *Parent       // of a flow that a subflow node starts
	Again     time.Duration // see store.NewFlow
}

// TryLaunch tells whether a launch would be refused, before it has a number.
// It changes nothing. The flow it returns is what Launch stores.
func (k *Keeper) TryLaunch(ctx context.Context, l Launch) (*Flow, error) {
	f, err := k.draft(ctx, l)
	if err != nil {
		return nil, err
	}
	number := l.No
	if number == "" {
		number = f.Code // any: it only seeds random picks
	}
	_, err = approval.Step(f.Def, nil, approval.DoLaunch{Number: number, Initiator: l.Initiator.Code}, k.newWorld(ctx, f))
	return f, err
}

// draft is a flow that is not stored yet. What is missing is a refusal.
func (k *Keeper) draft(ctx context.Context, l Launch) (*Flow, error) {
	f := &Flow{LoadedFlow: store.LoadedFlow{Flow: store.Flow{
		FlowKey: store.FlowKey{CompanyID: l.CompanyID, No: l.No}, Code: l.Code, DataID: l.DataID, Initiator: l.Initiator,
	}}}
	err := k.pin(ctx, f, 0)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &approval.Refusal{Code: DefNotFound, Message: fmt.Sprintf("no definition %q is published in company %d", l.Code, l.CompanyID)}
	}
	if err != nil {
		return nil, err
	}
	f.Version = f.Def.Version
	f.Parent = l.Parent
	f.Form, err = k.Snapshot(ctx, l.CompanyID, f.Def.Form, l.DataID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &approval.Refusal{Code: DataNotFound, Message: fmt.Sprintf("board %s has no row %q; save the form first", f.Def.Form.Board, l.DataID)}
	}
	return f, err
}

// Launch stores a flow that TryLaunch has not refused, state STARTING. Its
// workflow is the caller's business. See store.LaunchFlow for what is in the
// way and for repetition.
func (k *Keeper) Launch(ctx context.Context, f *Flow, again time.Duration) (store.Flow, store.LaunchOutcome, error) {
	numbering, err := approval.NewNumbering(f.Def)
	if err != nil {
		return store.Flow{}, "", fmt.Errorf("definition %s: %w", f.Code, err)
	}
	doc, err := f.Encode()
	if err != nil {
		return store.Flow{}, "", err
	}
	return k.Store.LaunchFlow(ctx, store.NewFlow{
		CompanyID: f.CompanyID, No: f.No, Numbering: numbering, Code: f.Code, Version: f.Version, DataID: f.DataID,
		WorkflowID: f.WorkflowID, Qualify: len(k.Files.Companies()) > 1,
		OneOpenPerData: f.Def.Launch.OneOpenPerData, Again: again, Title: f.Def.Name, Initiator: f.Initiator, StateDoc: doc,
	})
}
