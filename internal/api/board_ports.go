package api

import (
	"context"
	"encoding/json"
	"time"
)

// Boards keeps form rows and tasks the way boards store them, and who stands
// in for whom.
type Boards interface {
	PutRow(ctx context.Context, k RowKey, row json.RawMessage) (BoardRow, error)
	// GetRow is DATA_NOT_FOUND where there is none.
	GetRow(ctx context.Context, k RowKey) (BoardRow, error)
	PutTask(ctx context.Context, company int64, t BoardTask) (BoardTask, error)
	// GetTask is TASK_NOT_FOUND where there is none.
	GetTask(ctx context.Context, company int64, no string) (BoardTask, error)
}

// RowKey names a form's row.
type RowKey struct {
	CompanyID     int64
	Board, DataID string
}

// BoardRow is a form's row.
type BoardRow struct {
	Board     string          `json:"board"`
	DataID    string          `json:"data_id"`
	Rev       int64           `json:"rev" doc:"1, 2, …: every change is one more"`
	UpdatedAt time.Time       `json:"updated_at"`
	Row       json.RawMessage `json:"row,omitempty"`
}

// BoardTask is a task of a board.
type BoardTask struct {
	No          string          `json:"task_no"`
	Status      string          `json:"status"`
	Assignee    string          `json:"assignee" doc:"user code"`
	Title       string          `json:"title"`
	Rev         int64           `json:"rev" doc:"1, 2, …: every change is one more"`
	SubmittedAt *time.Time      `json:"submitted_at" doc:"when it became submitted last"`
	UpdatedAt   time.Time       `json:"updated_at"`
	Task        json.RawMessage `json:"task,omitempty" doc:"the task as it was stored"`
}

// Absences keeps who stands in for whom.
type Absences interface {
	// PutAbsence stores an absence and returns it with its id. One of the same
	// person, agent and begin is replaced.
	PutAbsence(ctx context.Context, company int64, a Absence) (Absence, error)
	// DeleteAbsence removes an absence, if it is there.
	DeleteAbsence(ctx context.Context, company, id int64) error
	ListAbsences(ctx context.Context, company int64, user string, from, till time.Time) ([]Absence, error)
}

// Absence says who stands in for whom.
type Absence struct {
	ID       int64     `json:"id,omitempty"`
	UserCode string    `json:"user_code"`
	Agent    string    `json:"agent" doc:"user code of who stands in"`
	From     time.Time `json:"from" doc:"inclusive"`
	Till     time.Time `json:"till" doc:"exclusive"`
	Flows    []string  `json:"flow_codes,omitempty" doc:"flows it holds for; default all"`
}
