package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// openOptions are what is measured of flows that wait.
type openOptions struct {
	flows    string // numbers between commas, ascending
	most     float64
	programs string
}

// openFlows measures what a worker keeps in memory while flows wait for their
// approvers. This process is the worker, with HTTP; Temporal and simulators
// are in another one.
func openFlows(ctx context.Context, args []string, out io.Writer) (rows []row, err error) {
	var o openOptions
	f := flag.NewFlagSet("open-flows", flag.ContinueOnError)
	f.StringVar(&o.flows, "flows", "1000,10000", "how many flows are open when memory is looked at; the first number fills the worker's cache of 1,000 workflows")
	f.Float64Var(&o.most, "most", 1.2, "fail where memory or goroutines grow by more than this from the first number to the last; 0: never")
	f.StringVar(&o.programs, "programs", "", programsFlag)
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	dir, err := workplace(ctx, &o.programs, "standalone")
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err != nil {
		return nil, err
	}
	marks, err := o.measure(ctx, dir)
	if err != nil {
		return nil, err
	}
	o.print(marks, out)
	return o.rows(marks), nil
}

// mark is a worker's memory with so many flows open.
type mark struct {
	flows int
	footprint
}

func (o openOptions) print(marks []mark, out io.Writer) {
	fmt.Fprintf(out, "\nflows that wait for an approver, and what their worker keeps in memory\n%8s %12s %12s %12s %12s\n",
		"open", "heap, MB", "stacks, MB", "goroutines", "grown to")
	full := marks[1] // marks[0] is the worker without flows
	for _, m := range marks {
		growth := ""
		if m.flows > 0 {
			growth = fmt.Sprintf("%.2f x", float64(m.memory())/float64(full.memory()))
		}
		fmt.Fprintf(out, "%8d %12.1f %12.1f %12d %12s\n", m.flows, mb(m.heap), mb(m.stacks), m.goroutines, growth)
	}
}

// rows compare the last look with the first one that had flows.
func (o openOptions) rows(marks []mark) []row {
	full, last := marks[1], marks[len(marks)-1]
	what := fmt.Sprintf("%s flows wait: ", count(int64(last.flows)))
	with := fmt.Sprintf("%s flows: ", count(int64(full.flows)))
	return []row{
		{what + "worker's memory", megabytes(mb(last.memory())), with + megabytes(mb(full.memory())), float64(last.memory()) / float64(full.memory()), aim{most: o.most}},
		{what + "worker's goroutines", count(int64(last.goroutines)), with + count(int64(full.goroutines)), float64(last.goroutines) / float64(full.goroutines), aim{most: o.most}},
	}
}

func mb(bytes uint64) float64 { return float64(bytes) / (1 << 20) }

// measure opens flows and looks at this process's memory.
func (o openOptions) measure(ctx context.Context, dir string) ([]mark, error) {
	p, err := startStandalone(ctx, o.programs, dir, []string{elsewhere})
	if err != nil {
		return nil, err
	}
	defer p.stop()
	b, err := newBoard(ctx, p, 1, false)
	if err != nil {
		return nil, err
	}
	var marks []mark
	err = beside(ctx, p, p.database(), func(ctx context.Context, api string) (err error) {
		b.api = api
		marks, err = o.open(ctx, b)
		return err
	})
	return marks, err
}

// open launches more and more flows.
func (o openOptions) open(ctx context.Context, b *board) ([]mark, error) {
	marks := []mark{{0, look(ctx)}}
	opened := 0
	for _, text := range strings.Split(o.flows, ",") {
		goal, err := strconv.Atoi(text)
		if err != nil || goal <= opened {
			return nil, fmt.Errorf("%q: want ascending numbers of flows", o.flows)
		}
		var names []string
		for ; opened < goal; opened++ {
			names = append(names, fmt.Sprint("flow-", opened))
		}
		err = each(ctx, 16, names, func(ctx context.Context, name string) error {
			if err := b.prepare(ctx, name); err != nil {
				return err
			}
			return b.launch(ctx, name)
		})
		if err != nil {
			return nil, err
		}
		marks = append(marks, mark{goal, look(ctx)})
	}
	return marks, nil
}
