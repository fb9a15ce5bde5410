package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"orgflow"
	"orgflow/internal/config"
)

const pathLoads = "/api/v1/erp-runs"

func (s *server) erpRoutes() {
	tags := []string{"ERP"}
	start := register(s, huma.Operation{
		OperationID: "start-erp-run", Method: http.MethodPost, Path: pathLoads, DefaultStatus: http.StatusAccepted,
		Tags: tags, Summary: "Load a form of the ERP into its local table",
		Description: `The body is {"form_id": "SAL_SaleOrder", "kind": "create"}: create builds the table anew from the last 2 years, update merges the last 2 months into it. ` +
			"One load of a form runs at a time; a second one is refused with 409, target_busy, and the id of the first.",
	}, config.AccessOperate, s.startLoad)
	describeBody[orgflow.LoadInput](s, start)
	register(s, huma.Operation{
		OperationID: "list-erp-runs", Method: http.MethodGet, Path: pathLoads, Tags: tags, Summary: "List loads, newest first",
	}, config.AccessRead, s.listLoads)
	register(s, huma.Operation{
		OperationID: "get-erp-run", Method: http.MethodGet, Path: pathLoads + "/{id}", Tags: tags, Summary: "Summary of a load",
	}, config.AccessRead, func(ctx context.Context, in *RunParams) (*body[orgflow.ERPRun], error) {
		run, err := s.Loads.LoadRun(ctx, in.ID)
		return answerWith(CompleteLoad(run), err)
	})
	register(s, huma.Operation{
		OperationID: "cancel-erp-run", Method: http.MethodPost, Path: pathLoads + "/{id}/cancel", DefaultStatus: http.StatusAccepted,
		Tags: tags, Summary: "End a load after the pages in flight",
	}, config.AccessOperate, func(ctx context.Context, in *steerInput) (*body[accepted], error) {
		err := s.Loads.CancelLoad(ctx, in.ID, steering(ctx, in.Body))
		return answerWith(accepted{ID: in.ID, Status: "accepted"}, err)
	})
	s.dataSyncRoutes()
}

type startLoadInput struct {
	RawBody []byte
}

func (s *server) startLoad(ctx context.Context, in *startLoadInput) (*startOutput, error) {
	started, err := s.load(ctx, bytes.Clone(in.RawBody)) // huma takes the buffer back
	if err != nil {
		return nil, err
	}
	return &startOutput{Location: started.URL, Body: started}, nil
}

// load starts a load.
func (s *server) load(ctx context.Context, in json.RawMessage) (Started, error) {
	started, err := s.Loads.StartLoad(ctx, in)
	if err != nil {
		return Started{}, err
	}
	s.did(ctx, "start", started.ID)
	return started, nil
}

type listLoadsInput struct {
	PageParams
	CompanyID int64  `query:"company_id" minimum:"1"`
	FormID    string `query:"form_id" maxLength:"64"`
}

func (s *server) listLoads(ctx context.Context, in *listLoadsInput) (*body[LoadPage], error) {
	page, err := s.Loads.ListLoads(ctx, LoadFilter{CompanyID: in.CompanyID, FormID: in.FormID, Cursor: in.Cursor, Limit: in.Limit})
	page.Runs = orEmpty(page.Runs)
	for i, run := range page.Runs {
		page.Runs[i] = CompleteLoad(run)
	}
	return answerWith(page, err)
}
