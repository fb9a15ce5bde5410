package api

import (
	"context"

	"orgflow"
)

// Plans shows plans by the names people know: pages ask it.
type Plans interface {
	// Tree returns the departments of a run's plan that change, or that
	// people who change are in, with all above them. A plan that is longer
	// than can be shown at once is cut off behind its first changes.
	Tree(ctx context.Context, id string) (PlanTree, error)
	// Names returns the names of the records that changes of a run are
	// about, by change; those that are not known are absent.
	Names(ctx context.Context, id string, changes []int) (map[int]string, error)
}

// PlanTree is a plan by department.
type PlanTree struct {
	Departments []PlanDepartment // parents before or after their children
	Elsewhere   []PlanLine       // people without a department
	Cut         bool             // the plan has more changes than were looked at
}

// PlanDepartment is a department of a plan.
type PlanDepartment struct {
	SourceID string
	ParentID string // empty: stands at the top
	Name     string // empty where it is not known
	Change   *PlanLine
	People   []PlanLine // changes of people whose main department it is
}

// PlanLine is a change in one line.
type PlanLine struct {
	ID       int
	Op       orgflow.Op
	SourceID string
	Name     string // empty where it is not known
	State    orgflow.State
}
