package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"orgflow/internal/config"
)

func (s *server) boardRoutes() {
	const rows, tasks = "/api/v1/boards/{board}/rows/{dataId}", "/api/v1/boards/tasks/{taskNo}"
	tags := []string{"boards"}
	putRow := register(s, huma.Operation{
		OperationID: "put-board-row", Method: http.MethodPut, Path: rows,
		Tags: tags, Summary: "Store a form's row, as a board does",
		Description: "Every change is a revision; the same bytes again change nothing. A flow that runs keeps the row it was launched with.",
	}, config.AccessOperate, s.putRow)
	s.describeObject(putRow, "The row: any JSON object. It is kept byte for byte.")
	register(s, huma.Operation{
		OperationID: "get-board-row", Method: http.MethodGet, Path: rows,
		Tags: tags, Summary: "A form's row",
	}, config.AccessRead, s.getRow)
	putTask := register(s, huma.Operation{
		OperationID: "put-board-task", Method: http.MethodPut, Path: tasks,
		Tags: tags, Summary: "Store a task of a board",
		Description: "Keys beyond those named are kept. /message/taskNotify tells the assignee of a task whose status is submitted.",
	}, config.AccessOperate, s.putTask)
	describePut[boardTaskBody](s, putTask)
	register(s, huma.Operation{
		OperationID: "get-board-task", Method: http.MethodGet, Path: tasks,
		Tags: tags, Summary: "A task of a board",
	}, config.AccessRead, s.getTask)
}

// describePut documents the body of a PUT that the handler reads itself.
func describePut[T any](s *server, op huma.Operation) {
	var v T
	s.huma.OpenAPI().Paths[op.Path].Put.RequestBody = &huma.RequestBody{
		Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: s.schemaOf(v)}},
	}
}

const (
	maxBoard  = 64 // as form.board of definitions
	maxDataID = 255
	maxTaskNo = 255
	maxStatus = 64
	maxTitle  = 500
)

// RowParams name a form's row.
type RowParams struct {
	CompanyParams
	Board  string `path:"board" doc:"at most 64 characters"`
	DataID string `path:"dataId" doc:"at most 255 characters"`
}

func (p RowParams) key() (RowKey, error) {
	return RowKey{CompanyID: p.CompanyID, Board: p.Board, DataID: p.DataID},
		cmp.Or(plainText("board", p.Board, maxBoard), plainText("dataId", p.DataID, maxDataID))
}

type putRowInput struct {
	RowParams
	RawBody []byte
}

func (s *server) putRow(ctx context.Context, in *putRowInput) (*body[BoardRow], error) {
	key, err := in.key()
	if err != nil {
		return nil, err
	}
	raw, err := objectOf(in.RawBody)
	if err != nil {
		return nil, err
	}
	row, err := s.Boards.PutRow(ctx, key, raw)
	if err == nil {
		s.did(ctx, "put_row", key.Board+"/"+key.DataID)
	}
	row.Row = nil // the caller has it
	return answerWith(row, err)
}

func (s *server) getRow(ctx context.Context, in *RowParams) (*body[BoardRow], error) {
	key, err := in.key()
	if err != nil {
		return nil, err
	}
	return answerWith(s.Boards.GetRow(ctx, key))
}

// objectOf refuses a body that is not one JSON object and returns a copy of
// it: huma takes the buffer back.
func objectOf(raw []byte) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil || fields == nil {
		return nil, &Error{Code: CodeBadParam, Message: "the body must be one JSON object", cause: err}
	}
	return bytes.Clone(bytes.TrimSpace(raw)), nil
}

// boardTaskBody is a task as it is sent; more keys are kept.
type boardTaskBody struct {
	Status   string `json:"status" doc:"\"submitted\" waits for its assignee"`
	Assignee string `json:"assignee" doc:"user code; required for \"submitted\""`
	Title    string `json:"title"`
}

// TaskParams name a task of a board.
type TaskParams struct {
	CompanyParams
	No string `path:"taskNo" doc:"at most 255 characters"`
}

type putTaskInput struct {
	TaskParams
	RawBody []byte
}

const taskSubmitted = "submitted"

func (s *server) putTask(ctx context.Context, in *putTaskInput) (*body[BoardTask], error) {
	raw, err := objectOf(in.RawBody)
	if err != nil {
		return nil, err
	}
	var b boardTaskBody
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, &Error{Code: CodeBadParam, Message: "status, assignee and title must be texts", cause: err}
	}
	if err := cmp.Or(
		plainText("taskNo", in.No, maxTaskNo), plainText("/status", b.Status, maxStatus),
		optionalText("/assignee", b.Assignee, maxCode), optionalText("/title", b.Title, maxTitle),
	); err != nil {
		return nil, err
	}
	if b.Status == taskSubmitted && b.Assignee == "" {
		return nil, badParam("/assignee", `must not be empty when the status is "submitted"`)
	}
	task, err := s.Boards.PutTask(ctx, in.CompanyID, BoardTask{No: in.No, Status: b.Status, Assignee: b.Assignee, Title: b.Title, Task: raw})
	if err == nil {
		s.did(ctx, "put_task", in.No)
	}
	task.Task = nil // the caller has it
	return answerWith(task, err)
}

func (s *server) getTask(ctx context.Context, in *TaskParams) (*body[BoardTask], error) {
	if err := plainText("taskNo", in.No, maxTaskNo); err != nil {
		return nil, err
	}
	return answerWith(s.Boards.GetTask(ctx, in.CompanyID, in.No))
}
