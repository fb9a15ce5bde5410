package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"orgflow"
)

// RowKey names a form row of a board.
type RowKey struct {
	CompanyID int64
	Board     string
	DataID    string
}

// BoardRow is a form row as a board stored it.
type BoardRow struct {
	Rev       int64           // 1, 2, …: every change is one more
	Body      json.RawMessage // a JSON object, kept byte for byte
	UpdatedAt time.Time
}

type boardRow struct {
	Rev       int64  `db:"rev"`
	Body      string `db:"body"`
	UpdatedAt stamp  `db:"updated_at"`
}

func (r boardRow) row() BoardRow {
	return BoardRow{Rev: r.Rev, Body: json.RawMessage(r.Body), UpdatedAt: r.UpdatedAt.Time}
}

// PutRow stores a form row and returns it with its revision. Storing the same
// bytes again changes nothing.
func (s *Store) PutRow(ctx context.Context, k RowKey, body json.RawMessage) (BoardRow, error) {
	what := fmt.Sprintf("store row %s of board %s", k.DataID, k.Board)
	if err := errors.Join(required("/board", k.Board, "/dataId", k.DataID), object(body)); err != nil {
		return BoardRow{}, fmt.Errorf("store row: %w", err)
	}
	var row boardRow
	err := s.rw.GetContext(ctx, &row, s.rw.Rebind(`
		INSERT INTO board_row (company_id, board, data_id, rev, body, updated_at) VALUES (?, ?, ?, 1, ?, ?)
		ON CONFLICT (company_id, board, data_id) DO UPDATE SET
			rev = board_row.rev + CASE WHEN board_row.body = excluded.body THEN 0 ELSE 1 END,
			updated_at = CASE WHEN board_row.body = excluded.body THEN board_row.updated_at ELSE excluded.updated_at END,
			body = excluded.body
		RETURNING rev, body, updated_at`), k.CompanyID, k.Board, k.DataID, string(body), s.now())
	return row.row(), s.wrap(what, err)
}

// GetRow returns a form row of the built-in table, or ErrNotFound.
func (s *Store) GetRow(ctx context.Context, k RowKey) (BoardRow, error) {
	if !sound(k.Board) || !sound(k.DataID) {
		return BoardRow{}, fmt.Errorf("row: %w", ErrNotFound)
	}
	var row boardRow
	err := s.get(ctx, fmt.Sprintf("row %s of board %s", k.DataID, k.Board), &row,
		`SELECT rev, body, updated_at FROM board_row WHERE company_id = ? AND board = ? AND data_id = ?`, k.CompanyID, k.Board, k.DataID)
	return row.row(), err
}

// object refuses what is not one JSON object.
func object(body json.RawMessage) error {
	var fields map[string]json.RawMessage
	if !sound(string(body)) || json.Unmarshal(body, &fields) != nil || fields == nil {
		return &orgflow.Fault{Code: orgflow.CodeInvalidRecord, Field: "/body", Message: "must be a JSON object"}
	}
	return nil
}

// BoardTask is a task of a board.
type BoardTask struct {
	No          string // taskNo
	Status      string // "submitted" asks for a notice to the assignee
	Assignee    string // user code
	Title       string
	Body        json.RawMessage // the whole task as the board sent it
	Rev         int64           // 1, 2, …: every change is one more
	SubmittedAt time.Time       // when the status became submitted last
	UpdatedAt   time.Time
}

// TaskSubmitted is the status of a board task that waits for its assignee.
const TaskSubmitted = "submitted"

type boardTaskRow struct {
	No          string `db:"task_no"`
	Status      string `db:"status"`
	Assignee    string `db:"assignee"`
	Title       string `db:"title"`
	Body        string `db:"body"`
	Rev         int64  `db:"rev"`
	SubmittedAt stamp  `db:"submitted_at"`
	UpdatedAt   stamp  `db:"updated_at"`
}

const boardTaskColumns = `task_no, status, assignee, title, body, rev, submitted_at, updated_at`

func (r boardTaskRow) task() BoardTask {
	return BoardTask{r.No, r.Status, r.Assignee, r.Title, json.RawMessage(r.Body), r.Rev, r.SubmittedAt.Time, r.UpdatedAt.Time}
}

// PutTask stores a board task and returns it with its revision. Storing the
// same task again changes nothing.
func (s *Store) PutTask(ctx context.Context, company int64, b BoardTask) (BoardTask, error) {
	if err := errors.Join(required("/taskNo", b.No, "/status", b.Status), check("/assignee", b.Assignee), object(b.Body)); err != nil {
		return BoardTask{}, fmt.Errorf("store board task: %w", err)
	}
	now, submitted := s.now(), stamp{}
	if b.Status == TaskSubmitted {
		submitted = now
	}
	const same = `board_task.body = excluded.body AND board_task.status = excluded.status
		AND board_task.assignee = excluded.assignee AND board_task.title = excluded.title`
	var row boardTaskRow
	err := s.rw.GetContext(ctx, &row, s.rw.Rebind(`
		INSERT INTO board_task (company_id, task_no, rev, status, assignee, title, body, submitted_at, updated_at) VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (company_id, task_no) DO UPDATE SET
			rev = board_task.rev + CASE WHEN `+same+` THEN 0 ELSE 1 END,
			updated_at = CASE WHEN `+same+` THEN board_task.updated_at ELSE excluded.updated_at END,
			submitted_at = CASE WHEN excluded.status = 'submitted' AND board_task.status <> 'submitted' THEN excluded.updated_at ELSE board_task.submitted_at END,
			status = excluded.status, assignee = excluded.assignee, title = excluded.title, body = excluded.body
		RETURNING `+boardTaskColumns), company, b.No, clean(b.Status), b.Assignee, clean(b.Title), string(b.Body), submitted, now)
	return row.task(), s.wrap("store board task "+b.No, err)
}

// GetTask returns a board task, or ErrNotFound.
func (s *Store) GetTask(ctx context.Context, company int64, no string) (BoardTask, error) {
	if !sound(no) {
		return BoardTask{}, fmt.Errorf("board task: %w", ErrNotFound)
	}
	var row boardTaskRow
	err := s.get(ctx, "board task "+no, &row, `SELECT `+boardTaskColumns+` FROM board_task WHERE company_id = ? AND task_no = ?`, company, no)
	return row.task(), err
}
