package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// rateOf is the budget the workers of the rate tests share.
const rateOf = 30

// Two, then four worker processes share one rate budget: the vendor never
// sees more calls in a second than are configured, whatever second is looked
// at, reads and token calls included, and its own limit, which is as strict,
// refuses none. While there is work for all, the budget is used.
//
// The test runs alone. A busy machine leaves the budget unused, for slots that
// come late are given up: so the lower bound is measured up to five times, and
// not judged where the machine wakes sleepers late each time. The upper bound
// holds always.
func TestTheRateBudgetOverWorkers(t *testing.T) {
	s := newSite(t)
	for i, workers := range []int{2, 4} {
		t.Run(fmt.Sprint(workers, " workers"), func(t *testing.T) {
			for try := 1; ; try++ {
				p := newRatedPlant(t, s, 2000+100*i+try, workers)
				late := oversleeping(t.Context())
				_ = p.await(t.Context())
				slow := late()
				calls := p.arrivals()
				peak, used := peakOf(calls), p.steady(calls)
				t.Logf("%d calls, at most %d in a second, %.1f %% of the budget used; %.1f %% of sleepers woke late", len(calls), peak, used*100, slow*100)
				if r := p.sim.Desk().Requests(); peak > rateOf || r.Throttled > 0 {
					t.Fatalf("%d calls in one second, %d are configured; %d were refused; milliseconds since the call before:%s",
						peak, rateOf, r.Throttled, gaps(calls))
				}
				if used >= 0.95 {
					return
				}
				if try == 5 && slow > 0.01 {
					t.Log("this machine is too busy to judge how much of the budget is used")
					return
				}
				if try == 5 {
					t.Fatalf("%.1f %% of the budget used, want 95 %%", used*100)
				}
			}
		})
	}
}

// oversleeping measures, until the result is asked for, which share of short
// sleeps the machine ends too late for a slot to be used.
func oversleeping(ctx context.Context) (share func() float64) {
	ctx, stop := context.WithCancel(ctx)
	result := make(chan float64, 1)
	go func() {
		const nap, patience = 10 * time.Millisecond, 5 * time.Millisecond
		tick := time.NewTimer(nap)
		defer tick.Stop()
		naps, late := 0.0, 0.0
		for due := time.Now().Add(nap); ; due = time.Now().Add(nap) {
			select {
			case <-ctx.Done():
				result <- late / max(1, naps)
				return
			case <-tick.C:
			}
			naps++
			if time.Since(due) > patience {
				late++
			}
			tick.Reset(nap)
		}
	}()
	return func() float64 { stop(); return <-result }
}

// A vendor that says too fast is obeyed by all workers: they pause, no
// record fails for it, nothing is done twice, and then they are as fast as
// before.
func TestAThrottleAnswerPausesAllWorkers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := newRatedPlant(t, s, 3000, 4)
	people := func() int { return len(p.ding().Users) }
	eventually(t, time.Minute, 5*time.Millisecond, "the first people", func() error {
		if people() < 20 {
			return errNotYet
		}
		return nil
	})
	p.faults(object{"path": "/topapi/v2/user/*", "errcode": 90018})
	eventually(t, time.Minute, 5*time.Millisecond, "refused calls", func() error {
		if p.sim.Desk().Requests().Rejected < 5 {
			return errNotYet
		}
		return nil
	})
	must(t, "DELETE", p.simURL("dingtalk", "faults"), "", nil)
	ended := time.Now()
	sum := p.await(t.Context())
	if a := sum.Applied["person"]["insert"]; a.Done != ratedPeople || a.Failed != 0 || a.Blocked != 0 || sum.Throttled == 0 {
		t.Errorf("applied %+v, throttled %d", sum.Applied, sum.Throttled)
	}
	for key, n := range p.created() {
		if n != 1 {
			t.Errorf("%s was created %d times", key, n)
		}
	}
	p.inStepOf(p.id)
	after := slices.DeleteFunc(p.arrivals(), func(c arrival) bool { return c.at.Before(ended.Add(5 * time.Second)) })
	used := p.steady(after)
	t.Logf("%d answers said too fast; afterwards %.1f %% of the budget used", p.sim.Desk().Requests().Rejected, used*100)
	if peak := peakOf(p.arrivals()); peak > rateOf {
		t.Errorf("%d calls in one second, %d are configured", peak, rateOf)
	}
	if used < 0.4 { // beside other tests the machine may be busy; standing still would be seen
		t.Errorf("%.1f %% of the budget used afterwards", used*100)
	}
}

