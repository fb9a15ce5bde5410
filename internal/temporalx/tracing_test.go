package temporalx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orgflow/internal/trail"
)

// load is the argument of the activity, whose people nobody must see.
type load struct{ ID, Name string }

func aboutLoad(argument any) []slog.Attr {
	if l, ok := argument.(load); ok && l.ID != "" {
		return []slog.Attr{slog.String("load_id", l.ID)}
	}
	return nil
}

// hall is a workflow of one activity, the spans that came of it, and its log.
type hall struct {
	*testsuite.TestWorkflowEnvironment
	spans *tracetest.InMemoryExporter
	log   bytes.Buffer
}

func newHall(t *testing.T, act func(context.Context) error) *hall {
	t.Helper()
	h := &hall{spans: tracetest.NewInMemoryExporter()}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(h.spans), sdktrace.WithIDGenerator(SpanIDs{}))
	tracing, err := NewTracing(provider.Tracer("test"))
	if err != nil {
		t.Fatal(err)
	}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.NewTextHandler(&h.log, nil))))
	h.TestWorkflowEnvironment = suite.NewTestWorkflowEnvironment()
	h.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{tracing, NewSubject(aboutLoad)}})
	h.RegisterActivityWithOptions(func(ctx context.Context, _ load) error { return act(ctx) }, activity.RegisterOptions{Name: "Act"})
	return h
}

func (h *hall) run(l load) error {
	h.ExecuteWorkflow(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: 1e9, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
		})
		return workflow.ExecuteActivity(ctx, "Act", l).Get(ctx, nil)
	})
	return h.GetWorkflowError()
}

func (h *hall) named(t *testing.T, prefix string) tracetest.SpanStub {
	t.Helper()
	for _, s := range h.spans.GetSpans() {
		if strings.HasPrefix(s.Name, prefix) {
			return s
		}
	}
	t.Fatalf("no span %s among %d", prefix, len(h.spans.GetSpans()))
	return tracetest.SpanStub{}
}

const parentTrace, parentSpan = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

// from puts into the workflow's header what a client in a trace puts there.
func (h *hall) from(t *testing.T) {
	t.Helper()
	data, err := converter.GetDefaultDataConverter().ToPayload(map[string]string{"traceparent": "00-" + parentTrace + "-" + parentSpan + "-01"})
	if err != nil {
		t.Fatal(err)
	}
	h.SetHeader(&commonpb.Header{Fields: map[string]*commonpb.Payload{"_tracer-data": data}})
}

// begin, workflow, activity and what the activity does are one trace.
func TestATraceGoesThroughAWorkflowIntoItsActivities(t *testing.T) {
	var inside trace.SpanContext
	h := newHall(t, func(ctx context.Context) error {
		inside = trace.SpanContextFromContext(ctx)
		return nil
	})
	h.from(t)
	if err := h.run(load{ID: "load-1", Name: "nobody"}); err != nil {
		t.Fatal(err)
	}
	flow, began, ran := h.named(t, "RunWorkflow:"), h.named(t, "StartActivity:Act"), h.named(t, "RunActivity:Act")
	for i, link := range []struct{ child, parent string }{
		{flow.Parent.SpanID().String(), parentSpan},
		{began.Parent.SpanID().String(), flow.SpanContext.SpanID().String()},
		{ran.Parent.SpanID().String(), began.SpanContext.SpanID().String()},
		{inside.SpanID().String(), ran.SpanContext.SpanID().String()},
		{inside.TraceID().String(), parentTrace},
	} {
		if link.child != link.parent {
			t.Errorf("link %d is broken: %s, want %s", i, link.child, link.parent)
		}
	}
	if text := fmt.Sprint(h.spans.GetSpans()); !strings.Contains(text, "load-1") || strings.Contains(text, "nobody") {
		t.Errorf("spans show the wrong things: %s", text)
	}
}

// A replay, on whatever worker, makes the same span of the workflow again, to
// the byte; what it starts is new.
func TestAReplayedWorkflowHasTheSpanItHad(t *testing.T) {
	for name, prepare := range map[string]func(*hall){
		"started in a trace":  func(h *hall) { h.from(t) },
		"started by schedule": func(*hall) {},
	} {
		var flows, acts [2]tracetest.SpanStub
		for i := range 2 {
			h := newHall(t, func(context.Context) error { return nil })
			h.SetStartTime(time.Unix(1_700_000_000, 0))
			prepare(h)
			if err := h.run(load{}); err != nil {
				t.Fatal(err)
			}
			flows[i], acts[i] = h.named(t, "RunWorkflow:"), h.named(t, "RunActivity:")
		}
		a, b := flows[0], flows[1]
		if !a.SpanContext.Equal(b.SpanContext) || !a.StartTime.Equal(b.StartTime) || !a.EndTime.Equal(b.EndTime) || !a.SpanContext.IsValid() {
			t.Errorf("%s: first %v %v–%v, then %v %v–%v", name, a.SpanContext, a.StartTime, a.EndTime, b.SpanContext, b.StartTime, b.EndTime)
		}
		if acts[0].SpanContext.SpanID() == acts[1].SpanContext.SpanID() {
			t.Errorf("%s: two activities have the span %s", name, acts[0].SpanContext.SpanID())
		}
	}
}

func TestSpansSayAnErrorsCodeAndNotItsText(t *testing.T) {
	for want, err := range map[string]error{
		"not_found":           temporal.NewApplicationError("secret", "not_found", "secret"),
		"*errors.errorString": errors.New("secret"),
	} {
		h := newHall(t, func(context.Context) error { return err })
		if h.run(load{Name: "secret"}) == nil {
			t.Fatal("the workflow did not fail")
		}
		span := h.named(t, "RunActivity:Act")
		if text := fmt.Sprint(h.spans.GetSpans()); strings.Contains(text, "secret") {
			t.Errorf("spans show the text: %s", text)
		}
		if span.Status.Code != codes.Error || !strings.Contains(fmt.Sprint(span.Attributes), want) {
			t.Errorf("%v and %v, want the code %s", span.Status, span.Attributes, want)
		}
	}
}

func TestLinesOfAnActivitySayWhatItIsAbout(t *testing.T) {
	for want, l := range map[string]load{
		"load_id=load-1 activity=Act":                       {ID: "load-1"},
		"workflow_id=default-test-workflow-id activity=Act": {},
	} {
		var inside string
		h := newHall(t, func(ctx context.Context) error {
			for _, a := range trail.Attrs(ctx) {
				inside += " " + a.String()
			}
			activity.GetLogger(ctx).Info("line")
			return nil
		})
		h.from(t)
		if err := h.run(l); err != nil {
			t.Fatal(err)
		}
		if inside != " "+want {
			t.Errorf("the context is about%s, want %s", inside, want)
		}
		if line := h.log.String(); !strings.Contains(line, want) || !strings.Contains(line, "trace_id="+parentTrace) {
			t.Errorf("the line lacks %s or its trace: %s", want, line)
		}
	}
}

func TestSpanIDsAreNeverZeroAndDiffer(t *testing.T) {
	seen := map[trace.SpanID]bool{}
	for range 1000 {
		id, span := SpanIDs{}.NewIDs(t.Context())
		if !id.IsValid() || !span.IsValid() || seen[span] {
			t.Fatalf("ids %s %s", id, span)
		}
		seen[span] = true
	}
}
