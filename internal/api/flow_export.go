package api

import (
	"context"
	"io"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

type exportInput struct {
	FlowQuery
	Format ExportFormat `query:"format" enum:"ndjson,csv" default:"ndjson"`
}

// exportTypes are the content types of exports.
var exportTypes = map[ExportFormat]string{ExportNDJSON: "application/x-ndjson", ExportCSV: "text/csv; charset=utf-8"}

// exportFlows streams. What goes wrong before the first byte is answered as
// always; after it the connection is cut, so that nobody takes a part for the
// whole.
func (s *server) exportFlows(ctx context.Context, in *exportInput) (*huma.StreamResponse, error) {
	f := in.filter()
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humachi.Unwrap(hc)
		out := &stream{to: w, contentType: exportTypes[in.Format]}
		// The export may take longer than other requests; a caller who went
		// away is met at the next write.
		err := s.Flows.ExportFlows(context.WithoutCancel(ctx), f, in.Format, out)
		if err == nil {
			out.begin()
			return
		}
		failure := s.answer(ctx, err)
		if !out.begun {
			s.write(w, r, failure)
			return
		}
		s.Logger.WarnContext(ctx, "export of flows was cut off", "request_id", failure.RequestID, "code", string(failure.Code))
		panic(http.ErrAbortHandler)
	}}, nil
}

// stream is an answer that begins with its first byte. Each write has the
// time that a whole answer has otherwise.
type stream struct {
	to          http.ResponseWriter
	contentType string
	begun       bool
}

func (s *stream) begin() {
	if !s.begun {
		s.begun = true
		s.to.Header().Set("Content-Type", s.contentType)
		s.to.WriteHeader(http.StatusOK)
	}
}

// Write sends bytes on.
func (s *stream) Write(p []byte) (int, error) {
	s.begin()
	_ = http.NewResponseController(s.to).SetWriteDeadline(time.Now().Add(writeTime)) // not every writer has one
	return s.to.Write(p)
}

var _ io.Writer = (*stream)(nil)

// schemaOf is the schema of a type, for documents.
func (s *server) schemaOf(v any) *huma.Schema {
	t := reflect.TypeOf(v)
	return s.huma.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
}
