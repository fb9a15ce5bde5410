// Command worker runs workflows and activities for an existing Temporal
// service and PostgreSQL.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"

	"orgflow/internal/app"
	"orgflow/internal/config"
	"orgflow/internal/version"
)

func main() {
	show := flag.Bool("version", false, "print the version")
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
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
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
