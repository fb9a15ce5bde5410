// Package config reads orgflow's settings from the environment (contract § 2),
// checks them all before anything starts, and never shows a secret again.
package config

import (
	"cmp"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"orgflow"
	"orgflow/internal/egress"
)

// Role says which program the settings are for; it decides what is required.
type Role string

// The programs of orgflow.
const (
	// RoleStandalone runs everything in one process and needs no setting.
	RoleStandalone Role = "standalone"
	// RoleWorker needs a database.
	RoleWorker Role = "worker"
	// RoleServer is "starter serve": needs a database, listens on HTTPAddr.
	RoleServer Role = "server"
	// RoleStarter is any other starter command that touches runs: needs a
	// database, listens nowhere.
	RoleStarter Role = "starter"
	// RoleMigrate is "starter migrate": needs a database, which may still be
	// empty, and no Temporal.
	RoleMigrate Role = "migrate"
	// RoleDoctor is "starter doctor": it examines what a server needs, and
	// changes nothing.
	RoleDoctor Role = "doctor"
	// RoleOffline is a command that only reads files ("starter meta").
	RoleOffline Role = "offline"
)

// Config holds checked settings. Printing or logging it shows no secret.
type Config struct {
	Role Role
	// HTTPAddr is where API and console listen: host:port.
	HTTPAddr string
	// HTTPDrain is how long a stopping server goes on with new requests while
	// it says that it is not ready, so that a load balancer can notice.
	HTTPDrain time.Duration
	// APIKeys are the accepted keys; empty only where HTTPAddr is loopback.
	APIKeys Keys
	// KeyRing has the keys that are accepted now: those of ORGFLOW_API_KEYS
	// and, where one is named, those of a file that may change meanwhile.
	KeyRing *KeyRing
	// Database is empty for RoleOffline when nothing is set.
	Database Database
	Temporal Temporal
	// SimAddr is where standalone's simulators listen.
	SimAddr string
	// DataDir is where standalone keeps its databases.
	DataDir string
	// MetaDir is laid over the shipped meta files; empty lays nothing.
	MetaDir string
	// PayloadKeys encrypt Temporal payloads; there may be none.
	PayloadKeys PayloadKeys
	LogFormat   LogFormat
	LogLevel    slog.Level
	// MetricsAddr is where a worker serves Prometheus metrics; empty is nowhere.
	MetricsAddr string
	// Traces says how OpenTelemetry traces leave; empty is not at all.
	Traces TraceProtocol
	// Keep says how long rows are kept.
	Keep orgflow.Retention
	// Egress is who may be called.
	Egress egress.List
	// HTTPRate bounds the requests a minute of one client; 0 is no bound.
	HTTPRate int
	// HTTPRateFailures bounds the API keys a minute that one address may try
	// and that are not known; 0 is no bound.
	HTTPRateFailures int
	// Warnings are findings that prevent nothing: misspelt variables,
	// listeners without protection. For the log, once, at start.
	Warnings []string
}

// LogFormat is how log lines look.
type LogFormat string

