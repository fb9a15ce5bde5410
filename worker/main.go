// Command worker runs workflows and activities for an existing Temporal
// service and PostgreSQL.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"orgflow/internal/app"
	"orgflow/internal/config"
	"orgflow/internal/probe"
	"orgflow/internal/version"
)

func main() {
	show := flag.Bool("version", false, "print the version")
	ask := flag.Bool("health", false, "ask the worker at ORGFLOW_METRICS_ADDR on this machine how it is; exit code 0 is well")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "Runs workflows and activities until it is stopped; the ORGFLOW_* settings say for whom.")
		flag.PrintDefaults()
	}
	flag.Parse()
	switch {
	case *show:
		fmt.Println(version.Line("worker"))
		return
	case flag.NArg() > 0:
		fmt.Fprintf(os.Stderr, "worker: unexpected argument %q; it takes none, see --help\n", flag.Arg(0))
		os.Exit(1)
	}
	ctx, stop := app.Interrupted(context.Background())
	defer stop()
	do := run
	if *ask {
		do = health
	}
	if err := do(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

// health is for health checks of containers, which hold no other program.
func health(ctx context.Context) error {
	listeners, err := config.LoadListeners()
	if err != nil {
		return err
	}
	if listeners.Metrics == "" {
		return errors.New("ORGFLOW_METRICS_ADDR is not set: a worker without it cannot be asked")
	}
	return probe.Ask(ctx, listeners.Metrics, "/healthz")
}

func run(ctx context.Context) (err error) {
	cfg, err := config.Load(config.RoleWorker)
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, cfg, app.Logger(cfg, os.Stderr))
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, a.Close()) }() //nolint:contextcheck // ctx may have ended
	return a.RunWorker(ctx)
}
