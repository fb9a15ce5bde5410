package main

import (
	"bufio"
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

	"go.temporal.io/sdk/client"

	hcmsim "orgflow/connectors/hcm/sim"
)

// pushOptions are what is measured.
type pushOptions struct {
	departments int
	people      int
	latency     time.Duration
	parallel    int
	rounds      int
	most        float64
	programs    string
}

// push measures a first push beside a plain loop, in turn.
func push(ctx context.Context, args []string, out io.Writer) (rows []row, err error) {
	var o pushOptions
	f := flag.NewFlagSet("push", flag.ContinueOnError)
	f.IntVar(&o.departments, "departments", 1000, "departments below the root")
	f.IntVar(&o.people, "people", 10000, "people")
	f.DurationVar(&o.latency, "latency", 20*time.Millisecond, "latency of the simulated vendor")
	f.IntVar(&o.parallel, "parallel", 32, "calls in flight of the plain loop; orgflow has as many")
	f.IntVar(&o.rounds, "rounds", 3, "how often both are measured; the medians are compared")
	f.Float64Var(&o.most, "most", 1.5, "fail where orgflow takes more than this many times the loop's time; 0: never")
	f.StringVar(&o.programs, "programs", "", programsFlag)
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	dir, err := workplace(ctx, &o.programs, "standalone")
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err != nil {
		return nil, err
	}
	var list []figures
	for round := range o.rounds {
		r, err := measure(ctx, o, filepath.Join(dir, strconv.Itoa(round)), round)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
		fmt.Fprintf(out, "round %d: orgflow %v, plain loop %v (%d calls each), ratio %.2f\n",
			round+1, r.orgflow.Round(time.Millisecond), r.loop.Round(time.Millisecond), r.calls, r.orgflow.Seconds()/r.loop.Seconds())
	}
	return o.rows(list), nil
}

func (o pushOptions) rows(list []figures) []row {
	var ours, loops []float64
	var peak int64
	var events int
	for _, r := range list {
		ours, loops = append(ours, r.orgflow.Seconds()), append(loops, r.loop.Seconds())
		peak, events = max(peak, r.peakRSS), max(events, r.events)
	}
	what := fmt.Sprintf("first push of %s people, %s departments, latency %v: ", count(int64(o.people)), count(int64(o.departments)), o.latency)
	return []row{
		{what + "time", seconds(median(ours)), "plain loop: " + seconds(median(loops)), median(ours) / median(loops), aim{most: o.most}},
		allowed(what+"memory of standalone, simulators and Temporal included", float64(peak)/(1<<20), 600, megabytes),
		allowed(what+"longest history", float64(events), 5000, func(n float64) string { return fmt.Sprintf("%s events", count(int64(n))) }),
	}
}

// figures are one round's measurements.
type figures struct {
	orgflow, loop time.Duration
	calls         int
	peakRSS       int64 // bytes
	events        int
}

// measure starts a fresh standalone in dir, times one sync run, then the loop
// on emptied simulators.
func measure(ctx context.Context, o pushOptions, dir string, round int) (figures, error) {
	p, err := startStandalone(ctx, o.programs, dir, nil)
	if err != nil {
		return figures{}, err
	}
	defer p.stop()
	if err := p.source(ctx, hcmsim.Generate(o.departments, o.people, int64(round+1))); err != nil {
		return figures{}, err
	}
	settings := fmt.Sprintf(`{"qps": 0, "latency_ms": %d}`, o.latency.Milliseconds())
	if err := p.empty(ctx, settings); err != nil {
		return figures{}, err
	}
	var f figures
	if f.orgflow, err = p.sync(ctx); err != nil {
		return f, err
	}
	if f.peakRSS, err = peakRSS(p.cmd.Process.Pid); err != nil {
		return f, err
	}
	if f.events, err = p.longestHistory(ctx); err != nil {
		return f, err
	}
	if err := p.empty(ctx, settings); err != nil {
		return f, err
	}
	began := time.Now()
	f.calls, err = plainLoop(ctx, p.sim, o.parallel)
	f.loop = time.Since(began)
	return f, err
}

// sync runs the first push and returns its wall time, start to summary.
func (p *process) sync(ctx context.Context) (time.Duration, error) { return syncVia(ctx, p.api, "{}") }

// syncVia runs a sync with these params and returns its wall time, start to
// summary.
func syncVia(ctx context.Context, api, params string) (time.Duration, error) {
	began := time.Now()
	started, err := postJSON[struct{ ID string }](ctx, api+"/api/v1/sync-runs",
		`{"services":["org_new","person_new"],"consumer":"ding_talk","company_id":900,"params":`+params+`}`)
	if err != nil {
		return 0, err
	}
	var summary struct {
		Status string
		Error  any
	}
	err = poll(ctx, func() (bool, error) {
		summary, err = get[struct {
			Status string
			Error  any
		}](ctx, api+"/api/v1/sync-runs/"+started.ID)
		return summary.Status != "running", err
	})
	if err == nil && summary.Status != "completed" {
		err = fmt.Errorf("the run ended %s: %v", summary.Status, summary.Error)
	}
	return time.Since(began), err
}

// longestHistory asks Temporal how many events the longest history has.
func (p *process) longestHistory(ctx context.Context) (int, error) {
	cl, err := client.DialContext(ctx, client.Options{HostPort: p.temporal, Logger: quiet{}})
	if err != nil {
		return 0, err
	}
	defer cl.Close()
	longest := 0
	list, err := cl.ListWorkflow(ctx, listAll)
	if err != nil {
		return 0, err
	}
	for _, e := range list.GetExecutions() {
		longest = max(longest, int(e.GetHistoryLength()))
	}
	return longest, nil
}

// peakRSS reads a process's largest resident size from the kernel.
func peakRSS(pid int) (int64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("no VmHWM of process %d", pid)
}
