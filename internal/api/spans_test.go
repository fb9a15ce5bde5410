package api

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"orgflow/internal/telemetry"
)

// A request's span is named by its route and continues the caller's trace;
// who is asked for, and with which key, is not in it.
func TestASpanForEachRequest(t *testing.T) {
	memory := tracetest.NewInMemoryExporter()
	w := newWorld()
	d := w.deps()
	d.Tracer = sdktrace.NewTracerProvider(sdktrace.WithSyncer(memory)).Tracer("test")
	d.Logger = slog.New(telemetry.NewHandler(d.Logger.Handler(), telemetry.NewRedactor()))
	h := New(d)
	ask := func(method, target string) tracetest.SpanStub {
		t.Helper()
		memory.Reset()
		r := httptest.NewRequest(method, "http://127.0.0.1:8080"+target, nil)
		r.Header.Set("X-API-Key", "secret-key")
		r.Header.Set("X-Request-Id", "request-1")
		r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		h.ServeHTTP(httptest.NewRecorder(), r)
		spans := memory.GetSpans()
		if len(spans) != 1 {
			t.Fatalf("%s %s: %d spans", method, target, len(spans))
		}
		return spans[0]
	}
	for target, want := range map[string]string{
		"/api/v1/org/members?query=secret":      "GET /api/v1/org/members",
		"/api/v1/sync-runs/secret-run":          "GET /api/v1/sync-runs/{id}",
		"/secret/admin.php?access_token=secret": "any none",
		"/static/secret.css":                    "any none",
	} {
		span := ask("GET", target)
		if span.Name != want || span.Parent.SpanID().String() != "b7ad6b7169203331" || span.SpanContext.TraceID().String() != "0af7651916cd43dd8448eb211c80319c" {
			t.Errorf("%s: span %q under %s", target, span.Name, span.Parent.SpanID())
		}
		if said := fmt.Sprint(span.Attributes, span.Events, span.Status); strings.Contains(said, "secret") || !strings.Contains(said, "request-1") {
			t.Errorf("%s: the span says %s", target, said)
		}
	}
	if !strings.Contains(w.logs.String(), "0af7651916cd43dd8448eb211c80319c") {
		t.Errorf("the log does not name the trace: %s", w.logs.String())
	}
	memory.Reset()
	for _, probe := range []string{"/healthz", "/readyz", "/metrics"} {
		call(h, "GET", probe, "")
	}
	if spans := memory.GetSpans(); len(spans) != 0 {
		t.Errorf("probes have spans: %v", spans)
	}
}

func TestASpanSaysThatARequestFailed(t *testing.T) {
	memory := tracetest.NewInMemoryExporter()
	span := func(status int) tracetest.SpanStub {
		memory.Reset()
		_, s := sdktrace.NewTracerProvider(sdktrace.WithSyncer(memory)).Tracer("test").Start(t.Context(), "HTTP")
		endSpan(s, "GET", "/x", status)
		return memory.GetSpans()[0]
	}
	for status, want := range map[int]codes.Code{200: codes.Unset, 404: codes.Unset, 500: codes.Error, 503: codes.Error} {
		if got := span(status); got.Status.Code != want || !strings.Contains(fmt.Sprint(got.Attributes), fmt.Sprint(status)) {
			t.Errorf("%d: %v %v", status, got.Status, got.Attributes)
		}
	}
}
