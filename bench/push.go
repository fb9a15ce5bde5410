package main

import (
	"bufio"
	"context"
	"encoding/json"
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
	binary      string
}

// push measures a first push beside a plain loop, in turn, and prints the
// table.
func push(ctx context.Context, args []string, out io.Writer) (err error) {
	var o pushOptions
	f := flag.NewFlagSet("push", flag.ContinueOnError)
	f.IntVar(&o.departments, "departments", 1000, "departments below the root")
	f.IntVar(&o.people, "people", 10000, "people")
	f.DurationVar(&o.latency, "latency", 0, "latency of the simulated vendor, e.g. 5ms")
	f.IntVar(&o.parallel, "parallel", 32, "calls in flight of the plain loop; orgflow has 4 pages of 8")
	f.IntVar(&o.rounds, "rounds", 3, "how often both are measured; the medians are compared")
	f.StringVar(&o.binary, "standalone", "", "a built standalone; empty builds one")
	if err := f.Parse(args); err != nil {
		return err
	}
	dir, err := workplace(ctx, &o.binary)
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err != nil {
		return err
	}
	var ours, loops []time.Duration
	var peak int64
	var events int
	for round := range o.rounds {
		r, err := measure(ctx, o, filepath.Join(dir, strconv.Itoa(round)), round)
		if err != nil {
			return err
		}
		ours, loops = append(ours, r.orgflow), append(loops, r.loop)
		peak, events = max(peak, r.peakRSS), max(events, r.events)
		fmt.Fprintf(out, "round %d: orgflow %v, plain loop %v (%d calls each), ratio %.2f\n",
			round+1, r.orgflow.Round(time.Millisecond), r.loop.Round(time.Millisecond), r.calls, r.orgflow.Seconds()/r.loop.Seconds())
	}
	a, b := median(ours), median(loops)
	fmt.Fprintf(out, "\nfirst push, %d people, %d departments, vendor latency %v, %d calls in flight\n", o.people, o.departments, o.latency, o.parallel)
	fmt.Fprintf(out, "  plain Go loop            1.00 x\n")
	fmt.Fprintf(out, "  orgflow                  %.2f x   (medians of %d rounds: %v against %v)\n", a.Seconds()/b.Seconds(), o.rounds, a.Round(time.Millisecond), b.Round(time.Millisecond))
	fmt.Fprintf(out, "  peak memory of standalone, simulators and Temporal included: %d MB\n", peak>>20)
	fmt.Fprintf(out, "  events in the longest workflow history: %d\n", events)
	return nil
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
	p, err := startStandalone(ctx, o.binary, dir, nil)
	if err != nil {
		return figures{}, err
	}
	defer p.stop()
	state, err := json.Marshal(hcmsim.Generate(o.departments, o.people, int64(round+1)))
	if err != nil {
		return figures{}, err
	}
	settings := fmt.Sprintf(`{"qps": 0, "latency_ms": %d}`, o.latency.Milliseconds())
	for path, body := range map[string]string{"hcm/state": string(state), "dingtalk/options": settings} {
		if err := put(ctx, p.sim+"/_sim/"+path, body); err != nil {
			return figures{}, err
		}
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
	if err := post(ctx, p.sim+"/_sim/dingtalk/reset", ""); err != nil {
		return f, err
	}
	if err := put(ctx, p.sim+"/_sim/dingtalk/options", settings); err != nil {
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
