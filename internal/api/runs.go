package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"orgflow"
	"orgflow/internal/config"
)

func (s *server) runRoutes() {
	start := register(s, huma.Operation{
		OperationID: "start-sync-run", Method: http.MethodPost, Path: "/api/v1/sync-runs", DefaultStatus: http.StatusAccepted,
		Tags: []string{"sync runs"}, Summary: "Start a sync run",
		Description: "The body is a job. It is validated whole before anything starts; a bad one answers 400 and lists every problem with its JSON pointer. " +
			"With an Idempotency-Key the same body starts one run only, however often it is sent; another body with the same key answers 409.",
	}, config.AccessOperate, s.startRun)
	describeBody[orgflow.Job](s, start)

	register(s, huma.Operation{
		OperationID: "list-sync-runs", Method: http.MethodGet, Path: "/api/v1/sync-runs",
		Tags: []string{"sync runs"}, Summary: "List sync runs, newest first",
	}, config.AccessRead, s.listRuns)
	register(s, huma.Operation{
		OperationID: "get-sync-run", Method: http.MethodGet, Path: "/api/v1/sync-runs/{id}",
		Tags: []string{"sync runs"}, Summary: "Summary of a sync run",
	}, config.AccessRead, s.getRun)
	register(s, huma.Operation{
		OperationID: "list-changes", Method: http.MethodGet, Path: "/api/v1/sync-runs/{id}/changes",
		Tags: []string{"sync runs"}, Summary: "Changes of a sync run, in the plan's order",
	}, config.AccessRead, s.listChanges)
	s.steerRoutes()
}

// steerRoutes registers what people do to runs. Approving is a right of its
// own: who may start a run need not be who may let its deletes go.
func (s *server) steerRoutes() {
	for _, verb := range []struct {
		name, summary string
		need          config.Access
		do            func(context.Context, string, Steering) error
	}{
		{"cancel", "End a sync run after the calls in flight", config.AccessOperate, s.Steer.Cancel},
		{"pause", "Stop sending; the run keeps its target until it is resumed or cancelled", config.AccessOperate, s.Steer.Pause},
		{"resume", "Let a paused run go on", config.AccessOperate, s.Steer.Resume},
		{"approve", "Let the parked changes of a waiting run go", config.AccessApprove, s.Steer.Approve},
		{"reject", "Give the parked changes of a waiting run up", config.AccessApprove, s.Steer.Reject},
	} {
		register(s, huma.Operation{
			OperationID: verb.name + "-sync-run", Method: http.MethodPost, Path: "/api/v1/sync-runs/{id}/" + verb.name,
			DefaultStatus: http.StatusAccepted, Tags: []string{"sync runs"}, Summary: verb.summary,
		}, verb.need, func(ctx context.Context, in *steerInput) (*body[accepted], error) {
			if err := verb.do(ctx, in.ID, steering(ctx, in.Body)); err != nil {
				return nil, err
			}
			return &body[accepted]{accepted{ID: in.ID, Status: "accepted"}}, nil
		})
	}
	register(s, huma.Operation{
		OperationID: "retry-sync-run", Method: http.MethodPost, Path: "/api/v1/sync-runs/{id}/retry", DefaultStatus: http.StatusAccepted,
		Tags: []string{"sync runs"}, Summary: "Start a run for what failed in an ended one",
		Description: "With an Idempotency-Key the same retry starts one run only, however often it is sent.",
	}, config.AccessOperate, func(ctx context.Context, in *retryInput) (*startOutput, error) {
		by := steering(ctx, in.Body)
		by.Once = in.IdempotencyKey
		started, err := s.Steer.Retry(ctx, in.ID, by)
		if err != nil {
			return nil, err
		}
		return &startOutput{Location: started.URL, Body: started}, nil
	})
	// Undoing needs no more than starting: its deletes meet the same limits,
	// and letting those go is a right of its own.
	register(s, huma.Operation{
		OperationID: "undo-sync-run", Method: http.MethodPost, Path: "/api/v1/sync-runs/{id}/undo", DefaultStatus: http.StatusAccepted,
		Tags: []string{"sync runs"}, Summary: "Start a run that takes back what an ended one did",
		Description: "The new run deletes what the run inserted, gives back what it changed and inserts what it deleted, with the safeguards of any run. " +
			"What a later run has changed stays as it is. The next ordinary run does the same again unless the cause is mended first. " +
			"A run that has not ended, was a dry run or changed nothing answers 409. " +
			"With an Idempotency-Key the same undo starts one run only, however often it is sent.",
	}, config.AccessOperate, s.undoRun)
}

// undoBody may be left out, like every key of it.
type undoBody struct {
	By       string           `json:"by,omitempty" maxLength:"128" doc:"who does this; default: the name of the API key. Whoever is signed in acts in their own name only"`
	Reason   string           `json:"reason,omitempty" maxLength:"1024"`
	DryRun   bool             `json:"dry_run,omitempty" doc:"plan only, send nothing"`
	Approval orgflow.Approval `json:"approval,omitempty" enum:"never,on_threshold,always" doc:"default: always where the run's job says so, else on_threshold"`
}

type undoInput struct {
	RunParams
	OnceParams
	Body *undoBody
}

