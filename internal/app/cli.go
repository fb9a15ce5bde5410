package app

import (
	"context"
	"fmt"
	"os"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/cli"
	"orgflow/internal/config"
	"orgflow/internal/temporalx"
	"orgflow/meta"
)

// CLI opens what a starter command of the settings' role needs.
func CLI(ctx context.Context, cfg config.Config) (cli.Backend, func() error, error) {
	if cfg.Role == config.RoleOffline {
		files, err := meta.Open(cfg.MetaDir, os.LookupEnv, meta.WithConnectors(consumerNames()...))
		if err != nil {
			return cli.Backend{}, nil, err
		}
		return cli.Backend{Decode: files.DecodeJob, Meta: offline{files}}, func() error { return nil }, nil
	}
	a, err := Open(ctx, cfg, Logger(cfg, os.Stderr))
	if err != nil {
		return cli.Backend{}, nil, err
	}
	return cli.Backend{
		Decode: a.Meta.DecodeJob, Meta: offline{a.Meta},
		Start: a.Runs(), Runs: a.Runs(), Steer: a.Runs(), Schedules: a.Schedules(),
		Migrate: a.migrate, Serve: a.serve,
	}, a.Close, nil
}

// migrate brings the schema up to date and, where Temporal answers, registers
// the search attributes.
func (a *App) migrate(ctx context.Context) (before, after int64, err error) {
	before, _, err = a.Store.SchemaVersion(ctx)
	if err != nil {
		return 0, 0, err
	}
	if err := a.Store.Migrate(ctx); err != nil {
		return before, before, err
	}
	after, _, err = a.Store.SchemaVersion(ctx)
	if err != nil {
		return before, after, err
	}
	cl, err := a.Dial(ctx)
	if err != nil {
		return before, after, fmt.Errorf("the database is up to date, the search attributes are not registered: %w", err)
	}
	return before, after, temporalx.EnsureSearchAttributes(ctx, cl, a.Config.Temporal.Namespace, orgflow.SearchAttributes())
}

// serve runs the HTTP API until ctx ends.
func (a *App) serve(ctx context.Context) error {
	if err := a.Store.CheckSchema(ctx); err != nil {
		return err
	}
	if _, err := a.Dial(ctx); err != nil {
		return err
	}
	return api.Serve(ctx, a.Config.HTTPAddr, a.Handler(""), a.Log)
}
