package app

import (
	"context"
	"encoding/json"
	"time"

	"orgflow/internal/api"
	"orgflow/internal/store"
)

// PutRow stores a form's row as a board does.
func (f *Flows) PutRow(ctx context.Context, k api.RowKey, row json.RawMessage) (api.BoardRow, error) {
	company, err := f.configured(k.CompanyID)
	if err != nil {
		return api.BoardRow{}, err
	}
	stored, err := f.app.Store.PutRow(ctx, store.RowKey{CompanyID: company, Board: k.Board, DataID: k.DataID}, row)
	return boardRow(k, stored), err
}

// GetRow returns a form's row of the built-in table.
func (f *Flows) GetRow(ctx context.Context, k api.RowKey) (api.BoardRow, error) {
	company, err := f.company(k.CompanyID)
	if err != nil {
		return api.BoardRow{}, err
	}
	stored, err := f.app.Store.GetRow(ctx, store.RowKey{CompanyID: company, Board: k.Board, DataID: k.DataID})
	return boardRow(k, stored), missing(err, api.CodeDataNotFound, "the board stores it first, with PUT", "board %q of company %d has no row %q", k.Board, company, k.DataID)
}

func boardRow(k api.RowKey, r store.BoardRow) api.BoardRow {
	return api.BoardRow{Board: k.Board, DataID: k.DataID, Rev: r.Rev, UpdatedAt: r.UpdatedAt, Row: r.Body}
}

// PutTask stores a task of a board.
func (f *Flows) PutTask(ctx context.Context, company int64, t api.BoardTask) (api.BoardTask, error) {
	company, err := f.configured(company)
	if err != nil {
		return api.BoardTask{}, err
	}
	stored, err := f.app.Store.PutTask(ctx, company, store.BoardTask{No: t.No, Status: t.Status, Assignee: t.Assignee, Title: t.Title, Body: t.Task})
	return boardTask(stored), err
}

// GetTask returns a task of a board.
func (f *Flows) GetTask(ctx context.Context, company int64, no string) (api.BoardTask, error) {
	company, err := f.company(company)
	if err != nil {
		return api.BoardTask{}, err
	}
	stored, err := f.app.Store.GetTask(ctx, company, no)
	return boardTask(stored), missing(err, api.CodeTaskNotFound, "the board stores it first, with PUT", "company %d has no board task %q", company, no)
}

func boardTask(t store.BoardTask) api.BoardTask {
	return api.BoardTask{
		No: t.No, Status: t.Status, Assignee: t.Assignee, Title: t.Title, Rev: t.Rev,
		SubmittedAt: optionalTime(t.SubmittedAt), UpdatedAt: t.UpdatedAt, Task: t.Body,
	}
}

// PutAbsence stores who stands in for whom.
func (f *Flows) PutAbsence(ctx context.Context, company int64, a api.Absence) (api.Absence, error) {
	company, err := f.configured(company)
	if err != nil {
		return api.Absence{}, err
	}
	a.ID, err = f.app.Store.PutAbsence(ctx, company, store.Absence{UserCode: a.UserCode, Agent: a.Agent, From: a.From, Till: a.Till, Flows: a.Flows})
	return a, err
}

// DeleteAbsence removes an absence, if it is there.
func (f *Flows) DeleteAbsence(ctx context.Context, company, id int64) error {
	company, err := f.company(company)
	if err != nil {
		return err
	}
	return f.app.Store.DeleteAbsence(ctx, company, id)
}

// ListAbsences returns the absences that touch a span of time, of one person
// or of everybody.
func (f *Flows) ListAbsences(ctx context.Context, company int64, user string, from, till time.Time) ([]api.Absence, error) {
	company, err := f.company(company)
	if err != nil {
		return nil, err
	}
	var users []string
	if user != "" {
		users = []string{user}
	}
	list, err := f.app.Store.Absences(ctx, company, users, from, till)
	out := make([]api.Absence, len(list))
	for i, a := range list {
		out[i] = api.Absence{ID: a.ID, UserCode: a.UserCode, Agent: a.Agent, From: a.From, Till: a.Till, Flows: a.Flows}
	}
	return out, err
}
