package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	hcmsim "orgflow/connectors/hcm/sim"
)

// startOptions are what is measured of programs that start.
type startOptions struct {
	departments, people int
	rounds              int
	programs            string
}

// started is what was seen of a program: how long it took until it answered,
// in each round, and its largest resident size in bytes then and at the end.
type started struct {
	name    string
	took    []float64 // seconds
	idle    int64
	working int64 // 0: it was not looked at
}

// startUp measures how long the programs take to start and how much memory
// they have, beside a program that opens a database and serves a page.
func startUp(ctx context.Context, args []string, out io.Writer) (rows []row, err error) {
	var o startOptions
	f := flag.NewFlagSet("start", flag.ContinueOnError)
	f.IntVar(&o.departments, "departments", 1000, "departments of the push that worker and starter do at the end")
	f.IntVar(&o.people, "people", 10000, "people of it")
	f.IntVar(&o.rounds, "rounds", 5, "how often each is started; the medians count")
	f.StringVar(&o.programs, "programs", "", programsFlag)
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	dir, err := workplace(ctx, &o.programs, "standalone", "worker", "starter", "bench/page")
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err != nil {
		return nil, err
	}
	list, err := o.measure(ctx, dir, out)
	if err != nil {
		return nil, err
	}
	return o.rows(list), nil
}

// The programs in the order in which they are measured; the first one is
// what the others are compared with.
const (
	programPage = iota
	programFirst
	programAgain
	programWorker
	programStarter
	numPrograms
)

func (o startOptions) measure(ctx context.Context, dir string, out io.Writer) (*[numPrograms]started, error) {
	all := &[numPrograms]started{
		{name: "page"}, {name: "standalone, first start"}, {name: "standalone, again"}, {name: "worker"}, {name: "starter serve"},
	}
	for round := range o.rounds {
		last := round == o.rounds-1
		if err := o.round(ctx, filepath.Join(dir, strconv.Itoa(round)), all, last); err != nil {
			return nil, err
		}
		for _, s := range all {
			fmt.Fprintf(out, "round %d: %s %.2f s\n", round+1, s.name, s.took[round])
		}
	}
	return all, nil
}

// round starts each program once, one after the other, and has worker and
// starter do a first push where working says so.
func (o startOptions) round(ctx context.Context, dir string, all *[numPrograms]started, working bool) error {
	if err := o.page(ctx, dir, &all[programPage]); err != nil {
		return err
	}
	p, err := o.standalone(ctx, dir, &all[programFirst])
	if err != nil {
		return err
	}
	p.stop()
	if p, err = o.standalone(ctx, dir, &all[programAgain]); err != nil {
		return err
	}
	defer p.stop()
	worker, err := o.beside(ctx, p, &all[programWorker], "ORGFLOW_METRICS_ADDR", "/healthz")
	if err != nil {
		return err
	}
	defer worker.stop()
	starter, err := o.beside(ctx, p, &all[programStarter], "ORGFLOW_HTTP_ADDR", "/readyz", "serve")
	if err != nil {
		return err
	}
	defer starter.stop()
	if !working {
		return nil
	}
	if err := p.source(ctx, hcmsim.Generate(o.departments, o.people, 1)); err != nil {
		return err
	}
	if err := p.empty(ctx, `{"qps": 0}`); err != nil {
		return err
	}
	if _, err := syncVia(ctx, starter.api, "{}"); err != nil {
		return err
	}
	if all[programWorker].working, err = peakRSS(worker.cmd.Process.Pid); err != nil {
		return err
	}
	all[programStarter].working, err = peakRSS(starter.cmd.Process.Pid)
	return err
}

// page starts the program that orgflow's are measured beside, and stops it.
func (o startOptions) page(ctx context.Context, dir string, s *started) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	addr, err := freePorts(1)
	if err != nil {
		return err
	}
	began := time.Now()
	p, err := start(dir, nil, filepath.Join(o.programs, "page"), filepath.Join(dir, "page.db"), addr[0])
	if err != nil {
		return err
	}
	defer p.stop()
	return s.await(ctx, p, began, "http://"+addr[0]+"/")
}

// standalone starts it where it may have been before. What it is asked to do
// it leaves to a worker.
func (o startOptions) standalone(ctx context.Context, dir string, s *started) (*process, error) {
	began := time.Now()
	p, err := launchStandalone(o.programs, dir, 0, []string{elsewhere})
	if err != nil {
		return nil, err
	}
	if err := s.await(ctx, p, began, p.api+"/readyz"); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// beside starts worker or starter on the database and the Temporal of a
// standalone, with an address that the setting names.
func (o startOptions) beside(ctx context.Context, of *process, s *started, setting, path string, args ...string) (*process, error) {
	addr, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	env := []string{"ORGFLOW_DATABASE_URL=" + of.database(), "ORGFLOW_TEMPORAL_ADDR=" + of.temporal, setting + "=" + addr[0]}
	program := "worker"
	if len(args) > 0 {
		program = "starter"
	}
	began := time.Now()
	p, err := start(of.dir, env, filepath.Join(o.programs, program), args...)
	if err != nil {
		return nil, err
	}
	p.api = "http://" + addr[0]
	if err := s.await(ctx, p, began, p.api+path); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// await waits until a program answers, and notes when it did and what memory
// it has then.
func (s *started) await(ctx context.Context, p *process, began time.Time, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err := pollEvery(ctx, 2*time.Millisecond, func() (bool, error) {
		_, err := send(ctx, "GET", url, "")
		return err == nil, nil
	})
	if err != nil {
		return fmt.Errorf("%s does not answer: %w", s.name, err)
	}
	s.took = append(s.took, time.Since(began).Seconds())
	size, err := peakRSS(p.cmd.Process.Pid)
	s.idle = max(s.idle, size)
	return err
}

func (o startOptions) rows(all *[numPrograms]started) (rows []row) {
	page := all[programPage]
	least := median(page.took)
	for _, s := range all[1:] {
		rows = append(rows, row{"start of " + s.name + ": until it is ready", seconds(median(s.took)), "a page over SQLite: " + seconds(least), median(s.took) / least, aim{}})
	}
	pageMB := float64(page.idle) / (1 << 20)
	for i, s := range all {
		if i == programPage || i == programAgain {
			continue
		}
		name, _, _ := strings.Cut(s.name, ",")
		idle := float64(s.idle) / (1 << 20)
		rows = append(rows, row{"memory of " + name + ", idle", megabytes(idle), "a page over SQLite: " + megabytes(pageMB), idle / pageMB, aim{}})
		if s.working > 0 {
			peak := float64(s.working) / (1 << 20)
			rows = append(rows, row{fmt.Sprintf("memory of %s, peak in a push of %s people", name, count(int64(o.people))), megabytes(peak), "idle: " + megabytes(idle), peak / idle, aim{}})
		}
	}
	return rows
}
