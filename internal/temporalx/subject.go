package temporalx

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"

	"orgflow/internal/trail"
)

// About says what an activity with this argument is about: run, flow, load.
type About func(argument any) []slog.Attr

// NewSubject returns what puts the subject of activities into their context,
// for the lines and spans that come of it. It knows an activity's workflow
// where the arguments tell nothing.
func NewSubject(about About) interceptor.Interceptor { return &subject{about: about} }

type subject struct {
	interceptor.InterceptorBase
	about About
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (s *subject) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	in := &subjectOfActivity{about: s.about}
	in.Next = next
	return in
}

type subjectOfActivity struct {
	interceptor.ActivityInboundInterceptorBase
	about About
}

// Init implements interceptor.ActivityInboundInterceptor.
func (s *subjectOfActivity) Init(outbound interceptor.ActivityOutboundInterceptor) error {
	out := &subjectOfLines{}
	out.Next = outbound
	return s.Next.Init(out)
}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor.
func (s *subjectOfActivity) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	var attrs []slog.Attr
	for _, arg := range in.Args {
		attrs = append(attrs, s.about(arg)...)
	}
	info := activity.GetInfo(ctx)
	if len(attrs) == 0 {
		attrs = []slog.Attr{slog.String("workflow_id", info.WorkflowExecution.ID)}
	}
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.SetAttributes(trail.Span(attrs)...)
	}
	return s.Next.ExecuteActivity(trail.With(ctx, append(attrs, slog.String("activity", info.ActivityType.Name))...), in)
}

type subjectOfLines struct {
	interceptor.ActivityOutboundInterceptorBase
}

// GetLogger implements interceptor.ActivityOutboundInterceptor: the SDK's
// logger knows no context.
func (s *subjectOfLines) GetLogger(ctx context.Context) sdklog.Logger {
	var pairs []any
	for _, a := range trail.Attrs(ctx) {
		pairs = append(pairs, a.Key, a.Value.String())
	}
	return sdklog.With(s.Next.GetLogger(ctx), pairs...)
}
