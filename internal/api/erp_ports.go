package api

import (
	"context"
	"encoding/json"

	"orgflow"
)

// Loads loads forms of an ERP into their local tables. An id nobody knows is
// an orgflow.CodeNotFound fault.
type Loads interface {
	// StartLoad starts a load. raw is checked whole first; a bad one is an
	// *orgflow.InvalidError and starts nothing. While another load of the form
	// runs, of whatever kind, it is an orgflow.CodeTargetBusy fault that names
	// that one.
	StartLoad(ctx context.Context, raw json.RawMessage) (Started, error)
	LoadRun(ctx context.Context, id string) (orgflow.ERPRun, error)
	ListLoads(ctx context.Context, f LoadFilter) (LoadPage, error)
	// CancelLoad ends a load after the pages in flight; what a create has read
	// is dropped. One that has ended is a conflict.
	CancelLoad(ctx context.Context, id string, s Steering) error
}

// LoadFilter selects loads, newest first; zero fields match all.
type LoadFilter struct {
	CompanyID int64
	FormID    string
	Cursor    string
	Limit     int
}

// LoadPage is a part of a list of loads. An empty NextCursor is the end.
type LoadPage struct {
	Runs       []orgflow.ERPRun `json:"runs"`
	NextCursor string           `json:"next_cursor"`
}

// CompleteLoad fills what is nil, so that the JSON has its shape from the
// load's first moment.
func CompleteLoad(r orgflow.ERPRun) orgflow.ERPRun {
	if r.NewColumns == nil {
		r.NewColumns = []string{}
	}
	return r
}
