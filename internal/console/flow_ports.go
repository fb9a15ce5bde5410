package console

import (
	"context"
	"encoding/json"

	"orgflow"
	"orgflow/internal/api"
)

// FlowDesk tells of flows what only the pages ask. A company of 0 is the only
// configured one, as in the API.
type FlowDesk interface {
	// FlowCompanies lists the companies that are configured.
	FlowCompanies() []int64
	// OpenTasks lists the tasks that wait for a person, in the order they
	// were opened. limit is 1 to 1000.
	OpenTasks(ctx context.Context, company int64, user, cursor string, limit int) (OpenTaskPage, error)
	// FlowBackground tells of a flow what its rules go by.
	FlowBackground(ctx context.Context, company int64, no string) (FlowBackground, error)
	// FlowChoices tells which commands of a person on a flow would be carried
	// out if they came now. It only spares people buttons.
	FlowChoices(ctx context.Context, company int64, no, user string) ([]orgflow.FlowCommandKind, error)
	// CheckWay refuses, as /flow/onAudit would, a node to go to next (nil: as
	// the definition says) and departments (between commas) that cannot be.
	// It is asked before the decision they belong to is stored.
	CheckWay(ctx context.Context, company int64, no string, next *int, depts string) error
}

// OpenTask is a task that waits for its person.
type OpenTask struct {
	Flow api.Flow
	Node string
	Task api.FlowTask
}

// OpenTaskPage is a part of somebody's tasks. An empty NextCursor is the end.
type OpenTaskPage struct {
	Tasks      []OpenTask
	NextCursor string
}

// FlowBackground is what a flow's rules go by.
type FlowBackground struct {
	WorkflowID string
	// Form is the snapshot of the form's row that the round goes by; nil
	// where the flow remembers none.
	Form json.RawMessage
	// Parent is the number of the flow that started this one, empty where
	// somebody launched it.
	Parent string
	// Fault says why a FAULTED flow is, and FaultNode where.
	Fault     string
	FaultNode *int
}
