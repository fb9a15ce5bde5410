// Package temporalx is the one place where Temporal clients are built, so
// that every process uses the same payload encryption, identity and logging
// (Temporal reference §§ 3, 11), and where schedules declared in files are
// reconciled with those in the service (§ 6).
package temporalx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
)

// Config says how to reach a Temporal service.
type Config struct {
	// Addr is the frontend's host:port.
	Addr string
	// Namespace must exist.
	Namespace string
	// APIKey gives the key for a service that wants one, asked for with
	// every call so that it can be rotated; nil means none. It is only sent
	// over TLS: setting it enables TLS.
	APIKey func() (string, error)
	// TLS of the connection.
	TLS TLS
	// PayloadKeys encrypt what the process exchanges with the service; nil
	// means no encryption.
	PayloadKeys *PayloadKeys
	// Identity is what the Web UI shows beside the process's work; empty
	// means "orgflow". Host and process id are added.
	Identity string
	// Interceptors, if any, see every call; for tracing.
	Interceptors []interceptor.ClientInterceptor
	// Metrics receives the SDK's metrics; nil means none.
	Metrics client.MetricsHandler
}

// Dial connects to the service and checks that it answers and knows the
// namespace. Its error is one line that names the setting to change. The
// caller closes the client after the last worker using it has stopped.
func Dial(ctx context.Context, cfg Config, logger *slog.Logger) (client.Client, error) {
	options, err := clientOptions(cfg, logger)
	if err != nil {
		return nil, err
	}
	cl, err := client.DialContext(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("cannot reach Temporal at %s (%w): start it or set ORGFLOW_TEMPORAL_ADDR", cfg.Addr, oneLine(err))
	}
	_, err = cl.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: cfg.Namespace})
	var missing *serviceerror.NamespaceNotFound
	// Other errors are passed over: an API key may be good for work in the
	// namespace and not for describing it.
	if errors.As(err, &missing) {
		cl.Close()
		return nil, fmt.Errorf("the Temporal at %s has no namespace %q: create it or set ORGFLOW_TEMPORAL_NAMESPACE", cfg.Addr, cfg.Namespace)
	}
	return cl, nil
}

func clientOptions(cfg Config, logger *slog.Logger) (client.Options, error) {
	dataConverter := cfg.PayloadKeys.DataConverter()
	options := client.Options{
		HostPort:       cfg.Addr,
		Namespace:      cfg.Namespace,
		Logger:         sdklog.NewStructuredLogger(logger),
		MetricsHandler: cfg.Metrics,
		Identity:       identity(cfg.Identity),
		DataConverter:  dataConverter,
		FailureConverter: temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
			DataConverter: dataConverter,
			// Else messages and stacks would stay readable.
			EncodeCommonAttributes: len(cfg.PayloadKeys.IDs()) > 0,
		}),
		Interceptors: cfg.Interceptors,
	}
	if cfg.TLS.Enabled || cfg.APIKey != nil {
		config, err := cfg.TLS.config()
		if err != nil {
			return client.Options{}, err
		}
		options.ConnectionOptions.TLS = config
	}
	if cfg.APIKey != nil {
		options.Credentials = client.NewAPIKeyDynamicCredentials(func(context.Context) (string, error) { return cfg.APIKey() })
	}
	return options, nil
}

func identity(name string) string {
	if name == "" {
		name = "orgflow"
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("%s %d@%s", name, os.Getpid(), host)
}

// lineError shows an error in one line and still unwraps to it.
type lineError struct{ error }

func (e lineError) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }
func (e lineError) Unwrap() error { return e.error }

func oneLine(err error) error { return lineError{err} }
