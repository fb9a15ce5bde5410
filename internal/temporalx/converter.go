package temporalx

import (
	"context"
	"errors"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"
)

// dataConverter is the converter of PayloadKeys.
type dataConverter struct {
	converter.DataConverter
	inWorkflow bool
}

var _ workflow.ContextAware = dataConverter{}

// clearText is a text that is never encrypted, because what it stands in
// outlives every key: the memo of a schedule cannot be written again.
type clearText string

// WithWorkflowContext implements workflow.ContextAware.
func (d dataConverter) WithWorkflowContext(workflow.Context) converter.DataConverter {
	return dataConverter{DataConverter: d.DataConverter, inWorkflow: true}
}

// WithContext implements workflow.ContextAware.
func (d dataConverter) WithContext(context.Context) converter.DataConverter { return d }

// ToPayload implements converter.DataConverter.
func (d dataConverter) ToPayload(value any) (*commonpb.Payload, error) {
	if text, ok := value.(clearText); ok {
		return converter.GetDefaultDataConverter().ToPayload(string(text))
	}
	return d.DataConverter.ToPayload(value)
}

// FromPayload implements converter.DataConverter.
func (d dataConverter) FromPayload(payload *commonpb.Payload, into any) error {
	return d.block(d.DataConverter.FromPayload(payload, into))
}

// FromPayloads implements converter.DataConverter.
func (d dataConverter) FromPayloads(payloads *commonpb.Payloads, into ...any) error {
	return d.block(d.DataConverter.FromPayloads(payloads, into...))
}

// block keeps a workflow from going on without a key, see DataConverter.
func (d dataConverter) block(err error) error {
	if unknown, ok := errors.AsType[*UnknownKeyError](err); ok && d.inWorkflow {
		panic(unknown)
	}
	return err
}
