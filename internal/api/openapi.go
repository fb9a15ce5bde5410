package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"orgflow/internal/config"
)

// humaConfig leaves out what huma would add by itself: its own documentation
// pages, "$schema" in bodies, problem+json.
func (s *server) humaConfig() huma.Config {
	c := huma.DefaultConfig("orgflow", "1")
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil
	c.Transformers = []huma.Transformer{own}
	c.Info.Description = "Keeps an organisation's people, approvals and ERP data in step across systems. " +
		"Every answer that is not a success has the shape of Error. Without API keys the API listens on loopback only and is open."
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "Authorization: Bearer KEY"},
		"key":    {Type: "apiKey", In: "header", Name: "X-API-Key"},
	}
	return c
}

// register adds an operation that needs a level of access. The handler's
// errors become answers here and nowhere else.
func register[I, O any](s *server, op huma.Operation, need config.Access, h func(context.Context, *I) (*O, error)) huma.Operation {
	op.Metadata = map[string]any{accessKey: need}
	op.MaxBodyBytes, op.BodyReadTimeout = MaxBody, bodyTime
	op.RejectUnknownQueryParameters = true
	if need > config.AccessNone {
		op.Security = []map[string][]string{{"bearer": {}}, {"key": {}}}
		op.Extensions = map[string]any{"x-role": need.String()}
	}
	op.Responses = map[string]*huma.Response{"default": s.errorResponse()}
	huma.Register(s.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, s.answer(ctx, err)
		}
		return out, nil
	})
	return op
}

// answer logs what the caller is not told, and returns what it is.
func (s *server) answer(ctx context.Context, err error) *Error {
	e := fault(ctx, err)
	if e.cause != nil && e.GetStatus() >= http.StatusInternalServerError {
		s.Logger.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("request_id", e.RequestID),
			slog.String("code", string(e.Code)), slog.Any("error", e.cause))
	}
	return e
}

func (s *server) errorResponse() *huma.Response {
	schema := s.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Error](), true, "Error")
	return &huma.Response{
		Description: "Error",
		Content:     map[string]*huma.MediaType{"application/json": {Schema: schema}},
	}
}

// describeBody documents a body that the handler reads itself.
func describeBody[T any](s *server, op huma.Operation) {
	document := s.huma.OpenAPI()
	schema := document.Components.Schemas.Schema(reflect.TypeFor[T](), true, "Body")
	described := document.Paths[op.Path].Post
	described.RequestBody = &huma.RequestBody{
		Required: true,
		Content:  map[string]*huma.MediaType{"application/json": {Schema: schema}},
	}
}

// finishDocument adds the routes huma does not serve and removes its own
// error models, which are never sent.
func (s *server) finishDocument() {
	document := s.huma.OpenAPI()
	delete(document.Components.Schemas.Map(), "ErrorModel")
	delete(document.Components.Schemas.Map(), "ErrorDetail")
	s.describeWords()
	document.AddOperation(&huma.Operation{
		OperationID: "metrics", Method: http.MethodGet, Path: "/metrics",
		Tags: []string{"operations"}, Summary: "Prometheus metrics",
		Security:   []map[string][]string{{"bearer": {}}, {"key": {}}},
		Extensions: map[string]any{"x-role": config.AccessRead.String()},
		Responses: map[string]*huma.Response{"200": {
			Description: "OK",
			Content:     map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}},
		}},
	})
}

// document is the OpenAPI document, indented for readers.
func (s *server) document() ([]byte, error) {
	return json.MarshalIndent(s.huma.OpenAPI(), "", "  ")
}

func (s *server) openAPI(w http.ResponseWriter, r *http.Request) {
	doc, err := s.document()
	if err != nil {
		s.write(w, r, s.answer(r.Context(), err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(doc) // the client went away
}
