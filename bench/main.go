// Command bench measures a first push side by side with a plain Go loop that
// makes the same HTTP calls with the same parallelism, both against the same
// simulators in one run, and prints the ratio.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

// options are what is measured.
type options struct {
	departments int
	people      int
	latency     time.Duration
	parallel    int
	rounds      int
	binary      string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var o options
	flag.IntVar(&o.departments, "departments", 1000, "departments below the root")
	flag.IntVar(&o.people, "people", 10000, "people")
	flag.DurationVar(&o.latency, "latency", 0, "latency of the simulated vendor, e.g. 5ms")
	flag.IntVar(&o.parallel, "parallel", 32, "calls in flight of the plain loop; orgflow has 4 pages of 8")
	flag.IntVar(&o.rounds, "rounds", 3, "how often both are measured; the medians are compared")
	flag.StringVar(&o.binary, "standalone", "", "a built standalone; empty builds one")
	flag.Parse()
	if err := run(ctx, o); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures both in turn and prints the table.
func run(ctx context.Context, o options) error {
	var ours, loops []time.Duration
	var peak int64
	var events int
	for round := range o.rounds {
		r, err := measure(ctx, o, round)
		if err != nil {
			return err
		}
		ours, loops = append(ours, r.orgflow), append(loops, r.loop)
		peak, events = max(peak, r.peakRSS), max(events, r.events)
		fmt.Printf("round %d: orgflow %v, plain loop %v (%d calls each), ratio %.2f\n",
			round+1, r.orgflow.Round(time.Millisecond), r.loop.Round(time.Millisecond), r.calls, r.orgflow.Seconds()/r.loop.Seconds())
	}
	a, b := median(ours), median(loops)
	fmt.Printf("\nfirst push, %d people, %d departments, vendor latency %v, %d calls in flight\n", o.people, o.departments, o.latency, o.parallel)
	fmt.Printf("  plain Go loop            1.00 x\n")
	fmt.Printf("  orgflow                  %.2f x   (medians of %d rounds: %v against %v)\n", a.Seconds()/b.Seconds(), o.rounds, a.Round(time.Millisecond), b.Round(time.Millisecond))
	fmt.Printf("  peak memory of standalone, simulators and Temporal included: %d MB\n", peak>>20)
	fmt.Printf("  events in the longest workflow history: %d\n", events)
	return nil
}
