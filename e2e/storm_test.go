//go:build linux

package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// plan says what storm is wanted.
type plan struct {
	length time.Duration // 0: the short one, a fixed list
	rare   bool          // minutes of calm between faults
	seed   uint64
	report string // a file besides what is printed
	logs   string // a directory for what the processes write
}

// planned reads what "make chaos" and "make soak" ask for.
func planned(t *testing.T) plan {
	t.Helper()
	p := plan{rare: os.Getenv("ORGFLOW_STORM_RARE") != "", report: os.Getenv("ORGFLOW_STORM_REPORT"), logs: os.Getenv("ORGFLOW_STORM_LOGS")}
	var err error
	if s := os.Getenv("ORGFLOW_STORM"); s != "" {
		if p.length, err = time.ParseDuration(s); err != nil || p.length <= 0 {
			t.Fatalf("ORGFLOW_STORM is %q: a duration such as 10m is needed", s)
		}
	}
	if p.seed, err = strconv.ParseUint(cmp.Or(os.Getenv("ORGFLOW_STORM_SEED"), strconv.Itoa(time.Now().Nanosecond())), 10, 64); err != nil {
		t.Fatalf("ORGFLOW_STORM_SEED is no number: %v", err)
	}
	if p.logs != "" {
		if err := os.MkdirAll(p.logs, 0o700); err != nil {
			t.Fatalf("ORGFLOW_STORM_LOGS: %v", err)
		}
	}
	return p
}

// Syncs, flows, pulls and loads go on while processes are killed and frozen,
// connections are cut, vendors are slow and lie, clocks jump and the disk is
// full; in the end everything is as if nothing had happened.
//
// Without ORGFLOW_STORM it is short: a fixed list, each once. See "make chaos"
// and "make soak".
func TestStorm(t *testing.T) {
	t.Parallel()
	p := planned(t)
	s := newStorm(t, p)
	t.Logf("seed %d", p.seed)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	strands := newStrands(s.cluster)
	weather := make(chan struct{}) // closed when it is over
	work := s.work(ctx, cancel, strands, weather)
	if p.length == 0 {
		s.strike(ctx, s.shortList())
	} else {
		s.rage(ctx)
	}
	s.heal()
	close(weather)
	work.await(s, cancel)
	if err := context.Cause(ctx); err != nil {
		t.Errorf("the storm ended early: %v", err)
	}
	for _, one := range strands {
		if t.Context().Err() == nil && work.ended(one) {
			s.report.lost(one.name(), one.losses(t.Context()))
		}
		if met, tells := one.(fmt.Stringer); tells {
			s.report.told(one.name(), met.String())
		}
	}
	if s.watch != nil {
		s.report.growth = s.watch.growth()
		t.Logf("medians of the second and of the last fifth of the time:\n%s", s.watch)
	}
	s.stops()
	s.report.print(t, p)
}

// workload is what the strands are doing.
type workload struct {
	done  chan struct{}
	mu    sync.Mutex
	clean map[string]bool // their last turn has ended in order
}

// patience is how long the turns under way when all is healed may take: steps
// that have failed several times are tried again up to two minutes later.
const patience = 6 * time.Minute

// work begins the strands. Each goes on until the weather is over and its turn
// has ended.
func (s *storm) work(ctx context.Context, cancel context.CancelCauseFunc, strands []strand, over <-chan struct{}) *workload {
	w := &workload{done: make(chan struct{}), clean: map[string]bool{}}
	var all sync.WaitGroup
	for _, one := range strands {
		all.Go(func() {
			ended := false
			defer func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				if w.clean[one.name()] = ended; !ended {
					cancel(errors.New(one.name() + " has not ended in order"))
				}
			}()
			for n := 0; ; n++ {
				began := time.Now()
				if err := one.turn(ctx, n); err != nil {
					s.t.Errorf("%s, turn %d: %v", one.name(), n, err)
					cancel(err)
					return
				}
				s.report.turned(one.name(), time.Since(began))
				select {
				case <-over:
					ended = true
					return
				case <-ctx.Done():
					return
				default:
				}
			}
		})
	}
	go func() { defer close(w.done); all.Wait() }()
	return w
}

