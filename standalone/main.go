// Command standalone runs everything in one process on loopback: Temporal
// with its Web UI, database, worker, HTTP API and simulators of the remote
// systems. Its data stays in ORGFLOW_DATA_DIR.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"orgflow/internal/app"
	"orgflow/internal/version"
)

// options are the command line.
type options struct {
	exit       bool
	demo       bool
	simulators bool
	version    bool
}

func main() {
	ctx, stop := app.Interrupted(context.Background())
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string) int {
	opts, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 1 // flag has said what is wrong
	}
	if opts.version {
		fmt.Println(version.Line("standalone"))
		return 0
	}
	completed, err := serve(ctx, opts, os.Stdout, os.Stderr)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "standalone:", err)
		return 1
	case opts.exit && !completed:
		return 1
	}
	return 0
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("standalone", flag.ContinueOnError)
	flags.BoolVar(&o.exit, "exit", false, "stop after the demo summary; exit code 0 only if the run completed")
	flags.BoolVar(&o.demo, "demo", true, "load the demo company 129 and run its sync")
	flags.BoolVar(&o.simulators, "simulators", true, "serve simulators of the remote systems")
	flags.BoolVar(&o.version, "version", false, "print the version")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), "Everything in one process: Temporal, Web UI, database, worker, HTTP API, simulators.\n\n"+
			"  go run ./standalone                # demo sync, then keeps serving\n"+
			"  go run ./standalone --exit         # demo sync, then stops\n"+
			"  go run ./standalone --demo=false   # serves only\n\nFlags:\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		err := fmt.Errorf("unexpected argument %q; see --help", flags.Arg(0))
		fmt.Fprintln(flags.Output(), "standalone:", err)
		return o, err
	}
	if o.exit && !o.demo {
		err := errors.New("--exit needs the demo; leave out --demo=false")
		fmt.Fprintln(flags.Output(), "standalone:", err)
		return o, err
	}
	if o.demo && !o.simulators {
		// The demo talks to the simulators only; without them there is none.
		o.demo = false
	}
	return o, nil
}
