package temporalx

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// NewTracing returns what takes a trace through Temporal: from the call that
// starts, signals or updates a workflow, through the workflow, into its
// activities. Queries, which only look, have no spans. The tracer's ids must
// come from SpanIDs.
//
// A workflow runs for days, on several workers, and is replayed from its
// history. Its own span therefore has no length: it is sent at once, with the
// same ids and times however often the workflow is replayed, so that whatever
// the workflow starts hangs together.
func NewTracing(t trace.Tracer) (interceptor.Interceptor, error) {
	options := opentelemetry.TracerOptions{
		Tracer: t, TextMapPropagator: propagation.TraceContext{},
		DisableQueryTracing: true, DisableBaggage: true,
		AllowInvalidParentSpans: true, // a header that cannot be read costs the trace, not the run
	}
	base, err := opentelemetry.NewTracer(options)
	if err != nil {
		return nil, fmt.Errorf("traces through Temporal: %w", err)
	}
	return tracing{interceptor.NewTracingInterceptor(tracer{base, options})}, nil
}

// tracing leaves out what the SDK's interceptor should: spans of updates that
// are only replayed.
type tracing struct{ interceptor.Interceptor }

// InterceptWorkflow implements interceptor.WorkerInterceptor.
func (t tracing) InterceptWorkflow(ctx workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return tracedWorkflow{t.Interceptor.InterceptWorkflow(ctx, next), next}
}

type tracedWorkflow struct {
	interceptor.WorkflowInboundInterceptor
	untraced interceptor.WorkflowInboundInterceptor
}

// ExecuteUpdate implements interceptor.WorkflowInboundInterceptor.
func (w tracedWorkflow) ExecuteUpdate(ctx workflow.Context, in *interceptor.UpdateInput) (any, error) {
	if workflow.IsReplaying(ctx) {
		return w.untraced.ExecuteUpdate(ctx, in)
	}
	return w.WorkflowInboundInterceptor.ExecuteUpdate(ctx, in)
}

// tracer is the SDK's, with spans that say less and ids that can be found
// again.
type tracer struct {
	interceptor.Tracer
	options opentelemetry.TracerOptions
}

// StartSpan implements interceptor.Tracer.
func (t tracer) StartSpan(in *interceptor.TracerStartSpanOptions) (interceptor.TracerSpan, error) {
	options := t.options
	options.SpanStarter = func(ctx context.Context, t trace.Tracer, name string, opts ...trace.SpanStartOption) trace.Span {
		// The SDK would set these once the span has begun, or even ended.
		for _, key := range slices.Sorted(maps.Keys(in.Tags)) {
			opts = append(opts, trace.WithAttributes(attribute.String(key, in.Tags[key])))
		}
		ofWorkflow := in.Operation == "RunWorkflow"
		if ofWorkflow {
			ctx = context.WithValue(ctx, spanKey{}, in.Name+" "+in.Tags["temporalRunID"])
		}
		_, span := t.Start(ctx, name, opts...)
		if ofWorkflow {
			span.End(trace.WithTimestamp(in.Time))
		}
		return discreet{span}
	}
	one, err := opentelemetry.NewTracer(options) // a struct; its starter has to know the tags
	if err != nil {
		return nil, err
	}
	return one.StartSpan(in)
}

// GetLogger implements interceptor.Tracer: names as in all other lines.
func (t tracer) GetLogger(logger sdklog.Logger, ref interceptor.TracerSpanRef) sdklog.Logger {
	span, ok := ref.(interface{ SpanContext() trace.SpanContext })
	if !ok {
		return logger
	}
	c := span.SpanContext()
	return sdklog.With(logger, "trace_id", c.TraceID().String(), "span_id", c.SpanID().String())
}

// discreet is a span that says an error's code and not its text, which is
// what vendors and people wrote.
type discreet struct{ trace.Span }

// RecordError implements trace.Span.
func (s discreet) RecordError(err error, _ ...trace.EventOption) {
	if err != nil {
		s.SetAttributes(attribute.String("orgflow.outcome", codeOf(err)))
	}
}

// SetStatus implements trace.Span.
func (s discreet) SetStatus(code codes.Code, _ string) { s.Span.SetStatus(code, "") }

// codeOf is the type of an application's error, else the Go type.
func codeOf(err error) string {
	var app *temporal.ApplicationError
	if errors.As(err, &app) && app.Type() != "" {
		return app.Type()
	}
	return fmt.Sprintf("%T", err)
}

type spanKey struct{}

// SpanIDs makes the ids of traces and spans: random ones, and for the span of
// a workflow those that follow from its run. It is safe for concurrent use.
type SpanIDs struct{}

// NewIDs returns the ids of a span that begins a trace.
func (SpanIDs) NewIDs(ctx context.Context) (id trace.TraceID, span trace.SpanID) {
	if key, ok := ctx.Value(spanKey{}).(string); ok {
		sum := sha256.Sum256([]byte(key))
		copy(id[:], sum[8:])
		return id, SpanIDs{}.NewSpanID(ctx, id)
	}
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(id[8:], nonZero())
	return id, SpanIDs{}.NewSpanID(ctx, id)
}

// NewSpanID returns the id of a span in a trace.
func (SpanIDs) NewSpanID(ctx context.Context, _ trace.TraceID) (id trace.SpanID) {
	if key, ok := ctx.Value(spanKey{}).(string); ok {
		sum := sha256.Sum256([]byte(key))
		copy(id[:], sum[:8])
		return id
	}
	binary.NativeEndian.PutUint64(id[:], nonZero())
	return id
}

// nonZero is random; ids of zeros stand for none.
func nonZero() uint64 { return 1 + rand.Uint64N(math.MaxUint64) }
