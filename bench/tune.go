package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	hcmsim "orgflow/connectors/hcm/sim"
	"orgflow/internal/app"
	"orgflow/internal/testpg"
)

// tuneOptions are what is measured of a worker's settings.
type tuneOptions struct {
	flows, callers int
	people         int
	latency        time.Duration
	rounds         int
	database       string
	only, programs string
}

// setting is a worker that differs from the usual one, and what it did.
type setting struct {
	name   string
	tuning app.Tuning
	did    map[string]samples // by task
}

// settings are the usual one and others that differ in one thing each, those
// whose names contain a text.
func settings(only string) []*setting {
	usual := app.UsualTuning()
	list := []*setting{{name: "usual", tuning: usual}}
	add := func(name string, change func(*app.Tuning)) {
		s := &setting{name: name, tuning: usual}
		if change(&s.tuning); strings.Contains(name, only) {
			list = append(list, s)
		}
	}
	for _, n := range []int{8, 128} {
		add(fmt.Sprint(n, " activities"), func(t *app.Tuning) { t.Activities = n })
	}
	for _, n := range []int{2, 16} {
		add(fmt.Sprint(n, " pollers"), func(t *app.Tuning) { t.Pollers = n })
	}
	for _, n := range []int{10, 10000} {
		add(fmt.Sprint(n, " workflows kept"), func(t *app.Tuning) { t.Workflows = n })
	}
	for _, s := range list {
		s.did = map[string]samples{}
	}
	return list
}

// The tasks of a round.
const (
	taskLaunch = "launches"
	taskDecide = "decisions"
	taskSync   = "sync"
)

// tune measures workers with other settings beside the usual ones, all of
// them in every round, each round beginning with the next.
func tune(ctx context.Context, args []string, out io.Writer) (rows []row, err error) {
	var o tuneOptions
	f := flag.NewFlagSet("tune", flag.ContinueOnError)
	f.IntVar(&o.flows, "flows", 60, "flows of two decisions per turn")
	f.IntVar(&o.callers, "callers", 16, "how many call at a time")
	f.IntVar(&o.people, "people", 600, "people of a sync that sends everybody again")
	f.DurationVar(&o.latency, "latency", 20*time.Millisecond, "latency of the simulated vendor")
	f.IntVar(&o.rounds, "rounds", 5, "how often everything is measured; the median of the rounds' ratios counts")
	f.StringVar(&o.database, "database", "sqlite", "sqlite, or postgres: that of "+testpg.EnvURL+", or a temporary one")
	f.StringVar(&o.only, "only", "", "measure only settings whose names contain this, beside the usual ones")
	f.StringVar(&o.programs, "programs", "", programsFlag)
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	dir, err := workplace(ctx, &o.programs, "standalone")
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err != nil {
		return nil, err
	}
	list := settings(o.only)
	if err := o.measure(ctx, filepath.Join(dir, "tune"), list, out); err != nil {
		return nil, err
	}
	o.print(out, list)
	return nil, nil
}

func (o tuneOptions) measure(ctx context.Context, dir string, list []*setting, out io.Writer) error {
	env, release, err := databaseOf(o.database) //nolint:contextcheck // a server is started with a timeout of its own
	if err != nil {
		return err
	}
	defer release()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	p, err := startStandalone(ctx, o.programs, dir, append(env, elsewhere))
	if err != nil {
		return err
	}
	defer p.stop()
	database := p.database()
	for _, e := range env {
		if url, ok := strings.CutPrefix(e, databaseURL); ok {
			database = url
		}
	}
	b, err := newBoard(ctx, p, 2, false)
	if err != nil {
		return err
	}
	flows := &contest{o: flowOptions{flows: o.flows, decisions: 2}, orgflow: b, program: p.cmd.Process.Pid}
	if err := o.source(ctx, p); err != nil {
		return err
	}
	for round := range o.rounds + 1 { // the first is a warm-up
		for i := range list {
			s := list[(i+round)%len(list)]
			err := beside(ctx, p, database, func(ctx context.Context, api string) error {
				b.api = api
				return o.turn(ctx, s, flows, round > 0)
			}, app.WithTuning(s.tuning))
			if err != nil {
				return fmt.Errorf("with %s: %w", s.name, err)
			}
		}
		fmt.Fprintf(out, "round %d of %d\n", round, o.rounds)
	}
	return nil
}

// source fills source and vendor, and connects the company to them.
func (o tuneOptions) source(ctx context.Context, p *process) error {
	if err := p.source(ctx, hcmsim.Generate(max(1, o.people/10), o.people, 1)); err != nil {
		return err
	}
	if err := p.empty(ctx, fmt.Sprintf(`{"qps": 0, "latency_ms": %d}`, o.latency.Milliseconds())); err != nil {
		return err
	}
	return writeCompany(p.dir, fmt.Sprintf(company, p.sim+"/hcm", p.sim+"/dingtalk", 0))
}

// turn has one worker do each task.
func (o tuneOptions) turn(ctx context.Context, s *setting, flows *contest, counts bool) error {
	launches, decisions, err := flows.round(ctx, flows.orgflow, o.callers)
	if err != nil {
		return err
	}
	took, err := syncVia(ctx, flows.orgflow.(*board).api, `{"mode": "full"}`)
	if err != nil || !counts {
		return err
	}
	s.did[taskLaunch] = append(s.did[taskLaunch], launches)
	s.did[taskDecide] = append(s.did[taskDecide], decisions)
	s.did[taskSync] = append(s.did[taskSync], sample{took: took, calls: make([]time.Duration, o.people)})
	return nil
}

func (o tuneOptions) print(out io.Writer, list []*setting) {
	fmt.Fprintf(out, "\na worker's settings on %s, %d rounds in turn: against the usual ones, median (least-most)\n", o.database, o.rounds)
	fmt.Fprintf(out, "%-24s %-18s %-18s %-18s\n", "", taskLaunch, taskDecide, taskSync)
	for _, s := range list {
		fmt.Fprintf(out, "%-24s", s.name)
		for _, task := range []string{taskLaunch, taskDecide, taskSync} {
			if s == list[0] {
				fmt.Fprintf(out, " %-18s", fmt.Sprintf("1.00  %.1f/s", s.did[task].rate()))
				continue
			}
			middle, least, most := ratios(s.did[task], list[0].did[task])
			fmt.Fprintf(out, " %-18s", fmt.Sprintf("%.2f (%.2f-%.2f)", middle, least, most))
		}
		fmt.Fprintln(out)
	}
}
