package signin

import (
	"net/netip"
	"sync"
	"time"
)

const (
	triesWindow = 10 * time.Minute
	maxFailures = 20  // of one address in a window
	maxStarts   = 600 // the same; a whole company may sit behind one address
	maxTracked  = 20_000
)

// tries counts, by address, how often somebody began to sign in and how often
// they failed. The counts are of this process: with several servers an
// address has as many tries at each.
type tries struct {
	now func() time.Time

	mu sync.Mutex
	by map[string]*count
}

type count struct {
	since            time.Time
	starts, failures int
}

func newTries(now func() time.Time) *tries { return &tries{now: now, by: map[string]*count{}} }

// of returns the counts of an address. The caller holds the lock.
func (t *tries) of(address string) *count {
	// Who has an IPv6 address has a whole /64 of them.
	if ip, err := netip.ParseAddr(address); err == nil && ip.Is6() && !ip.Is4In6() {
		if net, err := ip.Prefix(64); err == nil {
			address = net.String()
		}
	}
	now := t.now()
	c := t.by[address]
	if c == nil || now.Sub(c.since) >= triesWindow {
		if len(t.by) >= maxTracked {
			clear(t.by)
		}
		c = &count{since: now}
		t.by[address] = c
	}
	return c
}

// wait is how long an address has to wait before it may try again; zero is
// not at all.
func (t *tries) wait(address string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.of(address)
	if c.failures < maxFailures && c.starts < maxStarts {
		return 0
	}
	return triesWindow - t.now().Sub(c.since)
}

func (t *tries) began(address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of(address).starts++
}

func (t *tries) failed(address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of(address).failures++
}
