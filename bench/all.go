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

// step is a benchmark with flags, and with those that make it small enough for
// a run of a quarter of an hour.
type step struct{ name, flags, small string }

// steps are everything that one run measures.
var steps = []step{
	{"push", "-latency 20ms", ""},
	{"push", "-latency 0", "-rounds 1"},
	{"naive", "-latency 20ms", "-departments 60 -people 600"},
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
	f.BoolVar(&full, "full", false, "measure everything in the size that it has alone; takes far longer")
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
		more, size, err := s.measure(ctx, full, programs, out)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		rows, sizes, failed = append(rows, more...), append(sizes, size), errors.Join(failed, err)
	}
	now.print(out, sizes)
	printTable(out, rows)
	if err := missed(rows); err != nil {
		fmt.Fprintf(out, "\n%v\n", err)
	}
	return failed
}

// measure measures one of them, and says in a line what that was.
func (s step) measure(ctx context.Context, full bool, programs string, out io.Writer) (rows []row, size string, err error) {
	b, err := named(s.name)
	if err != nil {
		return nil, "", err
	}
	args := strings.Fields(s.flags)
	if !full {
		args = append(args, strings.Fields(s.small)...)
	}
	size = strings.Join(append([]string{s.name}, args...), " ")
	fmt.Fprintf(out, "\n== %s\n", size)
	if b.programs {
		args = append(args, "-programs", programs)
	}
	began := time.Now()
	if rows, err = b.run(ctx, args, out); err != nil {
		err = fmt.Errorf("%s: %w", size, err)
		fmt.Fprintln(out, err)
	}
	return rows, fmt.Sprintf("%s: %v, load average %s", size, time.Since(began).Round(time.Second), loadAverage()), err
}
