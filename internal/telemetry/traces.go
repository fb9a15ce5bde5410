package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"orgflow/internal/config"
	"orgflow/internal/version"
)

// flushTime bounds how long the end of a program waits for a collector.
const flushTime = 5 * time.Second

// Traces makes spans and sends them to a collector. The zero value makes none.
type Traces struct{ provider *sdktrace.TracerProvider }

// NewTraces prepares the sending of spans in the name of a service. Where to,
// which share of the traces, another name: that OpenTelemetry reads from the
// variables OTEL_*. It connects when there is something to send; a collector
// that is away costs spans and lines of the log, nothing else.
func NewTraces(ctx context.Context, protocol config.TraceProtocol, service string, ids sdktrace.IDGenerator, log *slog.Logger) (Traces, error) {
	if protocol == config.TracesOff {
		return Traces{}, nil
	}
	client := otlptracehttp.NewClient()
	if protocol == config.TracesGRPC {
		client = otlptracegrpc.NewClient()
	}
	exporter, err := otlptrace.New(ctx, client)
	if err != nil {
		return Traces{}, fmt.Errorf("prepare the sending of traces: %w: check the variables OTEL_EXPORTER_OTLP_*", err)
	}
	named, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(
			attribute.String("service.name", service), attribute.String("service.version", version.Number()),
		), resource.WithFromEnv())
	if err != nil {
		return Traces{}, fmt.Errorf("read OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return Traces{sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(&told{SpanExporter: exporter, log: log}),
		sdktrace.WithIDGenerator(ids), sdktrace.WithResource(named),
	)}, nil
}

// On tells whether spans are made.
func (t Traces) On() bool { return t.provider != nil }

// Tracer makes spans.
func (t Traces) Tracer() trace.Tracer {
	if t.provider == nil {
		return noop.Tracer{}
	}
	return t.provider.Tracer("orgflow")
}

// Close sends what has not been sent, for 5 seconds at most, and ends.
func (t Traces) Close() {
	if t.provider == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // the log has been told why it failed
}

// told is an exporter that says in the log when it begins to fail, and when it
// sends again. OpenTelemetry would tell a handler that the whole process
// shares.
type told struct {
	sdktrace.SpanExporter
	log     *slog.Logger
	failing atomic.Bool
}

// ExportSpans implements sdktrace.SpanExporter.
func (e *told) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	switch before := e.failing.Swap(err != nil); {
	case err != nil && !before:
		e.log.WarnContext(ctx, "traces cannot be sent; spans are lost until they can", "error", err)
	case err == nil && before:
		e.log.InfoContext(ctx, "traces are sent again")
	}
	return nil
}
