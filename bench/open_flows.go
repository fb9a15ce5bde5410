package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"orgflow"
	"orgflow/internal/app"
	"orgflow/internal/config"
)

// openOptions are what is measured of flows that wait.
type openOptions struct {
	flows string // numbers between commas, ascending
	most  float64
	bin   string
}

// openFlows measures what a worker keeps in memory while flows wait for their
// approvers. This process is the worker; Temporal, simulators and HTTP are in
// others.
func openFlows(ctx context.Context, args []string, out io.Writer) (err error) {
	var o openOptions
	f := flag.NewFlagSet("open-flows", flag.ContinueOnError)
	f.StringVar(&o.flows, "flows", "1000,10000", "how many flows are open when memory is looked at; the first number fills the worker's cache of 1,000 workflows")
	f.Float64Var(&o.most, "most", 1.2, "fail where memory or goroutines grow by more than this from the first number to the last; 0: never")
	f.StringVar(&o.bin, "bin", "", "a directory with standalone and starter; empty builds them")
	if err := f.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "orgflow-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.bin == "" {
		o.bin = dir
		if err := build(ctx, dir, "standalone", "starter"); err != nil {
			return err
		}
	}
	marks, err := o.measure(ctx, dir)
	if err != nil {
		return err
	}
	return o.judge(marks, out)
}

// mark is a worker's memory with so many flows open.
type mark struct {
	flows int
	footprint
}

// judge prints the table and fails where memory grew.
func (o openOptions) judge(marks []mark, out io.Writer) error {
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
	last := marks[len(marks)-1]
	memory, goroutines := float64(last.memory())/float64(full.memory()), float64(last.goroutines)/float64(full.goroutines)
	if o.most > 0 && max(memory, goroutines) > o.most {
		return fmt.Errorf("from %d to %d open flows memory grew %.2f times and goroutines %.2f times; at most %.2f is allowed",
			full.flows, last.flows, memory, goroutines, o.most)
	}
	return nil
}

func mb(bytes uint64) float64 { return float64(bytes) / (1 << 20) }

// measure opens flows and looks at this process's memory.
func (o openOptions) measure(ctx context.Context, dir string) ([]mark, error) {
	p, err := startStandalone(ctx, filepath.Join(o.bin, "standalone"), dir, []string{"ORGFLOW_TEMPORAL_TASK_QUEUE=bench-elsewhere"})
	if err != nil {
		return nil, err
	}
	defer p.stop()
	b, err := newBoard(ctx, p, 1, false)
	if err != nil {
		return nil, err
	}
	api, err := startAPI(ctx, filepath.Join(o.bin, "starter"), p)
	if err != nil {
		return nil, err
	}
	defer api.stop()
	b.api = api.api
	ctx, cancel := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return work(ctx, p) })
	var marks []mark
	group.Go(func() (err error) {
		defer cancel()
		marks, err = o.open(ctx, b)
		return err
	})
	err = group.Wait()
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

// startAPI serves HTTP for the installation of a standalone whose own worker
// looks elsewhere.
func startAPI(ctx context.Context, binary string, of *process) (*process, error) {
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	p, err := start(of.dir, []string{
		"ORGFLOW_HTTP_ADDR=" + ports[0], "ORGFLOW_TEMPORAL_ADDR=" + of.temporal, databaseURL + of.database(),
	}, binary, "serve")
	if err != nil {
		return nil, err
	}
	p.api = "http://" + ports[0]
	return p, p.ready(ctx)
}

// work is the worker, as the program worker runs it, until ctx ends.
func work(ctx context.Context, of *process) (err error) {
	cfg := config.Config{
		Role: config.RoleWorker, Database: config.Database{Driver: config.SQLite, DSN: of.database()},
		Temporal: config.Temporal{Addr: of.temporal, Namespace: config.DefaultNamespace, TaskQueue: orgflow.DefaultTaskQueue},
		MetaDir:  filepath.Join(of.dir, "meta"), LogLevel: slog.LevelWarn,
	}
	a, err := app.Open(ctx, cfg, app.Logger(cfg, os.Stderr))
	if err != nil {
		return err
	}
	defer func() { err = app.FirstError(err, a.Close()) }()
	return a.RunWorker(ctx)
}
