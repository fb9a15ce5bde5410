package wecom

import (
	"context"
	"sync"
	"time"
)

// turn is a lock that a context can give up waiting for.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) give() { <-t }

// lanes bounds the calls under way. Each "too many at once" halves them, and
// a hundred quiet calls give one back (WeCom reference § 11, 45033).
type lanes struct {
	mu          sync.Mutex
	limit, most int
	busy, calm  int
	changed     chan struct{} // closed and replaced when room may have appeared
}

const calmCalls = 100

func newLanes(most int) *lanes {
	return &lanes{limit: most, most: most, changed: make(chan struct{})}
}

func (l *lanes) enter(ctx context.Context) error {
	for {
		l.mu.Lock()
		if l.busy < l.limit {
			l.busy++
			l.mu.Unlock()
			return nil
		}
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leave ends a call; crowded says that there were too many.
func (l *lanes) leave(crowded bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy--
	switch {
	case crowded:
		l.limit, l.calm = max(1, l.limit/2), 0
	case l.limit < l.most:
		if l.calm++; l.calm >= calmCalls {
			l.limit, l.calm = l.limit+1, 0
		}
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// How long a frequency limit blocks an API. 45009 does not name its window:
// the first is taken for the minute's, the next in a row for the hour's, and
// a third for a day's or a month's, which no run waits for (WeCom reference
// § 10).
const (
	minuteBlock = time.Minute
	hourBlock   = time.Hour
)

// frequency remembers which APIs are blocked. Calls made in spite of a block
// would only prolong it, so none is.
type frequency struct {
	mu   sync.Mutex
	apis map[string]*block
}

type block struct {
	until   time.Time
	strikes int // in a row
}

func newFrequency() *frequency { return &frequency{apis: map[string]*block{}} }

// left is how long an API is still blocked.
func (f *frequency) left(path string, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b := f.apis[path]; b != nil && b.strikes <= 2 {
		return b.until.Sub(now)
	}
	return 0
}

// hit notes a 45009 and tells how long to wait, or that waiting is of no
// use. Calls that were under way when the block began count with it.
func (f *frequency) hit(path string, began, now time.Time) (wait time.Duration, hopeless bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.apis[path]
	if b == nil {
		b = &block{}
		f.apis[path] = b
	}
	if b.strikes > 0 && began.Before(b.until) {
		return max(b.until.Sub(now), 0), b.strikes > 2
	}
	b.strikes++
	switch b.strikes {
	case 1:
		b.until = now.Add(minuteBlock)
	case 2:
		b.until = now.Add(hourBlock)
	default:
		b.until = now
		return 0, true
	}
	return b.until.Sub(now), false
}

// passed notes that an API answered: the next 45009 is a first one.
func (f *frequency) passed(path string, began time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b := f.apis[path]; b != nil && !began.Before(b.until) {
		delete(f.apis, path)
	}
}
