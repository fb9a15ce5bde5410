package temporalx

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// pollInterval is the pause between two looks at something that becomes true
// by itself.
const pollInterval = 50 * time.Millisecond

// attributesTimeout bounds the registration of search attributes.
const attributesTimeout = time.Minute

// EnsureSearchAttributes registers the names as keywords in the namespace
// and returns when queries accept them. Repeating it changes nothing. It
// fails when one exists with another type, or when the connection lacks the
// right to add them. The service caches namespaces for some seconds (Temporal
// reference § 12.4 no. 8), so the first call can take as long.
func EnsureSearchAttributes(ctx context.Context, cl client.Client, namespace string, names []string) error {
	if len(names) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, attributesTimeout)
	defer cancel()
	missing, err := missingAttributes(ctx, cl, namespace, names)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		_, err = cl.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
			Namespace: namespace, SearchAttributes: missing,
		})
		// Another process may have been faster.
		var exists *serviceerror.AlreadyExists
		if err != nil && !errors.As(err, &exists) {
			return fmt.Errorf("add search attributes to namespace %s: %w", namespace, err)
		}
	}
	return awaitAttributes(ctx, cl, namespace, names)
}

// MissingSearchAttributes returns which of the names the namespace does not
// have, and changes nothing. One of another type than Keyword is an error.
func MissingSearchAttributes(ctx context.Context, cl client.Client, namespace string, names []string) ([]string, error) {
	missing, err := missingAttributes(ctx, cl, namespace, names)
	return slices.Sorted(maps.Keys(missing)), err
}

func missingAttributes(ctx context.Context, cl client.Client, namespace string, names []string) (map[string]enumspb.IndexedValueType, error) {
	listed, err := cl.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return nil, fmt.Errorf("list search attributes of namespace %s: %w", namespace, err)
	}
	missing := make(map[string]enumspb.IndexedValueType)
	for _, name := range names {
		kind, found := listed.GetCustomAttributes()[name]
		switch {
		case !found:
			missing[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
		case kind != enumspb.INDEXED_VALUE_TYPE_KEYWORD:
			return nil, fmt.Errorf("search attribute %s exists with type %s, Keyword is needed: remove it from namespace %s", name, kind, namespace)
		}
	}
	return missing, nil
}

// awaitAttributes waits until a query with all names is accepted: a workflow
// started with an attribute the service does not know yet would be refused.
func awaitAttributes(ctx context.Context, cl client.Client, namespace string, names []string) error {
	terms := make([]string, len(names))
	for i, name := range names {
		terms[i] = name + ` = "-"`
	}
	query := &workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace, Query: strings.Join(terms, " AND ")}
	return Poll(ctx, func() (bool, error) {
		_, err := cl.WorkflowService().CountWorkflowExecutions(ctx, query)
		var unknown *serviceerror.InvalidArgument
		var missing *serviceerror.NamespaceNotFound
		if errors.As(err, &unknown) || errors.As(err, &missing) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("query search attributes of namespace %s: %w", namespace, err)
		}
		return true, nil
	})
}

// Poll calls done until it answers true or fails, or ctx ends.
func Poll(ctx context.Context, done func() (bool, error)) error {
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
