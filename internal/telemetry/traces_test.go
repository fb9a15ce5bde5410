package telemetry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"orgflow/internal/config"
)

// fixed makes the same ids again and again.
type fixed struct{}

func (fixed) NewIDs(context.Context) (trace.TraceID, trace.SpanID) {
	return trace.TraceID{1}, trace.SpanID{2}
}
func (fixed) NewSpanID(context.Context, trace.TraceID) trace.SpanID { return trace.SpanID{2} }

func TestTracesThatAreOffMakeNothing(t *testing.T) {
	off, err := NewTraces(t.Context(), config.TracesOff, "orgflow-test", fixed{}, slog.New(slog.DiscardHandler))
	if err != nil || off.On() {
		t.Fatalf("on: %v, error %v", off.On(), err)
	}
	ctx, span := off.Tracer().Start(t.Context(), "x")
	if span.IsRecording() || trace.SpanContextFromContext(ctx).IsValid() {
		t.Error("there is a span")
	}
	off.Close()
}

// What has not been sent when a program ends is sent then, under the service's
// name, which OTEL_SERVICE_NAME replaces.
func TestClosingSendsWhatIsLeft(t *testing.T) {
	for name, env := range map[string]string{"orgflow-test": "", "mine": "mine"} {
		bodies := make(chan string, 8)
		collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			bodies <- r.URL.Path + " " + string(body)
		}))
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
		t.Setenv("OTEL_SERVICE_NAME", env)
		on, err := NewTraces(t.Context(), config.TracesHTTP, "orgflow-test", fixed{}, slog.New(slog.DiscardHandler))
		if err != nil || !on.On() {
			t.Fatalf("on: %v, error %v", on.On(), err)
		}
		_, span := on.Tracer().Start(t.Context(), "a name to look for")
		span.End()
		on.Close()
		collector.Close()
		close(bodies)
		if got := <-bodies; !strings.HasPrefix(got, "/v1/traces ") || !strings.Contains(got, "a name to look for") || !strings.Contains(got, name) {
			t.Errorf("the collector got %q, want service %s", got, name)
		}
	}
}

// failing is an exporter whose errors are given.
type failing struct {
	sdktrace.SpanExporter
	errs []error
}

func (f *failing) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error {
	err := f.errs[0]
	f.errs = f.errs[1:]
	return err
}

func TestACollectorThatIsAwayIsSaidOnce(t *testing.T) {
	away := errors.New("connection refused")
	var b bytes.Buffer
	e := &told{
		SpanExporter: &failing{errs: []error{nil, away, away, nil, nil, away}},
		log:          slog.New(slog.NewTextHandler(&b, nil)),
	}
	for range 6 {
		if err := e.ExportSpans(t.Context(), tracetest.SpanStubs{{}}.Snapshots()); err != nil {
			t.Errorf("the error goes on to the whole process: %v", err)
		}
	}
	var said []string
	for line := range strings.Lines(b.String()) {
		said = append(said, line[strings.Index(line, "level="):strings.Index(line, " msg=")])
	}
	if got := strings.Join(said, " "); got != "level=WARN level=INFO level=WARN" {
		t.Errorf("the log says %s:\n%s", got, b.String())
	}
}
