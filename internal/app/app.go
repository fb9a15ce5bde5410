// Package app builds the program from its settings: every part is made here
// and nowhere else, so that worker, starter, standalone and tests run the
// same thing.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"golang.org/x/sync/singleflight"

	"orgflow"
	"orgflow/activities"
	"orgflow/connectors"
	"orgflow/internal/config"
	"orgflow/internal/flow"
	"orgflow/internal/store"
	"orgflow/internal/telemetry"
	"orgflow/internal/temporalx"
	"orgflow/meta"
)

// App is the open program: files, database and connectors, and Temporal
// once Dial was called.
type App struct {
	Config     config.Config
	Log        *slog.Logger
	Store      *store.Store
	Meta       *meta.Store
	Connectors *connectors.Registry
	Metrics    *prometheus.Registry
	meters
	traces telemetry.Traces

	getenv   func(string) (string, bool)
	flows    *flow.Keeper
	now      func() time.Time // of sessions
	payloads *temporalx.PayloadKeys
	veil     *telemetry.Redactor // of secrets, in what the doctor says
	tuning   Tuning              // of its worker

	watching atomic.Bool   // somebody hears of stored
	stored   chan struct{} // messages were stored, and not looked for yet

	connects singleflight.Group
	mu       sync.Mutex
	temporal client.Client // nil until Dial
}

// Option changes how the program is built.
type Option func(*App)

// WithEnv resolves ${NAME} references in meta files by getenv instead of the
// process's environment.
func WithEnv(getenv func(string) (string, bool)) Option {
	return func(a *App) { a.getenv = getenv }
}

// WithClock sets the clock that sign-ins and sessions end by, instead of the
// machine's.
func WithClock(now func() time.Time) Option {
	return func(a *App) { a.now = now }
}

// Logger returns the program's log, with the settings' secrets redacted.
func Logger(cfg config.Config, w io.Writer) *slog.Logger {
	return telemetry.NewLogger(w, cfg.LogFormat, cfg.LogLevel, telemetry.NewRedactor(cfg.Secrets()...))
}

// Open opens meta files and database. The caller closes the App.
func Open(ctx context.Context, cfg config.Config, log *slog.Logger, options ...Option) (*App, error) {
	a, err := newApp(cfg, log, options)
	if err != nil {
		return nil, err
	}
	if cfg.Role == config.RoleWorker || cfg.Role == config.RoleStandalone { // the starter says them itself
		for _, warning := range cfg.Warnings {
			log.Warn(warning)
		}
	}
	if a.Meta, err = meta.Open(cfg.MetaDir, a.getenv, a.files()...); err != nil {
		return nil, err
	}
	if a.Store, err = store.Open(ctx, cfg.Database.DSN, store.Options{URL: a.databaseURL, Noticed: a.wake}); err != nil {
		return nil, err
	}
	if a.traces, err = telemetry.NewTraces(ctx, cfg.Traces, "orgflow-"+string(cfg.Role), temporalx.SpanIDs{}, log); err != nil {
		return nil, errors.Join(err, a.Store.Close())
	}
	a.flows = &flow.Keeper{Store: a.Store, Files: a.Meta, Now: time.Now, Notify: a.messagesStored, Watch: a.meter.FlowStepped}
	a.measure()
	return a, nil
}

// files are the options by which meta files are opened.
func (a *App) files() []meta.Option { return append(build(), meta.WithSecrets(a.conceal)) }

// newApp makes a program that has opened nothing yet.
func newApp(cfg config.Config, log *slog.Logger, options []Option) (*App, error) {
	a := &App{
		Config: cfg, Log: log, Metrics: telemetry.NewRegistry(), getenv: os.LookupEnv,
		stored: make(chan struct{}, 1), now: time.Now, veil: telemetry.NewRedactor(cfg.Secrets()...),
		tuning: UsualTuning(),
	}
	for _, o := range options {
		o(a)
	}
	var err error
	if a.meters, err = newMeters(a.Metrics); err != nil {
		return nil, err
	}
	a.Connectors = a.registry()
	return a, a.openPayloadKeys()
}

// Dial connects to Temporal, unless it is connected already. Commands that
// need no Temporal never call it. While it is away that takes seconds, so who
// comes meanwhile shares the try and its failure, an orgflow.CodeUnavailable
// fault.
func (a *App) Dial(ctx context.Context) (client.Client, error) {
	v, err, _ := a.connects.Do("", func() (any, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.temporal != nil {
			return a.temporal, nil
		}
		through, err := a.interceptors()
		if err != nil {
			return nil, err
		}
		cl, err := temporalx.Dial(ctx, a.temporalConfig(through), a.Log)
		if err != nil {
			return nil, &orgflow.Fault{Code: orgflow.CodeUnavailable, Message: err.Error(), Err: err}
		}
		a.temporal = cl
		return cl, nil
	})
	if err != nil {
		return nil, err
	}
	return v.(client.Client), nil
}

// interceptors take traces, and what the work is about, through Temporal.
func (a *App) interceptors() ([]interceptor.ClientInterceptor, error) {
	about := temporalx.NewSubject(activities.About)
	if !a.traces.On() {
		return []interceptor.ClientInterceptor{about}, nil
	}
	tracing, err := temporalx.NewTracing(a.traces.Tracer())
	return []interceptor.ClientInterceptor{tracing, about}, err // outermost first
}

func (a *App) temporalConfig(through []interceptor.ClientInterceptor) temporalx.Config {
	t := a.Config.Temporal
	cfg := temporalx.Config{
		Addr: t.Addr, Namespace: t.Namespace,
		TLS: temporalx.TLS{
			Enabled: t.TLS.Enabled, CertFile: t.TLS.CertFile, KeyFile: t.TLS.KeyFile,
			CAFile: t.TLS.CAFile, ServerName: t.TLS.ServerName,
		},
		PayloadKeys:  a.payloads,
		Metrics:      a.sdk,
		Identity:     "orgflow-" + string(a.Config.Role),
		Interceptors: through,
	}
	if t.APIKey.Set() {
		cfg.APIKey = a.temporalKey
	}
	return cfg
}

// openPayloadKeys reads the keys. Programs that keep running say which ones
// they have, by id: whoever rotates keys can see that all have the new one.
func (a *App) openPayloadKeys() (err error) {
	if a.payloads, err = temporalx.NewPayloadKeys(a.payloadKeys, a.Log); err != nil {
		return fmt.Errorf("ORGFLOW_PAYLOAD_KEY: %w", err)
	}
	stays := []config.Role{config.RoleWorker, config.RoleServer, config.RoleStandalone}
	if ids := a.payloads.IDs(); len(ids) > 0 && slices.Contains(stays, a.Config.Role) {
		a.Log.Info("Temporal payloads are encrypted", "with", ids[0], "keys", ids)
	}
	return nil
}

// Close releases everything, Temporal first. Workers must have stopped. Spans
// that have not been sent are, for 5 seconds at most, whatever has ended.
func (a *App) Close() error {
	if a.temporal != nil {
		a.temporal.Close()
	}
	a.traces.Close()
	if a.Store == nil { // a doctor's, who could not open it
		return nil
	}
	if err := a.Store.Close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// ready checks the database, connects to Temporal and registers what runs
// are searched by.
func (a *App) ready(ctx context.Context) (client.Client, error) {
	if err := a.Store.CheckSchema(ctx); err != nil {
		return nil, err
	}
	cl, err := a.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return cl, a.ensureAttributes(ctx, cl)
}

// isNotFound tells whether the store has no such row.
func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }
