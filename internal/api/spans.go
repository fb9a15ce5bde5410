package api

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	oteltrace "go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"orgflow/internal/trail"
)

// startSpan begins the span of a request, in the caller's trace if it names
// one (traceparent). Probes have none.
func (s *server) startSpan(ctx context.Context, r *http.Request) (context.Context, oteltrace.Span) {
	switch r.URL.Path {
	case "/healthz", "/readyz", "/metrics":
		return ctx, noop.Span{}
	}
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	return s.Tracer.Start(ctx, "HTTP", oteltrace.WithSpanKind(oteltrace.SpanKindServer),
		oteltrace.WithAttributes(trail.Span(trail.Attrs(ctx))...))
}

// endSpan names the span by its route, never by path or query: these hold
// numbers of people, and what they look for.
func endSpan(span oteltrace.Span, method, route string, status int) {
	method, route = known(method, route)
	span.SetName(method + " " + route)
	span.SetAttributes(
		attribute.String("http.request.method", method),
		attribute.String("http.route", route),
		attribute.Int("http.response.status_code", status),
	)
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}
