// Package flowcall answers the calls of boards on approval flows (approval
// reference B.3): it checks parameters, decides from the database what can be
// decided there, so that a refused call leaves no trace, and asks the flow's
// workflow for the rest. HTTP and command line share it.
package flowcall

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"orgflow"
	"orgflow/internal/approval"
	"orgflow/internal/flow"
	"orgflow/internal/store"
	"orgflow/meta"
)

const (
	// startWait is how long a call waits for a flow's workflow to begin.
	startWait = 3 * time.Second
	// updateWait is how long a call waits for its turn and its answer.
	updateWait = 10 * time.Second
	// retryAfter is when a caller shall come back whom Temporal did not answer.
	retryAfter = 5 * time.Second
)

// Service answers calls. One value serves a whole process.
type Service struct {
	Keeper *flow.Keeper
	Store  Store
	Files  Files
	Engine Engine
	Log    *slog.Logger
	// Sleep waits between two looks at the database; it returns early with
	// the context's error.
	Sleep func(context.Context, time.Duration) error

	mu      sync.Mutex
	turns   map[store.FlowKey]*turn
	overdue store.FlowKey // behind which the next sweep looks for overdue flows
}

// Store is what calls ask of the database besides what steps do.
type Store interface {
	LoadFlow(ctx context.Context, k store.FlowKey) (store.LoadedFlow, error)
	PendingAudits(ctx context.Context, k store.FlowKey) ([]store.Decision, error)
	MarkLate(ctx context.Context, k store.FlowKey) (int, error)
	AskBeside(ctx context.Context, k store.FlowKey, decision int64, a store.Asked) (bool, error)
	SettleLate(ctx context.Context, d time.Duration, limit int) (int, error)
	OverdueFlows(ctx context.Context, o store.Overdue, behind store.FlowKey, limit int) ([]store.Flow, error)
	StartingFlows(ctx context.Context, d time.Duration, behind store.FlowKey, limit int) ([]store.Flow, error)
	UnappliedFlows(ctx context.Context, d time.Duration, behind store.FlowKey, limit int) ([]store.FlowKey, error)
	GetTask(ctx context.Context, company int64, no string) (store.BoardTask, error)
	Enqueue(ctx context.Context, company int64, list []store.NewMessage) (int, error)
	Absences(ctx context.Context, company int64, users []string, from, till time.Time) ([]store.Absence, error)
	ListFlows(ctx context.Context, f store.FlowFilter) ([]store.Flow, string, error)
	flow.Organisation
}

// Files are the companies' settings; package meta implements it.
type Files interface {
	Companies() []int64
	Company(id int64) (meta.Company, error)
}

// Engine runs the workflows of flows.
type Engine interface {
	// Start starts a flow's workflow unless it runs.
	Start(ctx context.Context, workflowID string, run orgflow.FlowRun) error
	// Update asks a flow's workflow to carry a command out and waits for the
	// answer. The same id is carried out once per execution.
	Update(ctx context.Context, workflowID, updateID, name string, c orgflow.FlowCommand) (orgflow.FlowReply, error)
	// Signal tells a flow's workflow what nobody is answered.
	Signal(ctx context.Context, workflowID string, c orgflow.FlowCommand) error
}

// What an Engine answers besides replies. Other errors are failures of the
// workflow itself.
var (
	// ErrGone: the workflow does not run, or ended before it answered.
	ErrGone = errors.New("the flow's workflow does not run")
	// ErrBusy: the workflow took nothing because much waits already.
	ErrBusy = errors.New("the flow has much to do")
	// ErrNoAnswer: no answer in time; the command may still be carried out.
	ErrNoAnswer = errors.New("the flow's workflow has not answered in time")
	// ErrUnavailable: the engine cannot be reached; nothing was asked for.
	ErrUnavailable = errors.New("the workflow engine cannot be reached")
)

// Answer is what a call has come to.
type Answer struct {
	approval.Answer
	// Accepted says that the call was taken and its effect shows later.
	Accepted bool `json:"accepted,omitempty"`
}

// Error is a call that was refused; nothing has changed.
type Error struct {
	Code       string // of the catalogue, approval reference B.3
	Message    string
	Field      string // the parameter to blame, if one is
	Status     int    // HTTP
	RetryAfter time.Duration
}

// Error returns code and message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// The codes that the state machine does not know.
const (
	codeUserNotFound  = "USER_NOT_FOUND"
	codeAmbiguousUser = "AMBIGUOUS_USER"
	codeTaskNotFound  = "TASK_NOT_FOUND"
	codeNotSubmitted  = "TASK_NOT_SUBMITTED"
	codeNoAssignee    = "ASSIGNEE_UNKNOWN"
	codeUnavailable   = "ENGINE_UNAVAILABLE"
)

// statuses are the HTTP statuses of the codes that the state machine does
// not know.
var statuses = map[approval.RefusalCode]int{
	flow.DefNotFound: 404, flow.DataNotFound: 404, flow.NumberTaken: 409,
	codeUserNotFound: 404, codeAmbiguousUser: 409, codeTaskNotFound: 404, codeNotSubmitted: 409, codeNoAssignee: 422,
	codeUnavailable: 503,
}

// blamed are the parameters that codes are about.
var blamed = map[approval.RefusalCode]string{
	flow.DefNotFound: "flowCode", flow.DataNotFound: "dataId", flow.NumberTaken: "flowRunningNumber", approval.FlowNotFound: "flowRunningNumber",
	codeTaskNotFound: "taskNo", codeNotSubmitted: "taskNo", approval.NodeNotFound: "nextNodeSeq", approval.NodeNotJumpable: "nextNodeSeq",
	approval.DeptNotFound: "taskDeptManager", approval.AmbiguousDept: "taskDeptManager", approval.DeptManagerMissing: "taskDeptManager",
}

func refuse(code approval.RefusalCode, message string, after time.Duration) *Error {
	status, ok := statuses[code]
	if !ok {
		status = code.Status()
	}
	return &Error{Code: string(code), Message: message, Field: blamed[code], Status: status, RetryAfter: after}
}

// about names the parameter that is to blame.
func (e *Error) about(field string) *Error {
	e.Field = field
	return e
}

// answerError turns what went wrong into what the caller is told.
func answerError(err error) error {
	var refusal *approval.Refusal
	switch {
	case errors.As(err, &refusal):
		return refuse(refusal.Code, refusal.Message, refusal.RetryAfter)
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrBusy):
		return refuse(codeUnavailable, "the workflow engine does not take the call now; it is safe to repeat it", retryAfter)
	}
	return err
}
