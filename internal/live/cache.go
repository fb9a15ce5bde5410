package live

import (
	"context"
	"errors"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"orgflow"
)

// maxKept bounds the answers in memory, of whatever size.
const maxKept = 128

// keepRefusal is how long an answer is kept that will not be another one
// soon: that somebody is not there, or that the quota is used up. Without it
// a board that asks for somebody who left would use the quota up.
const keepRefusal = 30 * time.Second

// cache keeps answers for a while and lets equal questions share one read.
type cache struct {
	now     func() time.Time
	timeout time.Duration // of a read

	group singleflight.Group
	mu    sync.Mutex
	kept  map[string]answer
}

type answer struct {
	value  any
	err    error // instead of a value
	calls  int
	readAt time.Time
	until  time.Time
}

// read returns the kept answer to a question, or joins or begins a read of
// it. The read goes on when the caller cannot wait any longer: what it has
// cost so far is not spent again, because the next caller joins it.
func read[T any](ctx context.Context, c *cache, key string, life time.Duration, ask func(context.Context) (T, int, error)) (orgflow.Viewed[T], error) {
	if a, ok := c.get(key); ok {
		return viewed[T](a)
	}
	done := c.group.DoChan(key, func() (any, error) {
		if a, ok := c.get(key); ok { // it came between the look and the read
			return a, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timeout)
		defer cancel()
		value, calls, err := guarded(ctx, ask)
		a := answer{value: value, err: tooLong(ctx, err), calls: calls, readAt: c.now()}
		if life := lifeOf(err, life); life > 0 {
			a.until = a.readAt.Add(life)
			c.put(key, a)
		}
		return a, nil
	})
	select {
	case r := <-done:
		return viewed[T](r.Val.(answer))
	case <-ctx.Done():
		return orgflow.Viewed[T]{}, impatient(ctx)
	}
}

func viewed[T any](a answer) (orgflow.Viewed[T], error) {
	return orgflow.Viewed[T]{Data: a.value.(T), ReadAt: a.readAt, Calls: a.calls}, a.err
}

// lifeOf is how long an answer is kept; 0 is not at all.
func lifeOf(err error, life time.Duration) time.Duration {
	if err == nil {
		return life
	}
	switch orgflow.AsFault(err).Code {
	case orgflow.CodeNotFound, orgflow.CodeQuota:
		return keepRefusal
	default:
		return 0
	}
}

// guarded makes an error of a panic: nobody else would catch it here.
func guarded[T any](ctx context.Context, ask func(context.Context) (T, int, error)) (value T, calls int, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = orgflow.Faultf(orgflow.CodeInternal, "panic while reading: %v\n%s", v, debug.Stack())
		}
	}()
	return ask(ctx)
}

// askAgain is how long a caller is told to wait for a read that goes on.
const askAgain = 10 * time.Second

// impatient is for a caller who cannot wait for the read.
func impatient(ctx context.Context) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ctx.Err()
	}
	return &orgflow.Fault{
		Code: orgflow.CodeUnavailable, Message: "reading takes longer than a request may wait; it goes on, and the answer will be kept for a moment",
		Advice: "ask the same again after the seconds that the header Retry-After names", RetryAfter: askAgain, Err: ctx.Err(),
	}
}

// tooLong explains a read that met its own deadline.
func tooLong(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return &orgflow.Fault{Code: orgflow.CodeUnavailable, Message: "reading took too long and was given up", Advice: "ask for less, or try again when fewer runs are under way", Err: err}
}

func (c *cache) get(key string) (answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.kept[key]
	return a, ok && c.now().Before(a.until)
}

// put keeps an answer, and drops what has expired, or else the oldest one
// where there are too many.
func (c *cache) put(key string, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = map[string]answer{}
	}
	maps.DeleteFunc(c.kept, func(_ string, old answer) bool { return !a.readAt.Before(old.until) })
	if len(c.kept) >= maxKept {
		oldest := slices.MinFunc(slices.Collect(maps.Keys(c.kept)), func(x, y string) int { return c.kept[x].readAt.Compare(c.kept[y].readAt) })
		delete(c.kept, oldest)
	}
	c.kept[key] = a
}
