package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"

	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/app"
	"orgflow/internal/config"
	"orgflow/internal/embedded"
)

// serve starts every part, runs the demo where asked, and serves until ctx
// ends. completed tells whether the demo run completed.
func serve(ctx context.Context, opts options, out, errOut io.Writer) (completed bool, err error) {
	cfg, err := config.Load(config.RoleStandalone)
	if err != nil {
		return false, err
	}
	log := app.Logger(cfg, errOut)
	l, err := listen(cfg, opts)
	if err != nil {
		return false, err
	}
	defer l.close()
	temporal, err := embedded.Start(ctx, embeddedConfig(cfg, l.http.Addr(), log))
	if err != nil {
		return false, interrupted(ctx, err)
	}
	defer temporal.Stop()
	cfg.Temporal.Addr = temporal.FrontendAddr()

	sims, err := simulate(cfg, opts, l)
	if err != nil {
		return false, err
	}
	defer sims.close()
	a, err := app.Open(ctx, cfg, log, app.WithEnv(sims.getenv))
	if err != nil {
		return false, interrupted(ctx, err)
	}
	defer func() { err = cmp.Or(err, a.Close()) }() //nolint:contextcheck // ctx may have ended
	if err := a.Store.Migrate(ctx); err != nil {
		return false, interrupted(ctx, err)
	}
	cl, err := a.Dial(ctx)
	if err != nil {
		return false, interrupted(ctx, err)
	}
	w := a.Worker(cl)
	if err := w.Start(); err != nil {
		return false, fmt.Errorf("start worker: %w", err)
	}
	defer w.Stop()
	handler := a.Handler(cmp.Or(cfg.Temporal.UIURL, temporal.UIURL()))
	return keep(ctx, opts, parts{app: a, client: cl, temporal: temporal, sims: sims, listeners: l, handler: handler, log: log, out: out})
}

// parts are what keeps running.
type parts struct {
	app       *app.App
	client    client.Client
	temporal  *embedded.Server
	sims      *simulators
	listeners *listeners
	handler   http.Handler
	log       *slog.Logger
	out       io.Writer
}

// keep serves HTTP and simulators beside the demo until ctx ends, a part fails
// or the demo is over and --exit was given.
func keep(ctx context.Context, opts options, p parts) (completed bool, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var group errgroup.Group
	part := func(f func() error) {
		group.Go(func() error {
			defer stop()
			return f()
		})
	}
	part(func() error { return api.ServeListener(ctx, p.listeners.http, p.handler, p.log) })
	part(func() error { p.app.ScheduleRetention(ctx, p.client); p.app.SweepFlows(ctx); <-ctx.Done(); return nil })
	part(func() error { p.app.WatchMessages(ctx, p.client); return nil })
	part(func() error { p.app.WatchSchedules(ctx, p.client); return nil })
	if p.sims.host != nil {
		part(func() error { return api.ServeListener(ctx, p.listeners.sim, p.sims.host, p.log) })
	}
	part(func() error {
		select {
		case <-ctx.Done():
			return nil
		case err := <-p.temporal.Failed():
			return err
		}
	})
	part(func() (err error) {
		completed, err = p.demo(ctx, opts)
		if err != nil || opts.exit {
			return err
		}
		<-ctx.Done()
		return nil
	})
	err = group.Wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return completed, err
}

// interrupted forgets an error that Ctrl-C caused.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // forgetting it is what this is for
	}
	return err
}

// embeddedConfig says how Temporal is run. Browsers of this machine find the
// codec at the API's own address; where others may look on, a proxy stands
// before it and the Web UI's own settings must name it.
func embeddedConfig(cfg config.Config, serving net.Addr, log *slog.Logger) embedded.Config {
	out := embedded.Config{
		Addr: cfg.Temporal.Addr, UIAddr: cfg.Temporal.UIAddr, Namespace: cfg.Temporal.Namespace,
		DataDir:          filepath.Join(cfg.DataDir, "temporal"),
		SearchAttributes: orgflow.SearchAttributes(), Logger: log,
	}
	if cfg.PayloadKeys.Set() && config.Loopback(cfg.HTTPAddr) {
		out.CodecEndpoint = "http://" + serving.String() + app.CodecPath
	}
	if cfg.Database.Driver == config.Postgres {
		out.PostgresURL = cfg.Database.DSN
	}
	return out
}

// listeners are opened first, so that a busy port is said before anything
// starts.
type listeners struct{ http, sim net.Listener }

func listen(cfg config.Config, opts options) (*listeners, error) {
	l := &listeners{}
	var err error
	if l.http, err = api.Listen(cfg.HTTPAddr, "ORGFLOW_HTTP_ADDR"); err != nil {
		return nil, err
	}
	if opts.simulators {
		if l.sim, err = api.Listen(cfg.SimAddr, "ORGFLOW_SIM_ADDR"); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

func (l *listeners) close() {
	for _, listener := range []net.Listener{l.http, l.sim} {
		if listener != nil {
			_ = listener.Close() // closed already once it was served
		}
	}
}
