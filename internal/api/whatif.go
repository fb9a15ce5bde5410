package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"orgflow"
	"orgflow/internal/config"
)

func (s *server) whatIfRoutes() {
	ask := register(s, huma.Operation{
		OperationID: "what-if", Method: http.MethodPost, Path: "/api/v1/what-if",
		Tags: []string{"sync runs"}, Summary: "What a run would do with rows or mapping files that do not exist yet",
		Description: "Plans the given rows, in the shape the source delivers, against today's bindings and the departments read last. " +
			"A row whose id exists is shown as the update it would be. Files, by name, stand in the place of the company's templates, fetch meta files or standard formats; " +
			"without rows the records read last are planned that they make different; files need the role admin. Nothing is stored, sent or started, and nothing is ever deleted.",
	}, config.AccessRead, s.askWhatIf)
	describeBody[whatIfBody](s, ask)
}

// whatIfBody is the body as the document shows it.
type whatIfBody struct {
	Job  orgflow.Job                 `json:"job"`
	Rows map[string][]map[string]any `json:"rows,omitempty" doc:"rows of the source by service of the job; may be left out with files"`
	// Files are JSON documents by name.
	Files map[string]map[string]any `json:"files,omitempty" doc:"contents by file name, as in HcmDingSyncService.person_new.json"`
}

type whatIfInput struct{ RawBody []byte }

func (s *server) askWhatIf(ctx context.Context, in *whatIfInput) (*body[orgflow.WhatIf], error) {
	var parts struct {
		Job   json.RawMessage            `json:"job"`
		Rows  json.RawMessage            `json:"rows"`
		Files map[string]json.RawMessage `json:"files"`
	}
	dec := json.NewDecoder(bytes.NewReader(slices.Clone(in.RawBody))) // huma takes the buffer back
	dec.DisallowUnknownFields()
	if err := dec.Decode(&parts); err != nil {
		return nil, &Error{Code: codeInvalidBody, Message: `must be {"job": {…}, "rows": {"<service>": [{…}]}, "files": {"<name>": {…}}}`, cause: err}
	}
	if parts.Job == nil || parts.Rows == nil && len(parts.Files) == 0 {
		field := "/rows"
		if parts.Job == nil {
			field = "/job"
		}
		return nil, &Error{Code: codeInvalidBody, Field: field, Message: field + ` is required: the body is {"job": {…}, "rows": {"<service>": [{…}]}}, or "files" instead of rows`}
	}
	if who := callerOf(ctx); len(parts.Files) > 0 && who.access < config.AccessAdmin {
		return nil, &Error{Code: codePermission, Field: "/files", Message: "a file may show more of a record than the role " + who.access.String() + " allows; this needs admin"}
	}
	job, err := s.Decode(parts.Job)
	if err != nil {
		return nil, below("/job", err)
	}
	suppose := orgflow.Supposition{Rows: parts.Rows, Files: map[string][]byte{}}
	for name, text := range parts.Files {
		suppose.Files[name] = text
	}
	answer, err := s.WhatIf.WhatIf(ctx, job, suppose)
	if err != nil {
		return nil, below("/rows", err)
	}
	return &body[orgflow.WhatIf]{answer}, nil
}

// below moves the problems of a part of a body to their place in the whole.
// Lines and columns would be those of the part. A problem of a file names it.
func below(pointer string, err error) error {
	var invalid *orgflow.InvalidError
	if !errors.As(err, &invalid) || invalid.Code != orgflow.CodeInvalidJob {
		return err
	}
	moved := &orgflow.InvalidError{Code: invalid.Code, Problems: make([]orgflow.Problem, len(invalid.Problems))}
	for i, p := range invalid.Problems {
		if p.File == "" {
			p.Pointer, p.Line, p.Column = pointer+p.Pointer, 0, 0
		}
		moved.Problems[i] = p
	}
	return moved
}
