package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/erp"
	"orgflow/internal/store"
)

// Loads holds what the activities of a load need. One value serves a whole
// worker.
type Loads struct {
	Store      LoadStore
	Files      LoadFiles
	ERPs       ERPs
	Executions Executions
	Now        func() time.Time
	// Sleep waits between attempts of one call; it returns early with the
	// context's error.
	Sleep func(context.Context, time.Duration) error
}

// LoadFiles resolves loads to form files; package meta implements it.
type LoadFiles interface {
	DecodeLoad(raw []byte) (orgflow.LoadInput, error)
	Form(company int64, formID string) (erp.Config, error)
}

// ERPs finds a company's ERP.
type ERPs interface {
	ERP(company int64) (connectors.ERP, error)
}

// LoadStore is what loads ask of the database.
type LoadStore interface {
	CreateLoad(ctx context.Context, n store.NewLoad) (load store.Load, ok bool, err error)
	GetLoad(ctx context.Context, id string) (store.Load, error)
	OpenLoad(ctx context.Context, id string, o store.OpenedLoad) error
	RefuseLoad(ctx context.Context, n store.NewLoad, fault *orgflow.Fault) (store.Load, error)
	FinishLoad(ctx context.Context, id string, status orgflow.Status, fault *orgflow.Fault) (store.Load, error)
	AddLoadCalls(ctx context.Context, id string, calls int) error

	LocalTable(ctx context.Context, name string) (store.LocalTable, error)
	LoadWindows(ctx context.Context, id string) ([]store.LoadWindow, error)
	GetLoadWindow(ctx context.Context, id string, table, seq int) (store.LoadWindow, error)
	AddLoadWindows(ctx context.Context, id string, windows []store.LoadWindow) error
	SavePage(ctx context.Context, p store.LoadPage) (store.LoadWindow, error)
	RestartWindow(ctx context.Context, id string, kind orgflow.LoadKind, table store.LoadTable, w store.LoadWindow) (store.LoadWindow, error)
	UnseenKeys(ctx context.Context, id string, no int, table store.LoadTable, from time.Time, n int) ([]string, error)
	SettleUnseen(ctx context.Context, a store.Answer) error
	SwapLoad(ctx context.Context, id string) error
}

// LoadStart starts a load. Input is the JSON as the user gave it.
type LoadStart struct {
	Input      json.RawMessage `json:"input"`
	WorkflowID string          `json:"workflow_id"`
	FirstRunID string          `json:"first_run_id"`
}

// LoadParams names a load.
type LoadParams struct {
	LoadID string `json:"load_id"`
}

// WindowRef names a window of a load.
type WindowRef struct {
	Table int `json:"table"` // 0 is the main table
	Seq   int `json:"seq"`   // from 1
}

// WindowParams asks for a window to be read.
type WindowParams struct {
	LoadID string    `json:"load_id"`
	Window WindowRef `json:"window"`
}

// LoadShare says how far a load has come and which windows are to be read
// next.
type LoadShare struct {
	Summary orgflow.ERPRun `json:"summary"`
	Windows []WindowRef    `json:"windows,omitempty"`
}

// LoadEnd says how a load ends.
type LoadEnd struct {
	LoadID   string         `json:"load_id"`
	Canceled bool           `json:"canceled,omitempty"`
	Fault    *orgflow.Fault `json:"fault,omitempty"`
}

