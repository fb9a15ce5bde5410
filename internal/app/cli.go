package app

import (
	"context"
	"os"

	"orgflow/internal/api"
	"orgflow/internal/cli"
	"orgflow/internal/config"
	"orgflow/meta"
)

// CLI opens what a starter command of the settings' role needs.
func CLI(ctx context.Context, cfg config.Config) (cli.Backend, func() error, error) {
	if cfg.Role == config.RoleOffline {
		files, err := meta.Open(cfg.MetaDir, os.LookupEnv, build()...)
		if err != nil {
			return cli.Backend{}, nil, err
		}
		return cli.Backend{Decode: files.DecodeJob, Meta: offline{files}}, func() error { return nil }, nil
	}
	if cfg.Role == config.RoleDoctor {
		d, err := NewDoctor(cfg)
		if err != nil {
			return cli.Backend{}, nil, err
		}
		return cli.Backend{Doctor: d}, d.Close, nil
	}
	a, err := Open(ctx, cfg, Logger(cfg, os.Stderr))
	if err != nil {
		return cli.Backend{}, nil, err
	}
	return cli.Backend{
		Decode: a.Meta.DecodeJob, Meta: offline{a.Meta},
		Start: a.Runs(), Runs: a.Runs(), Steer: a.Runs(), WhatIf: a.Runs(), Schedules: a.Schedules(), Orgs: a.Orgs(), Loads: a.Loads(), Notices: notices{a},
		Flows: a.Flows(), FlowCalls: a.FlowCalls(), FlowDefinitions: a.Flows(), Data: dataDesk{a},
		Audit: a.audit, AdminLink: a.AdminLink, Migrate: a.migrate, Serve: a.serve,
	}, a.Close, nil
}

// migrate brings the schema up to date.
func (a *App) migrate(ctx context.Context) (before, after int64, err error) {
	if before, _, err = a.Store.SchemaVersion(ctx); err != nil {
		return 0, 0, err
	}
	if err := a.Store.Migrate(ctx); err != nil {
		return before, before, err
	}
	after, _, err = a.Store.SchemaVersion(ctx)
	return before, after, err
}

// serve runs the HTTP API until ctx ends and requests are drained.
func (a *App) serve(ctx context.Context) error {
	if _, err := a.ready(ctx); err != nil {
		return err
	}
	return api.Serve(ctx, a.Config.HTTPAddr, a.Handler(a.Config.Temporal.UIURL), a.Config.HTTPDrain, a.Log)
}
