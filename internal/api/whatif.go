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
		Tags: []string{"sync runs"}, Summary: "What a run would do with rows that the source does not have",
		Description: "Plans the given rows, in the shape the source delivers, against today's bindings and the departments read last. " +
			"Nothing is stored, sent or started, and nothing is ever deleted. A row whose id exists is shown as the update it would be.",
	}, config.AccessRead, s.askWhatIf)
	describeBody[whatIfBody](s, ask)
}

// whatIfBody is the body as the document shows it.
type whatIfBody struct {
	Job  orgflow.Job                 `json:"job"`
	Rows map[string][]map[string]any `json:"rows" doc:"rows of the source by service of the job"`
}

type whatIfInput struct{ RawBody []byte }

func (s *server) askWhatIf(ctx context.Context, in *whatIfInput) (*body[orgflow.WhatIf], error) {
	var parts struct {
		Job  json.RawMessage `json:"job"`
		Rows json.RawMessage `json:"rows"`
	}
	dec := json.NewDecoder(bytes.NewReader(slices.Clone(in.RawBody))) // huma takes the buffer back
	dec.DisallowUnknownFields()
	if err := dec.Decode(&parts); err != nil {
		return nil, &Error{Code: codeInvalidBody, Message: `must be {"job": {…}, "rows": {"<service>": [{…}]}}`, cause: err}
	}
	if parts.Job == nil || parts.Rows == nil {
		field := "/rows"
		if parts.Job == nil {
			field = "/job"
		}
		return nil, &Error{Code: codeInvalidBody, Field: field, Message: field + ` is required: the body is {"job": {…}, "rows": {"<service>": [{…}]}}`}
	}
	job, err := s.Decode(parts.Job)
	if err != nil {
		return nil, below("/job", err)
	}
	answer, err := s.WhatIf.WhatIf(ctx, job, parts.Rows)
	if err != nil {
		return nil, below("/rows", err)
	}
	return &body[orgflow.WhatIf]{answer}, nil
}

// below moves the problems of a part of a body to their place in the whole.
// Lines and columns would be those of the part.
func below(pointer string, err error) error {
	var invalid *orgflow.InvalidError
	if !errors.As(err, &invalid) || invalid.Code != orgflow.CodeInvalidJob {
		return err
	}
	moved := &orgflow.InvalidError{Code: invalid.Code, Problems: make([]orgflow.Problem, len(invalid.Problems))}
	for i, p := range invalid.Problems {
		p.Pointer, p.Line, p.Column = pointer+p.Pointer, 0, 0
		moved.Problems[i] = p
	}
	return moved
}
