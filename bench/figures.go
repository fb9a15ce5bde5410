package main

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// sample is what one party did in one round.
type sample struct {
	took  time.Duration   // for all
	calls []time.Duration // each
	cpu   time.Duration   // of this process and the program, for all
}

// rate is calls per second.
func (s sample) rate() float64 { return float64(len(s.calls)) / s.took.Seconds() }

// samples are the rounds of one party.
type samples []sample

// rate is the median of the rounds' rates.
func (s samples) rate() float64 {
	rates := make([]float64, len(s))
	for i, one := range s {
		rates[i] = one.rate()
	}
	return median(rates)
}

// cpu is the processor's time per call, over all rounds.
func (s samples) cpu() time.Duration {
	var sum time.Duration
	n := 0
	for _, one := range s {
		sum, n = sum+one.cpu, n+len(one.calls)
	}
	return sum / time.Duration(n)
}

// percentile is how long p of 100 calls took at most, over all rounds.
func (s samples) percentile(p int) time.Duration {
	var all []time.Duration
	for _, one := range s {
		all = append(all, one.calls...)
	}
	slices.Sort(all)
	return all[min(len(all)*p/100, len(all)-1)]
}

// ratios compares rounds of two parties that were measured one right after the
// other, so that what else the machine does meets both: the median, and the
// extremes.
func ratios(ours, theirs samples) (middle, least, most float64) {
	list := make([]float64, len(ours))
	for i := range ours {
		list[i] = ours[i].rate() / theirs[i].rate()
	}
	return median(list), slices.Min(list), slices.Max(list)
}

func median[T cmp.Ordered](list []T) T {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// stopwatch collects how long calls took.
type stopwatch struct {
	began time.Time
	pid   int           // of the program that is called
	cpu   time.Duration // that it and this process had used before
	mu    sync.Mutex
	calls []time.Duration
}

func newStopwatch(pid int) (*stopwatch, error) {
	used, err := cpuTime(pid)
	return &stopwatch{began: time.Now(), pid: pid, cpu: used}, err
}

// time makes one call.
func (w *stopwatch) time(ctx context.Context, call func(context.Context) error) error {
	began := time.Now()
	if err := call(ctx); err != nil {
		return err
	}
	took := time.Since(began)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, took)
	return nil
}

func (w *stopwatch) stop() (sample, error) {
	s := sample{took: time.Since(w.began), calls: w.calls}
	used, err := cpuTime(w.pid)
	s.cpu = used - w.cpu
	return s, err
}
