package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orgflow/internal/temporalx"
	"orgflow/workflows"
)

// Traces may be switched on while workflows run: recorded histories replay
// with them, and nothing that is only replayed has a span, but for the
// workflow's own, which is the same each time.
func TestHistoriesReplayWithTraces(t *testing.T) {
	fixtures, err := filepath.Glob("../../workflows/testdata/replay/*.json")
	if err != nil || len(fixtures) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	memory := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(memory), sdktrace.WithIDGenerator(temporalx.SpanIDs{}))
	tracing, err := temporalx.NewTracing(provider.Tracer("test"))
	if err != nil {
		t.Fatal(err)
	}
	updates := false
	for _, file := range fixtures {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		updates = updates || strings.Contains(string(raw), "workflowExecutionUpdateAccepted")
		if err := replayTraced(string(raw), tracing); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
	}
	if !updates {
		t.Fatal("no history has an update; this test shows nothing of them")
	}
	spans := memory.GetSpans()
	if len(spans) == 0 {
		t.Error("no spans at all")
	}
	for _, s := range spans {
		if !strings.HasPrefix(s.Name, "RunWorkflow:") {
			t.Errorf("a span %s of a replay", s.Name)
		}
	}
}

func replayTraced(history string, tracing interceptor.WorkerInterceptor) error {
	r, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{Interceptors: []interceptor.WorkerInterceptor{tracing}})
	if err != nil {
		return err
	}
	workflows.Register(r)
	h, err := client.HistoryFromJSON(strings.NewReader(history), client.HistoryJSONOptions{})
	if err != nil {
		return err
	}
	id := h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowId()
	return r.ReplayWorkflowHistoryWithOptions(nil, h, worker.ReplayWorkflowHistoryOptions{OriginalExecution: workflow.Execution{ID: id}})
}
