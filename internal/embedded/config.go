package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// DefaultRetention is how long finished runs stay readable in the Web UI.
// Temporal's own default for embedded namespaces is one day (Temporal
// reference § 12.4 no. 6).
const DefaultRetention = 30 * 24 * time.Hour

// minRetention is the shortest retention Temporal accepts for a namespace.
const minRetention = time.Hour

// Config says where the embedded service listens and keeps its data.
type Config struct {
	// Addr is the host:port of the gRPC frontend that workers and clients
	// dial. Port 0 lets the operating system choose; FrontendAddr tells.
	Addr string
	// UIAddr is the host:port of the Web UI; empty means no Web UI, port 0
	// lets the operating system choose. The UI has no login: keep it on
	// loopback (Temporal reference § 8).
	UIAddr string
	// DataDir holds the lock file and, without PostgresURL, the SQLite file.
	// It is created when missing.
	DataDir string
	// PostgresURL is a postgres:// URL. When set, the service keeps its data
	// in the databases <name>_temporal and <name>_temporal_visibility beside
	// the database the URL names, creating them when missing.
	PostgresURL string
	// Namespace is created when missing.
	Namespace string
	// Retention is the life of finished runs; zero means DefaultRetention,
	// anything below one hour is refused.
	Retention time.Duration
	// SearchAttributes are registered in the namespace as keywords.
	SearchAttributes []string
	// Logger receives warnings and errors of the service; nil means
	// slog.Default.
	Logger *slog.Logger
	// CodecEndpoint is the URL under which browsers reach the payload codec;
	// empty when payloads are not encrypted.
	CodecEndpoint string
	// UIPublicPath is the path prefix of the Web UI behind a reverse proxy,
	// such as "/temporal"; empty when it is served at the root.
	UIPublicPath string
}

// withDefaults returns the checked configuration.
func (c Config) withDefaults() (Config, error) {
	if c.Retention == 0 {
		c.Retention = DefaultRetention
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	var problems []error
	if c.Namespace == "" {
		problems = append(problems, errors.New("namespace of the embedded Temporal is empty: set ORGFLOW_TEMPORAL_NAMESPACE"))
	}
	if c.DataDir == "" {
		problems = append(problems, errors.New("data directory of the embedded Temporal is empty: set ORGFLOW_DATA_DIR"))
	}
	if c.Retention < minRetention {
		problems = append(problems, fmt.Errorf("retention %s is too short: Temporal wants at least %s", c.Retention, minRetention))
	}
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		problems = append(problems, fmt.Errorf("address of the embedded Temporal: %w: set ORGFLOW_TEMPORAL_ADDR to host:port", err))
	}
	if c.UIAddr != "" {
		if _, _, err := net.SplitHostPort(c.UIAddr); err != nil {
			problems = append(problems, fmt.Errorf("address of the Temporal Web UI: %w: set ORGFLOW_TEMPORAL_UI_ADDR to host:port", err))
		}
	}
	return c, errors.Join(problems...)
}
