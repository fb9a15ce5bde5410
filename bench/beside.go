package main

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/app"
	"orgflow/internal/config"
)

// elsewhere is the setting that leaves a standalone's work to others: its own
// worker looks at another queue.
const elsewhere = "ORGFLOW_TEMPORAL_TASK_QUEUE=bench-elsewhere"

// beside does something while this process is orgflow's worker and serves its
// HTTP API, as the programs worker and starter do, on the database and the
// Temporal of a standalone that looks elsewhere.
func beside(ctx context.Context, of *process, database string, do func(ctx context.Context, api string) error, options ...app.Option) (err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	driver, _, _ := strings.Cut(database, ":")
	cfg := config.Config{
		Role: config.RoleWorker, HTTPAddr: l.Addr().String(), Database: config.Database{Driver: driver, DSN: database},
		Temporal: config.Temporal{Addr: of.temporal, Namespace: config.DefaultNamespace, TaskQueue: orgflow.DefaultTaskQueue},
		MetaDir:  filepath.Join(of.dir, "meta"), LogLevel: slog.LevelWarn,
	}
	log := app.Logger(cfg, os.Stderr)
	a, err := app.Open(ctx, cfg, log, options...)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, a.Close()) }() //nolint:contextcheck // ctx may have ended
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.RunWorker(ctx) })
	group.Go(func() error { return api.ServeListener(ctx, l, a.Handler(""), log) })
	group.Go(func() error {
		defer cancel()
		return do(ctx, "http://"+l.Addr().String())
	})
	return group.Wait()
}
