package embedded

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
	_ "time/tzdata" // schedules name time zones, resolved by the server (Temporal reference § 6)

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/temporal"
)

// startTimeout bounds the whole start when the caller's context does not.
// Measured: 0.5 to 1.3 s (Temporal reference § 13); a busy machine with a
// slow disk needs its time.
const startTimeout = 2 * time.Minute

// Server is a running Temporal service. Its methods may be called from any
// goroutine.
type Server struct {
	frontend string
	uiURL    string
	logger   *bridge
	failed   chan error
	cleanup  []func() // run in reverse order by Stop
	stopOnce sync.Once
	stopping chan struct{}
}

// Start brings up the service and returns when namespace, search attributes
// and Web UI are ready for use. Every error is one line that names the
// setting to change; nothing keeps running or locked after an error. ctx
// bounds the start only; end the service with Stop.
func Start(ctx context.Context, cfg Config) (_ *Server, err error) {
	cfg, err = cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	s := &Server{logger: newBridge(cfg.Logger), failed: make(chan error, 1), stopping: make(chan struct{})}
	defer func() {
		if err != nil {
			s.Stop()
		}
	}()
	lock, err := lockDir(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	s.onStop(func() { _ = lock.Close() })
	p, err := reservePorts(cfg)
	if err != nil {
		return nil, err
	}
	s.onStop(p.release)
	s.frontend = p.frontend.dialAddr()
	if err := s.startServer(ctx, cfg, p); err != nil {
		return nil, err
	}
	if p.ui != nil {
		ui, err := startUI(ctx, cfg, p)
		if err != nil {
			return nil, err
		}
		s.onStop(ui.stop)
		s.uiURL = ui.url
	}
	go s.watch()
	return s, nil
}

// startServer opens the store, runs the server on it and prepares the
// namespace.
func (s *Server) startServer(ctx context.Context, cfg Config, p *ports) error {
	store, err := openStore(ctx, cfg, s.logger)
	if err != nil {
		return err
	}
	s.onStop(store.release)
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("start the embedded Temporal: %w", err)
	}
	p.releaseServer()
	if err := s.run(p, store); err != nil {
		return fmt.Errorf("start the embedded Temporal: %w", err)
	}
	cl, err := client.DialContext(ctx, client.Options{
		HostPort: s.frontend, Namespace: cfg.Namespace, Logger: sdklog.NewStructuredLogger(s.logger.logger),
	})
	if err != nil {
		return fmt.Errorf("reach the embedded Temporal at %s: %w", s.frontend, err)
	}
	defer cl.Close()
	if err := prepareNamespace(ctx, cl, cfg); err != nil {
		return err
	}
	return store.started()
}

func openStore(ctx context.Context, cfg Config, logger *bridge) (*store, error) {
	if cfg.PostgresURL != "" {
		return openPostgres(ctx, cfg, logger)
	}
	return openSQLite(cfg)
}

// run builds and starts the server in a goroutine of its own, because a
// fatal failure ends the goroutine it happens in (see bridge).
func (s *Server) run(p *ports, st *store) error {
	var (
		server temporal.Server
		result = errors.New("the server gave up")
		done   = make(chan struct{})
	)
	go func() {
		defer close(done)
		var err error
		server, err = temporal.NewServer(
			temporal.WithConfig(serverConfig(p, st)),
			temporal.ForServices(temporal.DefaultServices),
			temporal.WithStaticHosts(staticHosts(p)),
			temporal.WithLogger(s.logger),
			temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
			temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper {
				return authorization.NewNoopClaimMapper()
			}),
			temporal.WithDynamicConfigClient(dynamicConfig(st)),
		)
		if err == nil {
			err = server.Start()
		}
		result = err
	}()
	<-done
	if result != nil {
		select {
		case fatal := <-s.logger.shared.fatal:
			result = fatal
		default:
		}
	}
	if server != nil {
		s.onStop(func() { _ = server.Stop() })
	}
	return result
}

// FrontendAddr is the host:port that workers and clients dial.
func (s *Server) FrontendAddr() string { return s.frontend }

// UIURL is where people find the Web UI; empty without one.
func (s *Server) UIURL() string { return s.uiURL }

// Failed delivers one error when the service breaks down while running. The
// process should then stop: the service does not recover.
func (s *Server) Failed() <-chan error { return s.failed }

// watch passes on a fatal failure of the running server.
func (s *Server) watch() {
	select {
	case err := <-s.logger.shared.fatal:
		s.failed <- fmt.Errorf("the embedded Temporal failed: %w", err)
	case <-s.stopping:
	}
}

func (s *Server) onStop(f func()) { s.cleanup = append(s.cleanup, f) }

// Stop ends Web UI and server and frees the data. Stop workers and close
// clients first: a stopping server drops their connections. It takes about a
// second and may be called more than once.
func (s *Server) Stop() {
	s.stopOnce.Do(func() {
		close(s.stopping)
		s.logger.silence()
		for i := len(s.cleanup) - 1; i >= 0; i-- {
			s.cleanup[i]()
		}
	})
}
