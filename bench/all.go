package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// steps are everything that one run measures: a benchmark with its flags, and
// those that make it small enough for a run of a quarter of an hour.
var steps = []struct{ name, flags, small string }{
	{"push", "-latency 20ms", ""},
	{"push", "-latency 0", "-rounds 1"},
	{"naive", "-latency 20ms", ""},
	{"pull", "", "-departments 400 -people 2000"},
	{"planner", "", ""},
	{"erp", "", "-rows 100000 -rounds 3"},
	{"flows", "", "-flows 30 -rounds 3"},
	{"open-flows", "", "-flows 1000,2000"},
	{"start", "", ""},
}

// everything measures all of it, and prints one table at the end. What fails
// is told there, too, and keeps nothing else from being measured. An aim that
// is missed is marked, and no failure: many things are measured here beside
// who knows what other programs, and each can be repeated alone.
func everything(ctx context.Context, args []string, out io.Writer) (err error) {
	var programs string
	var full bool
	f := flag.NewFlagSet("everything", flag.ContinueOnError)
	f.BoolVar(&full, "full", false, "measure everything in the size that it has alone; takes an hour")
	f.StringVar(&programs, "programs", "", programsFlag)
	if err := f.Parse(args); err != nil {
		return err
	}
	dir, err := workplace(ctx, &programs, "standalone", "worker", "starter", "bench/page")
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err != nil {
		return err
	}
	now := conditionsNow()
	var rows []row
	var sizes []string
	var failed error
	for _, s := range steps {
		flags := s.flags
		if !full {
			flags += " " + s.small
		}
		began := time.Now()
		fmt.Fprintf(out, "\n== %s %s\n", s.name, flags)
		run, err := named(s.name)
		if err != nil {
			return err
		}
		more, err := run(ctx, append(strings.Fields(flags), "-programs", programs), out)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.name, err))
			fmt.Fprintf(out, "%s failed: %v\n", s.name, err)
		}
		rows = append(rows, more...)
		sizes = append(sizes, fmt.Sprintf("%s %s: %v, load average %s", s.name, flags, time.Since(began).Round(time.Second), loadAverage()))
	}
	now.print(out, sizes)
	printTable(out, rows)
	if err := missed(rows); err != nil {
		fmt.Fprintf(out, "\n%v\n", err)
	}
	return failed
}
