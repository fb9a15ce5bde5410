package transport

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"orgflow"
)

// most is the largest number of times in any one second.
func most(times []time.Time) int {
	slices.SortFunc(times, time.Time.Compare)
	best, from := 0, 0
	for i, t := range times {
		for t.Sub(times[from]) >= time.Second {
			from++
		}
		best = max(best, i-from+1)
	}
	return best
}

// load is several worker processes that call one vendor as fast as their
// common budget lets them.
type load struct {
	qps     float64
	workers int
	callers int // of each worker
	calls   int // of each caller
	seed    uint64
	ahead   time.Duration // the ledger's clock

	ledger  func(*rand.Rand) time.Duration // one way to the ledger
	oversee func(*rand.Rand) time.Duration // how late a sleeper wakes
	connect func(*rand.Rand) time.Duration // from the turn to a connection
	leave   func(*rand.Rand) time.Duration // from there to the wire
}

func none(*rand.Rand) time.Duration { return 0 }

// run returns when the calls were on the wire.
func (l load) run(t *testing.T) (wire []time.Time) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		random := rand.New(rand.NewPCG(l.seed, 0))
		draw := func(f func(*rand.Rand) time.Duration) time.Duration {
			mu.Lock()
			defer mu.Unlock()
			return f(random)
		}
		shared := &ledger{ahead: l.ahead, delay: func() time.Duration { return draw(l.ledger) }}
		vendor := Func(func(req *http.Request) (*http.Response, error) {
			if err := board(req, draw(l.connect)); err != nil {
				return nil, err
			}
			time.Sleep(draw(l.leave))
			mu.Lock()
			wire = append(wire, time.Now())
			mu.Unlock()
			httptrace.ContextClientTrace(req.Context()).WroteRequest(httptrace.WroteRequestInfo{})
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
		})
		var wg sync.WaitGroup
		for range l.workers {
			s := NewShared(shared, l.qps)
			s.sleep = func(ctx context.Context, d time.Duration) error { return Wait(ctx, d+draw(l.oversee)) }
			chain := Chain(vendor, Rate(s))
			for range l.callers {
				wg.Go(func() {
					for range l.calls {
						mustCall(t, chain)
					}
				})
			}
		}
		wg.Wait()
		time.Sleep(repayWithin) // debts are paid in the background
	})
	return wire
}

// board gets a request its connection, as net/http does.
func board(req *http.Request, dial time.Duration) error {
	time.Sleep(dial)
	httptrace.ContextClientTrace(req.Context()).GotConn(httptrace.GotConnInfo{})
	return req.Context().Err()
}

// mustCall makes one call; one that got no turn is made again.
func mustCall(t *testing.T, chain http.RoundTripper) {
	for {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x", nil)
		if err != nil {
			t.Error(err)
			return
		}
		_, err = chain.RoundTrip(req)
		if err == nil {
			return
		}
		if orgflow.AsFault(err).Code != orgflow.CodeThrottled {
			t.Error(err)
			return
		}
		time.Sleep(time.Second)
	}
}

// used is the share of the budget that the calls used, the last second left
// out, in which workers have run out of work.
func (l load) used(wire []time.Time) float64 {
	slices.SortFunc(wire, time.Time.Compare)
	end := wire[len(wire)-1].Add(-time.Second)
	n := 0
	for n < len(wire) && wire[n].Before(end) {
		n++
	}
	return float64(n) / end.Sub(wire[0]).Seconds() / l.qps
}

// upTo draws evenly below d.
func upTo(d time.Duration) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration { return time.Duration(r.Int64N(int64(d))) }
}

// sometimes draws like rare once in n times, else like usual.
func sometimes(n int, usual, rare func(*rand.Rand) time.Duration) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration {
		if r.IntN(n) == 0 {
			return rare(r)
		}
		return usual(r)
	}
}

// Whatever holds a worker up before its call is on the wire (a busy machine,
// garbage collection, a stopped process, a new connection, a database that is
// slow), no second has more calls than the budget.
func TestNoSecondHasMoreThanTheBudget(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pause := upTo(time.Duration(rapid.IntRange(1, 3000).Draw(rt, "pause")) * time.Millisecond)
		rare := rapid.IntRange(2, 50).Draw(rt, "one in")
		l := load{
			qps: float64(rapid.SampledFrom([]int{5, 18, 60, 200}).Draw(rt, "qps")), workers: rapid.IntRange(1, 4).Draw(rt, "workers"),
			callers: rapid.IntRange(1, 16).Draw(rt, "callers"), calls: 12,
			seed: rapid.Uint64().Draw(rt, "seed"), ahead: time.Duration(rapid.IntRange(-5000, 5000).Draw(rt, "ahead")) * time.Millisecond,
			ledger:  upTo(3 * time.Millisecond),
			oversee: sometimes(rare, upTo(2*time.Millisecond), pause),
			connect: sometimes(rare, upTo(2*time.Millisecond), pause),
			leave:   upTo(25 * time.Millisecond),
		}
		wire := l.run(t)
		if n := most(wire); n > int(l.qps) {
			rt.Fatalf("%d calls in one second, the budget is %v", n, l.qps)
		}
	})
}

// A call that is held up in the very last moment cannot be called back, but
// the slot after it stays unused. Several that are held up together are paid
// for one after the other, the last of them maybe too late for their second.
func TestALateCallCostsASlot(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := load{
			qps: 18, workers: rapid.IntRange(1, 4).Draw(rt, "workers"), callers: 16, calls: 12,
			seed: rapid.Uint64().Draw(rt, "seed"), ledger: upTo(2 * time.Millisecond), oversee: none, connect: none,
			leave: alone(sometimes(rapid.IntRange(1, 20).Draw(rt, "one in"), none, upTo(500*time.Millisecond))),
		}
		if n := most(l.run(t)); n > int(l.qps) {
			rt.Fatalf("%d calls in one second, the budget is %v", n, l.qps)
		}
	})
}

// alone draws like f, but nothing from a delay until a second after it.
func alone(f func(*rand.Rand) time.Duration) func(*rand.Rand) time.Duration {
	var until time.Time
	return func(r *rand.Rand) time.Duration {
		d := f(r)
		if d == 0 || time.Now().Before(until) {
			return 0
		}
		until = time.Now().Add(d + time.Second)
		return d
	}
}

func TestTheBudgetIsUsed(t *testing.T) {
	for _, qps := range []float64{1, 5, 18, 60, 200} {
		for _, workers := range []int{1, 2, 4, 8} {
			l := load{qps: qps, workers: workers, callers: 16, calls: 20, seed: 1, ahead: time.Hour,
				ledger: upTo(2 * time.Millisecond), oversee: upTo(time.Millisecond), connect: upTo(time.Millisecond), leave: upTo(time.Millisecond)}
			wire := l.run(t)
			if n := most(wire); n > int(qps) {
				t.Errorf("%d workers: %d calls in one second, the budget is %v", workers, n, qps)
			}
			if used := l.used(wire); used < 0.95 {
				t.Errorf("%d workers use %.1f %% of %v a second", workers, used*100, qps)
			}
		}
	}
}