func (s *server) undoRun(ctx context.Context, in *undoInput) (*startOutput, error) {
	if in.Body == nil {
		in.Body = &undoBody{}
	}
	by := steering(ctx, &steerBody{By: in.Body.By, Reason: in.Body.Reason})
	by.Once = in.IdempotencyKey
	started, err := s.Steer.Undo(ctx, in.ID, UndoOptions{Steering: by, DryRun: in.Body.DryRun, Approval: in.Body.Approval})
	if err != nil {
		return nil, err
	}
	return &startOutput{Location: started.URL, Body: started}, nil
}

// OnceParams is the header of what is done once however often it is sent.
// Exported for the reason PageParams is.
type OnceParams struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"any text that is unique to this start"`
}

type startInput struct {
	OnceParams
	RawBody []byte
}

type startOutput struct {
	Location string `header:"Location"`
	Body     Started
}

func (s *server) startRun(ctx context.Context, in *startInput) (*startOutput, error) {
	raw := slices.Clone(in.RawBody) // huma takes the buffer back
	job, err := s.Decode(raw)
	if err != nil {
		return nil, err
	}
	opts, err := s.startOptions(ctx, wish{"sync-run", job, RunID(job, s.Now())}, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	started, err := s.Start.Start(ctx, job, raw, opts)
	if err != nil {
		return nil, err
	}
	s.did(ctx, "start", started.ID)
	location := "/api/v1/sync-runs/" + url.PathEscape(started.ID)
	if started.URL == "" {
		started.URL = location
	}
	return &startOutput{Location: location, Body: started}, nil
}

// PageParams are the parameters of every list. Exported because huma looks
// into exported embedded structs only.
type PageParams struct {
	Cursor string `query:"cursor" maxLength:"512" doc:"next_cursor of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

type listRunsInput struct {
	PageParams
	CompanyID int64          `query:"company_id" minimum:"1"`
	Consumer  string         `query:"consumer" maxLength:"64"`
	Status    orgflow.Status `query:"status" enum:"running,paused,awaiting_approval,completed,completed_with_failures,rejected,superseded,failed,canceled"`
}

type body[T any] struct{ Body T }

func (s *server) listRuns(ctx context.Context, in *listRunsInput) (*body[RunPage], error) {
	page, err := s.Runs.ListRuns(ctx, RunFilter{
		CompanyID: in.CompanyID, Consumer: in.Consumer, Status: in.Status, Cursor: in.Cursor, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	runs := make([]orgflow.Summary, len(page.Runs))
	for i, run := range page.Runs {
		runs[i] = Complete(run)
	}
	return &body[RunPage]{RunPage{Runs: runs, NextCursor: page.NextCursor}}, nil
}

// RunParams names the run a route is about.
type RunParams struct {
	ID string `path:"id" maxLength:"255" doc:"id of the run"`
}

func (s *server) getRun(ctx context.Context, in *RunParams) (*body[orgflow.Summary], error) {
	summary, err := s.Runs.Summary(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &body[orgflow.Summary]{Complete(summary)}, nil
}

type listChangesInput struct {
	RunParams
	PageParams
	State orgflow.State `query:"state" enum:"planned,done,failed,blocked,held,parked,pending_invite,needs_human,disputed,skipped"`
	Op    orgflow.Op    `query:"op" enum:"insert,update,delete"`
	Kind  orgflow.Kind  `query:"kind" enum:"org,person"`
}

func (s *server) listChanges(ctx context.Context, in *listChangesInput) (*body[ChangePage], error) {
	page, err := s.Runs.ListChanges(ctx, in.ID, ChangeFilter{
		State: in.State, Op: in.Op, Kind: in.Kind, Cursor: in.Cursor, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	page.Changes = orEmpty(page.Changes)
	return &body[ChangePage]{page}, nil
}

// steerBody may be left out: the key's name says who it was.
type steerBody struct {
	By     string `json:"by,omitempty" maxLength:"128" doc:"who does this; default: the name of the API key. Whoever is signed in acts in their own name only"`
	Reason string `json:"reason,omitempty" maxLength:"1024"`
}

// Resolve refuses that somebody signed in acts in another's name; huma calls it.
func (b *steerBody) Resolve(ctx huma.Context, prefix *huma.PathBuffer) []error {
	return ownName(ctx, prefix, b.By)
}

// Resolve is that of steerBody.
func (b *undoBody) Resolve(ctx huma.Context, prefix *huma.PathBuffer) []error {
	return ownName(ctx, prefix, b.By)
}

// ownName refuses another name than that of who is signed in.
func ownName(ctx huma.Context, prefix *huma.PathBuffer, by string) []error {
	who := callerOf(ctx.Context())
	if by == "" || who.person == nil || by == who.person.Code {
		return nil
	}
	return []error{&huma.ErrorDetail{Location: prefix.With("by"), Message: "is another name than yours (" + who.person.Code + "): whoever is signed in acts in their own name; leave it out"}}
}

// localUser stands for whoever uses an open API on loopback.
const localUser = "local"

func steering(ctx context.Context, b *steerBody) Steering {
	return steeringOf(callerOf(ctx), b)
}

func steeringOf(who caller, b *steerBody) Steering {
	s := Steering{Key: who.key, By: who.name(), From: who.address}
	if b != nil {
		s.Reason = b.Reason
		if b.By != "" && who.person == nil {
			s.By = b.By
		}
	}
	if s.By == "" {
		s.By = localUser
	}
	return s
}

type steerInput struct {
	RunParams
	Body *steerBody
}

type retryInput struct {
	RunParams
	OnceParams
	Body *steerBody
}

// accepted answers a request whose effect shows a moment later.
type accepted struct {
	ID     string `json:"id"`
	Status string `json:"status" example:"accepted"`
}
