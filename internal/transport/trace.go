package transport

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"orgflow/internal/trail"
)

// Trace makes a span of each call that belongs to a trace. It says which
// vendor, host and operation was called, for which run and record, and how
// that ended, as a status and a code. Query strings, headers, bodies and
// vendors' texts are left out: they carry tokens and people. Vendors are not
// told of the trace.
func Trace(vendor string) Layer {
	return func(next http.RoundTripper) http.RoundTripper {
		return Func(func(req *http.Request) (*http.Response, error) {
			call := callOf(req)
			req, span := StartSpan(req, vendor, call.path(req))
			res, err := next.RoundTrip(req)
			status := 0
			if res != nil {
				status = res.StatusCode
			}
			span.End(status, outcome(call, err))
			return res, err
		})
	}
}

// CallSpan is the span of a call, or of none where the call has no trace.
type CallSpan struct{ span trace.Span }

// StartSpan begins the span of a call, for clients that have no Link: the
// request to be sent carries it. The operation must come from a small set.
// What makes the span is what made the one around it; without one that is
// recorded nothing is made.
func StartSpan(req *http.Request, vendor, operation string) (*http.Request, CallSpan) {
	ctx := req.Context()
	around := trace.SpanFromContext(ctx)
	if !around.IsRecording() {
		return req, CallSpan{}
	}
	ctx, span := around.TracerProvider().Tracer("orgflow").Start(ctx, vendor+" "+operation, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(trail.Span(trail.Attrs(ctx))...), trace.WithAttributes(
			attribute.String("orgflow.vendor", vendor),
			attribute.String("http.request.method", req.Method),
			attribute.String("server.address", req.URL.Host),
			attribute.String("url.template", operation),
		))
	return req.WithContext(ctx), CallSpan{span}
}

// End ends the span. status is that of the answer, 0 for none; outcome is
// "ok", a vendor code, or an orgflow code, as for Observer.
func (s CallSpan) End(status int, outcome string) {
	if s.span == nil {
		return
	}
	if status != 0 {
		s.span.SetAttributes(attribute.Int("http.response.status_code", status))
	}
	s.span.SetAttributes(attribute.String("orgflow.outcome", outcome))
	if outcome != succeeded {
		s.span.SetStatus(codes.Error, outcome)
	}
	s.span.End()
}
