package transport

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/testclock"
)

// numbered fetches t1, t2, … that live for life.
func numbered(life time.Duration) FetchToken {
	var n atomic.Int64
	return func(context.Context) (string, time.Duration, error) {
		return fmt.Sprintf("t%d", n.Add(1)), life, nil
	}
}

func mustToken(t *testing.T, c *TokenCache) Token {
	t.Helper()
	token, err := c.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTokenIsRenewedEarly(t *testing.T) {
	for name, tc := range map[string]struct{ life, still, renew time.Duration }{
		"long life: ten minutes before the end": {2 * time.Hour, 109 * time.Minute, time.Minute},
		"short life: after 80 % of it":          {10 * time.Second, 7 * time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			clk := testclock.New()
			c := NewTokenCache(numbered(tc.life), clk.Now)
			if first := mustToken(t, c); first.Value != "t1" || !first.Fetched {
				t.Fatalf("first token %+v, want t1, fetched", first)
			}
			clk.Pass(tc.still)
			if same := mustToken(t, c); same.Value != "t1" || same.Fetched {
				t.Fatalf("got %+v, want t1 from the cache", same)
			}
			clk.Pass(tc.renew)
			if next := mustToken(t, c); next.Value != "t2" || c.Renewals() != 2 {
				t.Fatalf("got %+v after %d renewals, want t2 after 2", next, c.Renewals())
			}
		})
	}
}

func TestInvalidateHitsOnlyTheCurrentToken(t *testing.T) {
	c := NewTokenCache(numbered(time.Hour), testclock.New().Now)
	old := mustToken(t, c)
	c.Invalidate(old)
	current := mustToken(t, c)
	c.Invalidate(old) // a late answer about the old one
	if again := mustToken(t, c); again.Value != current.Value || c.Renewals() != 2 {
		t.Fatalf("a late refusal of the old token threw away the new one: %+v, %d renewals", again, c.Renewals())
	}
}

func TestSameValueRenewedIsANewToken(t *testing.T) {
	fetch := func(context.Context) (string, time.Duration, error) { return "same", time.Hour, nil }
	c := NewTokenCache(fetch, testclock.New().Now)
	old := mustToken(t, c)
	c.Invalidate(old)
	mustToken(t, c)
	c.Invalidate(old)
	mustToken(t, c)
	if c.Renewals() != 2 {
		t.Fatalf("%d renewals, want 2: the old token's refusal does not concern the renewed one", c.Renewals())
	}
}

func TestParallelCallersShareOneRenewal(t *testing.T) {
	const callers = 32
	release := make(chan struct{})
	var fetches atomic.Int64
	c := NewTokenCache(func(context.Context) (string, time.Duration, error) {
		fetches.Add(1)
		<-release
		return "t", time.Hour, nil
	}, testclock.New().Now)

	var wg, started sync.WaitGroup
	var fetched atomic.Int64
	started.Add(callers)
	for range callers {
		wg.Go(func() {
			started.Done()
			token, err := c.Token(t.Context())
			if err != nil || token.Value != "t" {
				t.Errorf("got %+v, %v", token, err)
			}
			if token.Fetched {
				fetched.Add(1)
			}
		})
	}
	started.Wait()
	close(release)
	wg.Wait()
	if fetches.Load() != 1 || fetched.Load() != 1 || c.Renewals() != 1 {
		t.Fatalf("%d fetches, %d callers say it was theirs, %d renewals; want 1 each", fetches.Load(), fetched.Load(), c.Renewals())
	}
}

func TestWaitingCallerHonoursItsContext(t *testing.T) {
	release, begun := make(chan struct{}), make(chan struct{})
	c := NewTokenCache(func(ctx context.Context) (string, time.Duration, error) {
		close(begun)
		<-release
		return "t", time.Hour, ctx.Err()
	}, testclock.New().Now)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := c.Token(ctx)
		failed <- err
	}()
	<-begun
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the caller's cancellation", err)
	}
	close(release)
	if token := mustToken(t, c); token.Value != "t" {
		t.Fatalf("the renewal did not outlive the caller who started it: %+v", token)
	}
}

func TestFailedRenewal(t *testing.T) {
	clk := testclock.New()
	fail := atomic.Bool{}
	good := numbered(time.Hour)
	c := NewTokenCache(func(ctx context.Context) (string, time.Duration, error) {
		if fail.Load() {
			return "", 0, orgflow.Faultf(orgflow.CodeUnavailable, "down")
		}
		return good(ctx)
	}, clk.Now)
	first := mustToken(t, c)

	fail.Store(true)
	clk.Pass(51 * time.Minute)
	if token := mustToken(t, c); token.Value != first.Value {
		t.Fatalf("an early renewal that failed lost a token still valid: %+v", token)
	}
	clk.Pass(10 * time.Minute)
	if _, err := c.Token(t.Context()); orgflow.AsFault(err) == nil || orgflow.AsFault(err).Code != orgflow.CodeUnavailable {
		t.Fatalf("got %v, want the fetch's fault once the old token has ended", err)
	}
	fail.Store(false)
	if token := mustToken(t, c); token.Value != "t2" {
		t.Fatalf("got %+v, want a fresh attempt after a failure", token)
	}
}

func TestEmptyTokenIsAFault(t *testing.T) {
	c := NewTokenCache(func(context.Context) (string, time.Duration, error) { return "", time.Hour, nil }, nil)
	if _, err := c.Token(t.Context()); orgflow.AsFault(err) == nil {
		t.Fatal("an empty token was taken for one")
	}
}

func TestACallIsMadeOnceMoreWithANewToken(t *testing.T) {
	broken := errors.New("no way there")
	for name, tc := range map[string]struct {
		refused []bool // by call
		err     error
		calls   string
		fetched int
	}{
		"taken":         {[]bool{false}, nil, "t1", 1},
		"refused once":  {[]bool{true, false}, nil, "t1 t2", 2},
		"refused twice": {[]bool{true, true}, nil, "t1 t2", 2},
		"no answer":     {[]bool{false}, broken, "t1", 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := NewTokenCache(numbered(time.Hour), testclock.New().Now)
			var calls []string
			fetched, err := c.Use(t.Context(), func(token string) (bool, error) {
				calls = append(calls, token)
				return tc.refused[len(calls)-1], tc.err
			})
			if got := strings.Join(calls, " "); got != tc.calls || fetched != tc.fetched || !errors.Is(err, tc.err) {
				t.Errorf("calls %q, %d fetched, %v; want %q, %d", got, fetched, err, tc.calls, tc.fetched)
			}
		})
	}
}

func TestNoCallWithoutAToken(t *testing.T) {
	down := errors.New("down")
	c := NewTokenCache(func(context.Context) (string, time.Duration, error) { return "", 0, down }, nil)
	fetched, err := c.Use(t.Context(), func(string) (bool, error) { t.Error("called"); return false, nil })
	if fetched != 1 || !errors.Is(err, down) {
		t.Errorf("%d fetched, %v", fetched, err)
	}
}
