package transport

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"orgflow"
	"orgflow/internal/egress"
)

// Options are what a process gives its connectors. The zero value works.
type Options struct {
	// Transport is the wire; nil is a new NewBase of Allowed.
	Transport http.RoundTripper
	// Allowed is who may be called.
	Allowed egress.List
	// Limiter hands out the rate budget; nil makes one of the connection's
	// own calls a second, for this client alone.
	Limiter Limiter
	// Logger takes a line per call; nil is none.
	Logger *slog.Logger
	// Metrics counts calls; nil is none.
	Metrics Observer
	// Now is the clock of tokens, signatures and waits; nil is time.Now.
	Now func() time.Time
	// Timeout bounds one call, waiting for the rate budget excluded; 0 is the
	// connector's own.
	Timeout time.Duration
}

// Vendor is what all calls to one vendor have in common.
type Vendor struct {
	Name    string        // in logs, metrics and traces
	QPS     float64       // calls a second where Options has no Limiter; 0 is unlimited
	Timeout time.Duration // where Options has none; 0 is 30 s
	MaxBody int64         // bytes of an answer
}

// Link is a client's way to its vendor: the chain of layers around the wire,
// the rate budget, and the counters. It is safe for many goroutines.
type Link struct {
	chain            http.RoundTripper
	vendor           string
	metrics          Observer
	limiter          Limiter
	now              func() time.Time
	calls, throttled atomic.Int64
}

const defaultTimeout = 30 * time.Second

// NewLink returns a link. It makes no call.
func NewLink(v Vendor, opt Options) *Link {
	l := &Link{vendor: v.Name, metrics: opt.Metrics, limiter: opt.Limiter, now: opt.Now}
	if l.limiter == nil {
		l.limiter = PerSecond(v.QPS)
	}
	if l.now == nil {
		l.now = time.Now
	}
	base := opt.Transport
	if base == nil {
		base = NewBase(opt.Allowed)
	}
	logger := opt.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if l.metrics == nil {
		l.metrics = unobserved{}
	}
	l.chain = Chain(base, // outermost first
		Rate(l.limiter),
		Trace(v.Name),
		Log(logger, v.Name),
		Metrics(l.metrics, v.Name),
		Outcome(),
		Timeout(timeout(opt.Timeout, v.Timeout)),
		BodyCap(v.MaxBody),
	)
	return l
}

func timeout(given, vendors time.Duration) time.Duration {
	for _, d := range []time.Duration{given, vendors} {
		if d > 0 {
			return d
		}
	}
	return defaultTimeout
}

type unobserved struct{}

func (unobserved) Observe(string, string, string, time.Duration) {}
func (unobserved) Throttled(string)                              {}
func (unobserved) TokenFetched(string, string)                   {}

// Send makes one HTTP request, described by call, whose Decode takes the
// answer; what is returned of it is the header. Errors are those of Do:
// a *orgflow.Fault, or the context's.
func (l *Link) Send(req *http.Request, call *Call) (http.Header, error) {
	res, err := Do(l.chain, req, call) //nolint:bodyclose // BodyCap has read and closed it
	if call.Sent() {
		l.calls.Add(1)
	}
	if err != nil {
		return nil, err
	}
	return res.Header, nil
}

// Now is the client's clock.
func (l *Link) Now() time.Time { return l.now() }

// SlowDown holds the budget of everybody who shares it when calls come too
// fast; other faults leave it as it is. A ledger that is away is met again
// by the next call.
func (l *Link) SlowDown(ctx context.Context, f *orgflow.Fault) {
	if h, ok := l.limiter.(Holder); ok && f.Code == orgflow.CodeThrottled {
		_ = h.Hold(ctx, f.RetryAfter)
	}
}

// CountThrottled counts an answer that says "too fast".
func (l *Link) CountThrottled() {
	l.throttled.Add(1)
	l.metrics.Throttled(l.vendor)
}

// Tokens returns a cache of tokens that fetch gets over this link.
func (l *Link) Tokens(fetch FetchToken) *TokenCache {
	return NewTokenCache(func(ctx context.Context) (string, time.Duration, error) {
		value, life, err := fetch(ctx)
		l.TokenFetched(err)
		return value, life, err
	}, l.now)
}

// TokenFetched counts an attempt to get a token or session, err nil for one
// that succeeded.
func (l *Link) TokenFetched(err error) { l.metrics.TokenFetched(l.vendor, OutcomeOf(err)) }

// Stats are a client's counters since it was made.
type Stats struct {
	Calls         int64 // requests that may have reached the vendor, token calls included
	Throttled     int64 // answers "too fast"
	TokenRenewals int64 // tokens fetched, the first included
}

// Stats returns the counters, without those of tokens.
func (l *Link) Stats() Stats {
	return Stats{Calls: l.calls.Load(), Throttled: l.throttled.Load()}
}
