// Command bench measures orgflow beside the least that could do the same
// work, and beside what people write today, on one machine, and prints ratios:
//
//	go run ./bench              everything below but tune, in small sizes, and one table
//	go run ./bench push         a first push, beside a plain Go loop that makes the same HTTP calls
//	go run ./bench naive        a first push and later ones, beside a script that compares nothing
//	go run ./bench pull         a pull of an organisation, beside what its calls take at the rate allowed
//	go run ./bench planner      plans of 10,000 to 1,000,000 people, beside the smallest
//	go run ./bench erp          a load of ERP rows, beside a plain loop and beside COPY
//	go run ./bench flows        launches of and decisions on approval flows, beside a bare Temporal workflow
//	go run ./bench open-flows   the memory of a worker while thousands of flows wait for people
//	go run ./bench start        start-up and memory of the programs, beside one that serves a page
//	go run ./bench tune         other settings of a worker, beside the usual ones
//
// Each takes flags; --help lists them. It fails where an aim is missed.
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

// measurement measures with the flags in args, tells details to out as it
// goes, and returns what belongs into the table.
type measurement func(ctx context.Context, args []string, out io.Writer) ([]row, error)

// benchmark is something that can be measured alone.
type benchmark struct {
	name     string
	run      measurement
	programs bool // it starts some, and has the flag that says where they are
}

var benchmarks = []benchmark{
	{"push", push, true},
	{"naive", naive, true},
	{"pull", pull, true},
	{"planner", planner, false},
	{"erp", loads, false},
	{"flows", flows, true},
	{"open-flows", openFlows, true},
	{"start", startUp, true},
	{"tune", tune, true},
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
		return everything(ctx, args, out)
	}
	b, err := named(args[0])
	if err != nil {
		return err
	}
	now := conditionsNow()
	rows, err := b.run(ctx, args[1:], out)
	if len(rows) > 0 {
		now.print(out, nil)
		printTable(out, rows)
	}
	return errors.Join(err, missed(rows))
}

func named(name string) (benchmark, error) {
	names := make([]string, len(benchmarks))
	for i, b := range benchmarks {
		if b.name == name {
			return b, nil
		}
		names[i] = b.name
	}
	return benchmark{}, fmt.Errorf("there is no benchmark %q; there are %s", name, strings.Join(names, ", "))
}
