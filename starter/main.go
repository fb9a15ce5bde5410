// Command starter starts, steers and shows runs, serves the HTTP API and
// applies schedules, for an existing Temporal service and PostgreSQL.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"orgflow/internal/app"
	"orgflow/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(cli.Main(ctx, os.Args[1:], cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, app.CLI))
}
