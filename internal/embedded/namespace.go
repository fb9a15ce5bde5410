package embedded

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	namespacepb "go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"
)

// pollInterval is the pause between two looks at something that becomes true
// by itself.
const pollInterval = 50 * time.Millisecond

// prepareNamespace makes the namespace look as configured. It runs at every
// start, because neither retention nor search attributes of an existing
// namespace follow the code by themselves (Temporal reference § 12.4 nos. 6,
// 7). Repeating it changes nothing.
func prepareNamespace(ctx context.Context, cl client.Client, cfg Config) error {
	if err := ensureNamespace(ctx, cl, cfg); err != nil {
		return err
	}
	return ensureAttributes(ctx, cl, cfg)
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

func ensureAttributes(ctx context.Context, cl client.Client, cfg Config) error {
	if len(cfg.SearchAttributes) == 0 {
		return nil
	}
	want := make(map[string]enumspb.IndexedValueType, len(cfg.SearchAttributes))
	for _, name := range cfg.SearchAttributes {
		want[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	}
	listed, err := cl.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: cfg.Namespace})
	if err != nil {
		return fmt.Errorf("list search attributes of namespace %s: %w", cfg.Namespace, err)
	}
	for name, kind := range listed.GetCustomAttributes() {
		if _, ours := want[name]; !ours {
			continue
		}
		if kind != enumspb.INDEXED_VALUE_TYPE_KEYWORD {
			return fmt.Errorf("search attribute %s exists with type %s, Keyword is needed: remove it from namespace %s", name, kind, cfg.Namespace)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		_, err = cl.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
			Namespace: cfg.Namespace, SearchAttributes: want,
		})
		if err != nil {
			return fmt.Errorf("add search attributes to namespace %s: %w", cfg.Namespace, err)
		}
	}
	return awaitAttributes(ctx, cl, cfg)
}

// awaitAttributes waits until the frontend accepts the attributes: it caches
// namespaces for about two seconds (Temporal reference § 12.4 no. 8), and a
// workflow started with an attribute it does not know yet is refused.
func awaitAttributes(ctx context.Context, cl client.Client, cfg Config) error {
	terms := make([]string, len(cfg.SearchAttributes))
	for i, name := range cfg.SearchAttributes {
		terms[i] = name + ` = "-"`
	}
	query := &workflowservice.CountWorkflowExecutionsRequest{Namespace: cfg.Namespace, Query: strings.Join(terms, " AND ")}
	return poll(ctx, func() (bool, error) {
		_, err := cl.WorkflowService().CountWorkflowExecutions(ctx, query)
		var unknown *serviceerror.InvalidArgument
		var missing *serviceerror.NamespaceNotFound
		if errors.As(err, &unknown) || errors.As(err, &missing) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("query search attributes of namespace %s: %w", cfg.Namespace, err)
		}
		return true, nil
	})
}

// poll calls done until it answers true or fails, or ctx ends.
func poll(ctx context.Context, done func() (bool, error)) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
