package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"orgflow/internal/approval"
	"orgflow/internal/store"
)

// maxDepth bounds how many flows may be above one. Definitions that start
// each other in a circle are refused when they are published, as far as that
// can be known then; this stops those that a later publication has closed.
const maxDepth = 8

// SubflowTooDeep refuses a child with too many flows above it.
const SubflowTooDeep approval.RefusalCode = "SUBFLOW_TOO_DEEP"

// ChildNo is the number of the flow that a visit starts. It is made of the
// parent's, so that starting it twice finds it.
func ChildNo(parent string, visit int) string { return parent + childSuffix(visit) }

func childSuffix(visit int) string { return fmt.Sprintf(".%d", visit) }

// LaunchChild stores the flow that a subflow node starts and returns it as it
// stands. It has the number ChildNo, so that launching it twice finds it. A
// refusal says why there can be none.
func (k *Keeper) LaunchChild(ctx context.Context, parent *Flow, visit int, code, field string) (store.Flow, error) {
	from := Parent{No: parent.No, Visit: visit, Depth: 1}
	if parent.Parent != nil {
		from.Depth += parent.Parent.Depth
	}
	key := store.FlowKey{CompanyID: parent.CompanyID, No: ChildNo(parent.No, visit)}
	existing, err := k.Load(ctx, key)
	switch {
	case err == nil && (existing.Code != code || existing.Parent == nil || *existing.Parent != from):
		return store.Flow{}, refuseTaken(key.No)
	case !errors.Is(err, store.ErrNotFound):
		if err != nil {
			return store.Flow{}, err
		}
		return existing.Flow, nil
	case from.Depth > maxDepth:
		return store.Flow{}, k.tooDeep(ctx, parent, code)
	}
	l := Launch{CompanyID: key.CompanyID, No: key.No, Code: code, Initiator: parent.Initiator, Parent: &from}
	if l.DataID, err = k.childRow(ctx, parent, field); err != nil {
		return store.Flow{}, err
	}
	f, err := k.draft(ctx, l)
	if err != nil {
		return store.Flow{}, err
	}
	f.WorkflowID = parent.WorkflowID + childSuffix(visit)
	return k.storeChild(ctx, f)
}

// childRow returns the dataId of the form row that a child is about: the
// parent's, unless the node names a field that holds it.
func (k *Keeper) childRow(ctx context.Context, parent *Flow, field string) (string, error) {
	if field == "" {
		return parent.DataID, nil
	}
	ids, err := k.newWorld(ctx, parent).Field(field)
	var un *approval.ExpressionError
	switch {
	case err != nil && !errors.As(err, &un):
		return "", err
	case err != nil, len(ids) != 1:
		return "", &approval.Refusal{Code: DataNotFound, Message: fmt.Sprintf("field %q of the form does not hold the child's dataId", field)}
	}
	return ids[0], nil
}

func (k *Keeper) storeChild(ctx context.Context, f *Flow) (store.Flow, error) {
	stored, outcome, err := k.Launch(ctx, f, 0)
	switch {
	case err != nil:
		return store.Flow{}, err
	case outcome == store.LaunchDataTaken:
		return store.Flow{}, &approval.Refusal{Code: DataTaken, Message: fmt.Sprintf(
			"form row %q has flow %s (%s) already, and %s allows one flow per row (oneOpenPerData)", f.DataID, stored.No, stored.State, f.Code)}
	case outcome == store.LaunchNumberTaken:
		return store.Flow{}, refuseTaken(f.No)
	}
	return stored, nil
}

func refuseTaken(no string) error {
	return &approval.Refusal{Code: NumberTaken, Message: fmt.Sprintf("number %s is taken by another flow", no)}
}

// tooDeep says which flows have started each other.
func (k *Keeper) tooDeep(ctx context.Context, f *Flow, code string) error {
	codes := []string{code, f.Code}
	for up := f.Parent; up != nil; {
		above, err := k.Load(ctx, store.FlowKey{CompanyID: f.CompanyID, No: up.No})
		if err != nil {
			return err
		}
		codes, up = append(codes, above.Code), above.Parent
	}
	slices.Reverse(codes)
	return &approval.Refusal{Code: SubflowTooDeep, Message: fmt.Sprintf(
		"%s are %d flows that start each other, at most %d may; take the subflow out of one of their definitions", strings.Join(codes, " → "), len(codes), maxDepth+1)}
}
