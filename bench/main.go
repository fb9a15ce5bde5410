// Command bench measures orgflow beside the least that could do the same
// work, in one run on one machine, and prints ratios:
//
//	go run ./bench              a first push, beside a plain Go loop that makes the same HTTP calls
//	go run ./bench flows        launches of and decisions on approval flows, beside a bare Temporal workflow
//	go run ./bench pull         a pull of an organisation, beside what its calls take at the rate allowed
//	go run ./bench open-flows   the memory of a worker while thousands of flows wait for people
//	go run ./bench tune         other settings of a worker, beside the usual ones
//
// Each takes flags; --help lists them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
)

// benchmarks are what can be measured; the first is the default.
var benchmarks = []struct {
	name string
	run  func(ctx context.Context, args []string, out io.Writer) error
}{
	{"push", push},
	{"flows", flows},
	{"open-flows", openFlows},
	{"tune", tune},
	{"pull", pull},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := dispatch(ctx, os.Args[1:], os.Stdout)
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to clean up
	}
}

func dispatch(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return benchmarks[0].run(ctx, args, out)
	}
	names := make([]string, len(benchmarks))
	for i, b := range benchmarks {
		if b.name == args[0] {
			return b.run(ctx, args[1:], out)
		}
		names[i] = b.name
	}
	return fmt.Errorf("there is no benchmark %q; there are %s", args[0], strings.Join(names, ", "))
}