// Register makes every activity known to a worker under its wire name.
func (l *Loads) Register(r worker.ActivityRegistry) {
	for name, fn := range map[string]any{
		orgflow.ActivityPrepareLoad:  l.PrepareLoad,
		orgflow.ActivityOpenLoad:     l.OpenLoad,
		orgflow.ActivityReadWindow:   l.ReadWindow,
		orgflow.ActivityCatchUp:      l.CatchUp,
		orgflow.ActivitySettleUnseen: l.SettleUnseen,
		orgflow.ActivitySwapTables:   l.SwapTables,
		orgflow.ActivityFinishLoad:   l.FinishLoad,
	} {
		r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
}

// PrepareLoad checks the input and creates the load, the only one of its form
// that runs. One that is refused is recorded as failed, unless its input is
// wrong or its form has no good file. Repeating it finds the record and answers the same. A
// load whose workflow was terminated gives way.
func (l *Loads) PrepareLoad(ctx context.Context, p LoadStart) (LoadShare, error) {
	out, err := l.prepare(ctx, p)
	return out, temporalError(err)
}

func (l *Loads) prepare(ctx context.Context, p LoadStart) (LoadShare, error) {
	load, err := l.Store.GetLoad(ctx, orgflow.ERPRunID(p.WorkflowID, p.FirstRunID))
	if !errors.Is(err, store.ErrNotFound) {
		return begun(load, err)
	}
	n := store.NewLoad{FirstRunID: p.FirstRunID, WorkflowID: p.WorkflowID}
	if n.Input, err = l.Files.DecodeLoad(p.Input); err != nil {
		return LoadShare{}, err
	}
	load, err = l.create(ctx, n)
	if f := orgflow.AsFault(err); f != nil && !f.Transient() && f.Code != orgflow.CodeInternal {
		load, err = l.Store.RefuseLoad(ctx, n, f)
	}
	return begun(load, err)
}

// begun answers with a load that goes on, or with what ended it.
func begun(load store.Load, err error) (LoadShare, error) {
	switch run := load.Summary; {
	case err != nil:
		return LoadShare{}, err
	case !run.Status.Terminal():
		return LoadShare{Summary: run}, nil
	case run.Error != nil:
		return LoadShare{}, run.Error
	default:
		return LoadShare{}, orgflow.Faultf(orgflow.CodeCanceled, "load %s has ended: %s", run.ID, run.Status)
	}
}

// create takes the form for a load.
func (l *Loads) create(ctx context.Context, n store.NewLoad) (store.Load, error) {
	if _, err := l.Files.Form(n.Input.CompanyID, n.Input.FormID); err != nil {
		return store.Load{}, err
	}
	if _, err := l.ERPs.ERP(n.Input.CompanyID); err != nil {
		return store.Load{}, err
	}
	for {
		load, ok, err := l.Store.CreateLoad(ctx, n)
		switch {
		case errors.Is(err, store.ErrNotFound): // the other one has ended at this moment
			continue
		case err != nil || ok:
			return load, err
		}
		running, err := l.Executions.Running(ctx, load.WorkflowID, load.FirstRunID)
		if err != nil {
			return store.Load{}, err
		}
		if running {
			return store.Load{}, &orgflow.Fault{
				Code: orgflow.CodeTargetBusy, Message: fmt.Sprintf("form %s is being loaded by %s", n.Input.FormID, load.ID),
				Advice: "wait for it or cancel it",
			}
		}
		fault := orgflow.Faultf(orgflow.CodeCanceled, "the workflow was terminated before the load ended")
		if _, err := l.Store.FinishLoad(ctx, load.ID, orgflow.StatusCanceled, fault); err != nil {
			return store.Load{}, err
		}
	}
}

// FinishLoad records how a load ended and removes what is left of one that
// did not come to its end; the local tables stay as they are. Repeating it
// changes nothing: the first final status stays.
func (l *Loads) FinishLoad(ctx context.Context, p LoadEnd) (orgflow.ERPRun, error) {
	status := orgflow.StatusCompleted
	switch {
	case p.Canceled:
		status = orgflow.StatusCanceled
	case p.Fault != nil:
		status = orgflow.StatusFailed
	}
	load, err := l.Store.FinishLoad(ctx, p.LoadID, status, p.Fault)
	return load.Summary, temporalError(err)
}

// SwapTables puts the new tables in the place of the old ones. Repeating it
// finds the swap made.
func (l *Loads) SwapTables(ctx context.Context, p LoadParams) (LoadShare, error) {
	defer keepAlive(ctx)()
	if err := l.Store.SwapLoad(ctx, p.LoadID); err != nil {
		return LoadShare{}, temporalError(err)
	}
	load, err := l.Store.GetLoad(ctx, p.LoadID)
	return LoadShare{Summary: load.Summary}, temporalError(err)
}
