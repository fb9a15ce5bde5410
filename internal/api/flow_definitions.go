package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"orgflow/internal/config"
)

const pathDefinitions = "/api/v1/flow-definitions"

func (s *server) flowDefinitionRoutes() {
	tags := []string{"flow definitions"}
	const what = "The body is a definition (flow-def/1) or an export of one (flow-export/1), whose hash must be right. All checks of a publication are made: " +
		"a bad one answers 422 with every problem. The definition that is the newest version already is not published again. With dry_run it is checked only."
	put := register(s, huma.Operation{
		OperationID: "put-flow-definition", Method: http.MethodPut, Path: pathDefinitions + "/{flowCode}",
		Tags: tags, Summary: "Publish the next version of a flow definition", Description: what,
	}, config.AccessAdmin, func(ctx context.Context, in *putDefinitionInput) (*body[Published], error) {
		return s.publish(ctx, in.CompanyID, in.FlowCode, in.PublishParams, in.RawBody)
	})
	post := register(s, huma.Operation{
		OperationID: "import-flow-definition", Method: http.MethodPost, Path: pathDefinitions,
		Tags: tags, Summary: "Publish or import a flow definition; its code is in the body", Description: what,
	}, config.AccessAdmin, func(ctx context.Context, in *postDefinitionInput) (*body[Published], error) {
		return s.publish(ctx, in.CompanyID, "", in.PublishParams, in.RawBody)
	})
	s.describeObject(put, "A definition or an export of one; schemas/flow-def.schema.json describes every key.")
	s.describeObject(post, "A definition or an export of one; schemas/flow-def.schema.json describes every key.")

	register(s, huma.Operation{
		OperationID: "list-flow-definitions", Method: http.MethodGet, Path: pathDefinitions,
		Tags: tags, Summary: "The newest version of each flow definition, by code",
	}, config.AccessRead, s.listDefinitions)
	register(s, huma.Operation{
		OperationID: "get-flow-definition", Method: http.MethodGet, Path: pathDefinitions + "/{flowCode}",
		Tags: tags, Summary: "A flow definition with its version, the newest unless one is named",
		Description: "The answer can be published again as it is.",
	}, config.AccessRead, s.getDefinition)
	register(s, huma.Operation{
		OperationID: "list-flow-versions", Method: http.MethodGet, Path: pathDefinitions + "/{flowCode}/versions",
		Tags: tags, Summary: "Versions of a flow definition, newest first",
	}, config.AccessRead, s.listVersions)
	register(s, huma.Operation{
		OperationID: "export-flow-definition", Method: http.MethodGet, Path: pathDefinitions + "/{flowCode}/export",
		Tags: tags, Summary: "A version with its hash, to be published elsewhere",
	}, config.AccessRead, s.exportDefinition)
	register(s, huma.Operation{
		OperationID: "flow-stats", Method: http.MethodGet, Path: pathDefinitions + "/{flowCode}/stats",
		Tags: tags, Summary: "How long flows of a code take, and where they wait",
	}, config.AccessRead, s.flowStats)
}

// CompanyParams name the company. Exported because huma looks into exported
// embedded structs only.
type CompanyParams struct {
	CompanyID int64 `query:"company_id" minimum:"1" doc:"default: the only configured company"`
}

// DefinitionParams name a definition.
type DefinitionParams struct {
	CompanyParams
	FlowCode string `path:"flowCode" maxLength:"64"`
}

// PublishParams say how a definition is published.
type PublishParams struct {
	By     string `query:"by" maxLength:"128" doc:"who publishes; default: the name of the API key"`
	DryRun bool   `query:"dry_run" doc:"check only"`
}

type putDefinitionInput struct {
	DefinitionParams
	PublishParams
	RawBody []byte
}

type postDefinitionInput struct {
	CompanyParams
	PublishParams
	RawBody []byte
}

func (s *server) publish(ctx context.Context, company int64, code string, how PublishParams, raw []byte) (*body[Published], error) {
	by := steering(ctx, &steerBody{By: how.By}).By
	published, err := s.FlowDefinitions.PublishDefinition(ctx, Publication{
		CompanyID: company, Code: code, Raw: bytes.Clone(raw), By: by, DryRun: how.DryRun, // huma takes the buffer back
	})
	if err == nil && !how.DryRun {
		s.did(ctx, "publish", published.FlowCode)
	}
	return answerWith(published, err)
}

type listDefinitionsInput struct {
	CompanyParams
	PageParams
}

func (s *server) listDefinitions(ctx context.Context, in *listDefinitionsInput) (*body[DefinitionPage], error) {
	page, err := s.FlowDefinitions.ListDefinitions(ctx, in.CompanyID, in.Cursor, in.Limit)
	page.Definitions = orEmpty(page.Definitions)
	return answerWith(page, err)
}

type definitionInput struct {
	DefinitionParams
	Version int `query:"version" minimum:"1" doc:"default: the newest"`
}

type definitionOutput struct {
	ETag string `header:"ETag" doc:"the definition's hash"`
	Body json.RawMessage
}

func (s *server) getDefinition(ctx context.Context, in *definitionInput) (*definitionOutput, error) {
	d, err := s.FlowDefinitions.GetDefinition(ctx, in.CompanyID, in.FlowCode, in.Version)
	if err != nil {
		return nil, err
	}
	return &definitionOutput{ETag: `"` + d.SHA256 + `"`, Body: d.Raw}, nil
}

func (s *server) exportDefinition(ctx context.Context, in *definitionInput) (*body[json.RawMessage], error) {
	return answerWith(s.FlowDefinitions.ExportDefinition(ctx, in.CompanyID, in.FlowCode, in.Version))
}

// versionList is all versions of one code.
type versionList struct {
	Versions []DefinitionInfo `json:"versions"`
}

func (s *server) listVersions(ctx context.Context, in *DefinitionParams) (*body[versionList], error) {
	list, err := s.FlowDefinitions.DefinitionVersions(ctx, in.CompanyID, in.FlowCode)
	return answerWith(versionList{list}, err)
}

type statsInput struct {
	DefinitionParams
	From time.Time `query:"from" doc:"flows launched at this time or later, RFC 3339"`
	To   time.Time `query:"to" doc:"and before this one"`
}

func (s *server) flowStats(ctx context.Context, in *statsInput) (*body[FlowStats], error) {
	return answerWith(s.Flows.FlowStats(ctx, in.CompanyID, in.FlowCode, in.From, in.To))
}

// describeObject documents a body that is any JSON object.
func (s *server) describeObject(op huma.Operation, text string) {
	item := s.huma.OpenAPI().Paths[op.Path]
	described := item.Post
	if op.Method == http.MethodPut {
		described = item.Put
	}
	described.RequestBody = &huma.RequestBody{
		Required: true, Description: text,
		Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}}},
	}
}
