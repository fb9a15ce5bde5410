package temporalx

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
)

// Retention returns how long the namespace keeps workflows that have ended.
func Retention(ctx context.Context, cl client.Client, namespace string) (time.Duration, error) {
	found, err := cl.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	if err != nil {
		return 0, fmt.Errorf("describe namespace %s: %w", namespace, oneLine(err))
	}
	return found.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(), nil
}

// Poller is a process that asked for work of a task queue.
type Poller struct {
	Identity string
	Seen     time.Time // when it last asked, by the service's clock
}

// Pollers returns who asked for workflow tasks and who for activity tasks of
// a task queue in the last minutes. Who asks for both is there twice.
func Pollers(ctx context.Context, cl client.Client, queue string) ([]Poller, error) {
	var out []Poller
	for _, kind := range []enumspb.TaskQueueType{enumspb.TASK_QUEUE_TYPE_WORKFLOW, enumspb.TASK_QUEUE_TYPE_ACTIVITY} {
		found, err := cl.DescribeTaskQueue(ctx, queue, kind)
		if err != nil {
			return nil, fmt.Errorf("describe task queue %s: %w", queue, oneLine(err))
		}
		for _, p := range found.GetPollers() {
			out = append(out, Poller{Identity: p.GetIdentity(), Seen: p.GetLastAccessTime().AsTime()})
		}
	}
	return out, nil
}

// Sample tells what a program with the converter makes of the newest
// workflows' inputs.
type Sample struct {
	Looked     int
	Unreadable int
	Plain      int   // not encrypted
	Cause      error // of the first that cannot be read; shows no key
}

// sampleSize is how many workflows a sample looks at.
const sampleSize = 5

// SampleInputs reads the inputs of the newest workflows and forgets them.
func SampleInputs(ctx context.Context, cl client.Client, namespace string, dc converter.DataConverter) (Sample, error) {
	var s Sample
	newest, err := cl.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: namespace, PageSize: sampleSize})
	if err != nil {
		return s, fmt.Errorf("list workflows of namespace %s: %w", namespace, oneLine(err))
	}
	for _, w := range newest.GetExecutions() {
		history, err := cl.WorkflowService().GetWorkflowExecutionHistory(ctx, &workflowservice.GetWorkflowExecutionHistoryRequest{
			Namespace: namespace, Execution: w.GetExecution(), MaximumPageSize: 1,
		})
		if err != nil {
			return s, fmt.Errorf("read the history of workflow %s: %w", w.GetExecution().GetWorkflowId(), oneLine(err))
		}
		for _, event := range history.GetHistory().GetEvents() {
			s.look(dc, event.GetWorkflowExecutionStartedEventAttributes().GetInput().GetPayloads())
		}
	}
	return s, nil
}

// look judges the payloads of one workflow.
func (s *Sample) look(dc converter.DataConverter, payloads []*commonpb.Payload) {
	s.Looked++
	for _, p := range payloads {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != encodingEncrypted {
			s.Plain++
			return
		}
		var raw json.RawMessage
		if err := dc.FromPayload(p, &raw); err != nil {
			s.Unreadable++
			if s.Cause == nil {
				s.Cause = err
			}
			return
		}
	}
}