// await waits for the last turns.
func (w *workload) await(s *storm, cancel context.CancelCauseFunc) {
	s.t.Helper()
	select {
	case <-w.done:
		return
	case <-time.After(patience):
		s.t.Errorf("%s after all was healed a turn has not ended", patience)
		cancel(errNotYet)
	}
	select {
	case <-w.done:
	case <-time.After(time.Minute):
		s.t.Error("a strand does not end when it is told to")
	}
}

func (w *workload) ended(one strand) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clean[one.name()]
}

// calmBefore is how long the work goes on before the first fault: by then it is
// known which vendors it asks.
const calmBefore = 10 * time.Second

// rage lets two hands draw faults until the time is over. Each takes from the
// same bag, in which every kind is once; when it is empty it is filled again.
func (s *storm) rage(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.plan.length)
	defer cancel()
	rest(ctx, calmBefore)
	if s.watch != nil {
		go s.looks(ctx)
	}
	bag := &bag{kinds: s.kinds(), random: rand.New(rand.NewPCG(s.plan.seed, 1)), struck: map[string]bool{}}
	hands, calm := 2, 4*time.Second
	if s.plan.rare {
		hands, calm = 1, 40*time.Second
	}
	var both sync.WaitGroup
	for n := range hands {
		both.Go(func() {
			random := rand.New(rand.NewPCG(s.plan.seed, uint64(10+n)))
			for ctx.Err() == nil {
				rest(ctx, time.Duration(random.Int64N(int64(calm))))
				f, length := bag.draw()
				s.inflict(ctx, f, length)
				bag.putBack(f)
			}
		})
	}
	both.Wait()
}

// looks lets the watch read once in five seconds.
func (s *storm) looks(ctx context.Context) {
	for ctx.Err() == nil {
		s.watch.look()
		rest(ctx, 5*time.Second)
	}
}

// strike injects a list one by one.
func (s *storm) strike(ctx context.Context, list []fault) {
	for _, f := range list {
		s.inflict(ctx, f, 2*time.Second)
	}
}

// inflict injects a fault, lets it last and heals it.
func (s *storm) inflict(ctx context.Context, f fault, length time.Duration) {
	if ctx.Err() != nil {
		return
	}
	began := time.Now()
	if err := f.inject(); err != nil {
		s.t.Errorf("inject %s of %s: %v", f.kind(), f.target(), err)
		return
	}
	s.logf("%s: %s for %s", f.kind(), f.target(), length.Round(100*time.Millisecond))
	rest(ctx, length)
	if err := f.heal(); err != nil {
		s.t.Errorf("heal %s of %s: %v", f.kind(), f.target(), err)
	}
	s.report.injected(f.kind(), time.Since(began))
}

// bag hands out faults. No two at a time are of the same kind or target.
type bag struct {
	mu     sync.Mutex
	kinds  []kind
	left   []kind
	struck map[string]bool // kinds and targets in use
	random *rand.Rand
}

func (b *bag) draw() (fault, time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		for i, k := range b.left {
			f := k.of[b.random.IntN(len(k.of))]
			if b.struck[f.kind()] || b.struck[f.target()] {
				continue
			}
			b.left = slices.Delete(b.left, i, i+1)
			b.struck[f.kind()], b.struck[f.target()] = true, true
			return f, k.least + time.Duration(b.random.Int64N(int64(k.most-k.least)))
		}
		more := slices.Clone(b.kinds)
		b.random.Shuffle(len(more), func(i, j int) { more[i], more[j] = more[j], more[i] })
		b.left = append(b.left, more...)
	}
}

func (b *bag) putBack(f fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.struck, f.kind())
	delete(b.struck, f.target())
}

// rest waits, at most until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