// ratedPeople are enough for ten seconds at the rate.
const ratedPeople = 300

// ratedPlant is a company with a rate and several workers, and its first run.
type ratedPlant struct {
	*plant
	end func(ctx context.Context) summary
}

func newRatedPlant(t *testing.T, s *site, id, workers int) *ratedPlant {
	t.Helper()
	p := newPlant(t, s, id, rateOf, nil)
	must(t, "PUT", p.simURL("dingtalk", "options"), fmt.Sprintf(`{"qps": 0, "qps_per_app": %d}`, rateOf), nil)
	p.load(generated(t, 12, ratedPeople))
	for range workers {
		p.worker()
	}
	run := p.begin(t.Context())
	return &ratedPlant{p, func(ctx context.Context) (sum summary) {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
		defer cancel()
		if err := run.Get(ctx, &sum); err != nil {
			t.Fatal(err)
		}
		if sum.Status != "completed" {
			t.Fatalf("the run is %s: %+v", sum.Status, sum)
		}
		return sum
	}}
}

// await returns the summary of the run, which must complete.
func (p *ratedPlant) await(ctx context.Context) summary { return p.end(ctx) }

// arrival is a call's moment at the vendor.
type arrival struct {
	path string
	at   time.Time
}

// arrivals are all calls, in order.
func (p *plant) arrivals() []arrival {
	var out []arrival
	for _, e := range p.sim.Desk().Requests().Log {
		out = append(out, arrival{e.Path, e.At})
	}
	slices.SortFunc(out, func(a, b arrival) int { return a.at.Compare(b.at) })
	return out
}

// created counts the people created, by userid.
func (p *plant) created() map[string]int {
	out := map[string]int{}
	for _, e := range p.sim.Desk().Requests().Log {
		if e.Path == userCreate && e.Outcome == "ok" {
			out[e.Key]++
		}
	}
	return out
}

// peakOf is the largest number of calls in any one second.
func peakOf(calls []arrival) int {
	best, from := 0, 0
	for i, c := range calls {
		for c.at.Sub(calls[from].at) >= time.Second {
			from++
		}
		best = max(best, i-from+1)
	}
	return best
}

// gaps are the milliseconds between the calls of the fullest second and some
// before and after.
func gaps(calls []arrival) string {
	best, at, from := 0, 0, 0
	for i, c := range calls {
		for c.at.Sub(calls[from].at) >= time.Second {
			from++
		}
		if n := i - from + 1; n > best {
			best, at = n, i
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, " (%s after the first call)", calls[at].at.Sub(calls[0].at).Round(time.Millisecond))
	for i := max(1, at-best-5); i < min(len(calls), at+5); i++ {
		fmt.Fprintf(&b, " %d", calls[i].at.Sub(calls[i-1].at).Milliseconds())
	}
	return b.String()
}

// steady is the share of the budget used while people are inserted, the
// first and the last second left out.
func (p *plant) steady(calls []arrival) float64 {
	isInsert := func(c arrival) bool { return c.path == userCreate }
	first := slices.IndexFunc(calls, isInsert)
	if first < 0 {
		p.t.Fatal("nobody was inserted")
	}
	last := first
	for i, c := range calls {
		if isInsert(c) {
			last = i
		}
	}
	from, to := calls[first].at.Add(time.Second), calls[last].at.Add(-time.Second)
	n := 0
	for _, c := range calls {
		if !c.at.Before(from) && c.at.Before(to) {
			n++
		}
	}
	return float64(n) / to.Sub(from).Seconds() / rateOf
}