// Log formats. LogAuto is text on a terminal and JSON elsewhere.
const (
	LogAuto LogFormat = ""
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// TraceProtocol is how OpenTelemetry traces are sent to a collector. Where it
// listens, and whatever else OTEL_* variables say, OpenTelemetry reads itself.
type TraceProtocol string

// Protocols of traces.
const (
	TracesOff  TraceProtocol = ""
	TracesHTTP TraceProtocol = "http/protobuf"
	TracesGRPC TraceProtocol = "grpc"
)

// Defaults of contract § 2.
const (
	DefaultHTTPAddr     = "127.0.0.1:8080"
	DefaultTemporalAddr = "127.0.0.1:7233"
	DefaultUIAddr       = "127.0.0.1:8233"
	DefaultSimAddr      = "127.0.0.1:9090"
	DefaultNamespace    = "default"
	DefaultDataDir      = ".orgflow"
	// DefaultHTTPRate is far above what boards and open pages ask for.
	DefaultHTTPRate         = 12_000
	DefaultHTTPRateFailures = 30
)

// Load reads and checks the settings for a role. The error is an Error that
// lists every problem at once; it contains no secret value. RoleDoctor gets
// the settings that can be used beside it.
func Load(role Role) (Config, error) {
	env, err := readEnvironment()
	if err != nil {
		return Config{}, err
	}
	c, problems := env.check(role)
	if len(problems) > 0 && role == RoleDoctor {
		return c, &Error{Problems: problems}
	}
	if len(problems) > 0 {
		return Config{}, &Error{Problems: problems}
	}
	return c, nil
}

// Listeners are where programs that run can be asked how they are.
type Listeners struct {
	HTTP    string // of a server
	Metrics string // of a worker; empty is nowhere
}

// LoadListeners reads where a server and a worker with these settings listen.
// No other setting is looked at: a program that runs stays healthy when a file
// that its settings name can no longer be read.
func LoadListeners() (Listeners, error) {
	e, err := readEnvironment()
	if err != nil {
		return Listeners{}, err
	}
	var p problems
	l := Listeners{
		HTTP:    p.addr("ORGFLOW_HTTP_ADDR", cmp.Or(e.HTTPAddr, DefaultHTTPAddr)),
		Metrics: p.optionalAddr("ORGFLOW_METRICS_ADDR", e.MetricsAddr),
	}
	if len(p.list) > 0 {
		return Listeners{}, &Error{Problems: p.list}
	}
	return l, nil
}

func (e environment) check(role Role) (Config, []Problem) {
	var p problems
	c := Config{
		Role:        role,
		HTTPAddr:    p.addr("ORGFLOW_HTTP_ADDR", cmp.Or(e.HTTPAddr, DefaultHTTPAddr)),
		SimAddr:     p.addr("ORGFLOW_SIM_ADDR", cmp.Or(e.SimAddr, DefaultSimAddr)),
		MetricsAddr: p.optionalAddr("ORGFLOW_METRICS_ADDR", e.MetricsAddr),
		DataDir:     filepath.Clean(cmp.Or(e.DataDir, DefaultDataDir)),
		MetaDir:     p.directory("ORGFLOW_META_DIR", e.MetaDir),
		PayloadKeys: p.payloadKeys("ORGFLOW_PAYLOAD_KEY", e.PayloadKey),
		LogFormat:   p.logFormat("ORGFLOW_LOG_FORMAT", e.LogFormat),
		LogLevel:    p.logLevel("ORGFLOW_LOG_LEVEL", e.LogLevel),
		Temporal:    p.temporal(e),
		Traces:      p.traces(e),
		Keep:        p.retention(e),
		Egress:      p.egress("ORGFLOW_EGRESS_ALLOW", e.EgressAllow),

		HTTPRate:         p.rate("ORGFLOW_HTTP_RATE", e.HTTPRate, DefaultHTTPRate),
		HTTPRateFailures: p.rate("ORGFLOW_HTTP_RATE_FAILURES", e.HTTPRateFailures, DefaultHTTPRateFailures),
	}
	c.HTTPDrain = p.drain("ORGFLOW_HTTP_DRAIN", e.HTTPDrain, c.HTTPAddr)
	c.APIKeys, c.KeyRing = p.keyRing(e)
	c.Database = p.database(role, e.DatabaseURL, c.DataDir)
	if c.listens() {
		p.access(c, e.APIKeys != "" || e.APIKeysFile != "")
	}
	c.Warnings = append(unknownVariables(), p.exposed(c)...)
	if role == RoleDoctor && e.DatabaseURL == "" && c.Database.DSN != "" {
		c.Warnings = append(c.Warnings, "ORGFLOW_DATABASE_URL is not set: standalone's database in ORGFLOW_DATA_DIR is examined; worker and starter need the setting")
	}
	return c, p.list
}

// listens tells whether the program, or the one it examines, serves HTTPAddr.
func (c Config) listens() bool {
	return c.Role == RoleStandalone || c.Role == RoleServer || c.Role == RoleDoctor
}

// Error lists everything that is wrong with the settings.
type Error struct{ Problems []Problem }

// Problem is one setting that cannot be used.
type Problem struct {
	Variable string // the environment variable
	Message  string // what is wrong and what is allowed; never a secret value
}

// String returns variable and message on one line.
func (p Problem) String() string { return p.Variable + ": " + p.Message }

// Error returns one problem per line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}
