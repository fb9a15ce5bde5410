package embedded

import (
	"context"
	"errors"
	"fmt"

	namespacepb "go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"

	"orgflow/internal/temporalx"
)

// prepareNamespace makes the namespace look as configured. It runs at every
// start, because neither retention nor search attributes of an existing
// namespace follow the code by themselves (Temporal reference § 12.4 nos. 6,
// 7). Repeating it changes nothing.
func prepareNamespace(ctx context.Context, cl client.Client, cfg Config) error {
	if err := ensureNamespace(ctx, cl, cfg); err != nil {
		return err
	}
	return temporalx.EnsureSearchAttributes(ctx, cl, cfg.Namespace, cfg.SearchAttributes)
}

func ensureNamespace(ctx context.Context, cl client.Client, cfg Config) error {
	service := cl.WorkflowService()
	_, err := service.RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace:                        cfg.Namespace,
		WorkflowExecutionRetentionPeriod: durationpb.New(cfg.Retention),
	})
	var exists *serviceerror.NamespaceAlreadyExists
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("register namespace %s: %w", cfg.Namespace, err)
	}
	found, err := service.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: cfg.Namespace})
	if err != nil {
		return fmt.Errorf("describe namespace %s: %w", cfg.Namespace, err)
	}
	if found.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration() == cfg.Retention {
		return nil
	}
	_, err = service.UpdateNamespace(ctx, &workflowservice.UpdateNamespaceRequest{
		Namespace: cfg.Namespace,
		Config:    &namespacepb.NamespaceConfig{WorkflowExecutionRetentionTtl: durationpb.New(cfg.Retention)},
	})
	if err != nil {
		return fmt.Errorf("set retention of namespace %s: %w", cfg.Namespace, err)
	}
	return nil
}
