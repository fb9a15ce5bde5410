// Package temporalx is the one place where Temporal clients are built, so
// that every process uses the same payload encryption, identity and logging
// (Temporal reference §§ 3, 11), and where schedules declared in files are
// reconciled with those in the service (§ 6).
package temporalx

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
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
	// APIKey authenticates against a service that wants one. It is only
	// sent over TLS: setting it enables TLS.
	APIKey string
	// TLS of the connection.
	TLS TLS
	// PayloadKey is a base64 encoded 32-byte key. When set, everything that
	// workflows and activities exchange is encrypted before it leaves the
	// process. Switching it on or changing it later leaves histories that
	// the new setting cannot read.
	PayloadKey string
	// Identity is what the Web UI shows beside the process's work; empty
	// means "orgflow". Host and process id are added.
	Identity string
	// Interceptors, if any, see every call; for tracing.
	Interceptors []interceptor.ClientInterceptor
	// Metrics receives the SDK's metrics; nil means none.
	Metrics client.MetricsHandler
}

// TLS describes an encrypted connection.
type TLS struct {
	// Enabled turns TLS on with the system's authorities.
	Enabled bool
	// CertFile and KeyFile hold the client certificate, both or neither.
	CertFile, KeyFile string
	// CAFile replaces the system's authorities.
	CAFile string
	// ServerName overrides the name expected in the server's certificate.
	ServerName string
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
	dataConverter, err := DataConverter(cfg.PayloadKey)
	if err != nil {
		return client.Options{}, err
	}
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
			EncodeCommonAttributes: cfg.PayloadKey != "",
		}),
		Interceptors: cfg.Interceptors,
	}
	if cfg.TLS.Enabled || cfg.APIKey != "" {
		if options.ConnectionOptions.TLS, err = cfg.TLS.config(); err != nil {
			return client.Options{}, err
		}
	}
	if cfg.APIKey != "" {
		options.Credentials = client.NewAPIKeyStaticCredentials(cfg.APIKey)
	}
	return options, nil
}

// DataConverter returns the converter that Dial uses for this payload key,
// for code that has to read raw payloads. An empty key means no encryption.
func DataConverter(payloadKey string) (converter.DataConverter, error) {
	if payloadKey == "" {
		return converter.GetDefaultDataConverter(), nil
	}
	codec, err := newCodec(payloadKey)
	if err != nil {
		return nil, err
	}
	return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), codec), nil
}

func (t TLS) config() (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if (t.CertFile == "") != (t.KeyFile == "") {
		return nil, errors.New("a client certificate needs both ORGFLOW_TEMPORAL_TLS_CERT_FILE and ORGFLOW_TEMPORAL_TLS_KEY_FILE")
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("load the Temporal client certificate: %w: check ORGFLOW_TEMPORAL_TLS_CERT_FILE and ORGFLOW_TEMPORAL_TLS_KEY_FILE", err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read the Temporal certificate authority: %w: check ORGFLOW_TEMPORAL_TLS_CA_FILE", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s (ORGFLOW_TEMPORAL_TLS_CA_FILE) holds no PEM certificate", t.CAFile)
		}
	}
	return out, nil
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
