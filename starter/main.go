// Command starter starts, steers and shows runs, serves the HTTP API and
// applies schedules, for an existing Temporal service and PostgreSQL.
package main

import (
	"context"
	"os"

	"orgflow/internal/app"
	"orgflow/internal/cli"
)

func main() {
	ctx, stop := app.Interrupted(context.Background())
	defer stop()
	os.Exit(cli.Main(ctx, os.Args[1:], cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, app.CLI))
}
