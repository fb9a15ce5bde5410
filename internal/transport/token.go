package transport

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"orgflow"
)

// Times of a token's life.
const (
	renewEarly   = 10 * time.Minute // before the end of a long life; a fifth of a short one
	renewTimeout = 30 * time.Second // of one renewal, whoever waits for it
	renewPause   = 30 * time.Second // after a failed early renewal, while the old token still works
)

// FetchToken asks the vendor for a token and says how long it lives.
type FetchToken func(ctx context.Context) (value string, life time.Duration, err error)

// TokenCache keeps one token for all callers of an application. It renews
// the token a little before its end, and at most once at a time: callers
// that need the renewal share it.
//
// A vendor may answer a renewal with the same value, its life extended.
type TokenCache struct {
	fetch    FetchToken
	now      func() time.Time
	renewals atomic.Int64

	mu      sync.Mutex
	current Token
	renewAt time.Time
	expires time.Time
	flight  *flight // the renewal under way, or nil
}

// Token is a token in hand.
type Token struct {
	Value string
	// Fetched: this very call to the cache started the renewal.
	Fetched bool

	generation uint64 // tells a renewed token from an earlier one with the same value
}

type flight struct {
	done  chan struct{}
	token Token
	err   error
}

// NewTokenCache returns an empty cache. A nil clock is time.Now.
func NewTokenCache(fetch FetchToken, now func() time.Time) *TokenCache {
	if now == nil {
		now = time.Now
	}
	return &TokenCache{fetch: fetch, now: now}
}

// Token returns the current token, renewed if its time has come. The wait
// ends with the caller's context; the renewal goes on for the others. The
// error is that of the fetch, or the context's.
func (c *TokenCache) Token(ctx context.Context) (Token, error) {
	if err := ctx.Err(); err != nil {
		return Token{}, err
	}
	c.mu.Lock()
	if c.current.Value != "" && c.now().Before(c.renewAt) {
		token := c.current
		c.mu.Unlock()
		return token, nil
	}
	f, started := c.flight, false
	if f == nil {
		f, started = &flight{done: make(chan struct{})}, true
		c.flight = f
		go c.renew(context.WithoutCancel(ctx), f)
	}
	c.mu.Unlock()

	select {
	case <-f.done:
		token := f.token
		token.Fetched = started
		return token, f.err
	case <-ctx.Done():
		return Token{Fetched: started}, ctx.Err()
	}
}

// Use makes a call with the current token. If the vendor refuses it, the call
// is made once more with a new one; a refused call was not executed, so that
// this is safe for writes too. fetched is how many renewals this caller
// started; the error is that of the fetch, the call's, or the context's.
func (c *TokenCache) Use(ctx context.Context, call func(token string) (refused bool, err error)) (fetched int, err error) {
	for repeated := false; ; repeated = true {
		token, err := c.Token(ctx)
		if token.Fetched {
			fetched++
		}
		if err != nil {
			return fetched, err
		}
		refused, err := call(token.Value)
		if err != nil || repeated || !refused {
			return fetched, err
		}
		c.Invalidate(token)
	}
}

// Invalidate gives the token up, if it is still the current one. Whoever
// learns late that an old token was refused does not harm its successor.
func (c *TokenCache) Invalidate(t Token) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.generation == c.current.generation {
		c.current.Value = ""
	}
}

// Renewals counts successful fetches, the first one included.
func (c *TokenCache) Renewals() int64 { return c.renewals.Load() }

// renew fetches once and wakes everybody who waits on f.
func (c *TokenCache) renew(ctx context.Context, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, renewTimeout)
	defer cancel()
	value, life, err := c.fetch(ctx)
	switch {
	case ctx.Err() != nil && err != nil: // ours, not a waiting caller's
		err = &orgflow.Fault{Code: orgflow.CodeUnavailable, Message: "the token renewal took too long", Err: err}
	case err == nil && value == "":
		err = orgflow.Faultf(orgflow.CodeUnavailable, "the vendor answered with an empty token")
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	switch {
	case err == nil:
		c.renewals.Add(1)
		c.current = Token{Value: value, generation: c.current.generation + 1}
		c.expires = now.Add(life)
		c.renewAt = c.expires.Add(-min(renewEarly, life/5))
	case c.current.Value != "" && now.Before(c.expires):
		// Early renewal failed, the old token still works: go on with it.
		c.renewAt = now.Add(renewPause)
		err = nil
	}
	f.token, f.err = c.current, err
	c.flight = nil
	close(f.done)
}
