package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"orgflow"
	"orgflow/internal/config"
)

func (s *server) recordRoutes() {
	register(s, huma.Operation{
		OperationID: "record-log", Method: http.MethodGet, Path: "/api/v1/records/{company}/{consumer}/{kind}/{source_id}/log",
		Tags: []string{"records"}, Summary: "What was sent for one record, when, and what came back; newest first",
	}, config.AccessRead, s.recordLog)
}

type recordInput struct {
	Company  int64        `path:"company" minimum:"1"`
	Consumer string       `path:"consumer" maxLength:"64"`
	Kind     orgflow.Kind `path:"kind" enum:"org,person"`
	SourceID string       `path:"source_id" maxLength:"255"`
	PageParams
}

func (s *server) recordLog(ctx context.Context, in *recordInput) (*body[LogPage], error) {
	target := orgflow.Target{CompanyID: in.Company, Consumer: in.Consumer}
	page, err := s.Records.RecordLog(ctx, target, orgflow.RecordKey{Kind: in.Kind, ID: in.SourceID}, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	page.Entries = orEmpty(page.Entries)
	return &body[LogPage]{page}, nil
}
