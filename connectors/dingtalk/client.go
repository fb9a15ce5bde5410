package dingtalk

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/transport"
)

// What a *Client can do.
var (
	_ connectors.Consumer = (*Client)(nil)
	_ connectors.Checker  = (*Client)(nil)
)

const (
	vendor  = "ding_talk"
	maxBody = 8 << 20 // bytes; a page of 100 people is below 200 KB
)

// Client talks to one organisation as one application. It is safe for many
// goroutines.
type Client struct {
	cfg Config
	*dialect
	old    string // base of the old family, without a trailing slash
	api    string // base of the new family
	chain  http.RoundTripper
	tokens *transport.TokenCache
	now    func() time.Time
	jitter func() float64 // 0 to 1

	calls, throttled atomic.Int64
	limiter          transport.Limiter
	callback         *callback    // nil: no events are configured
	bannedUntil      atomic.Int64 // Unix nanoseconds; nothing is sent before (DingTalk reference § 10.3)
}

// New returns a client, or an *orgflow.InvalidError listing all that is
// wrong with the configuration. It makes no call.
func New(cfg Config, opt Options) (*Client, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if opt.Limiter == nil {
		opt.Limiter = transport.PerSecond(*cfg.QPS)
	}
	c := &Client{
		cfg:     cfg,
		dialect: dialects[cfg.API],
		limiter: opt.Limiter,
		old:     strings.TrimRight(cfg.BaseURL, "/"),
		api:     strings.TrimRight(cfg.APIBaseURL, "/"),
		chain:   chain(opt),
		now:     opt.Now,
		jitter:  rand.Float64,
	}
	if c.now == nil {
		c.now = time.Now
	}
	if cfg.Events != nil {
		if c.callback, err = newCallback(cfg); err != nil {
			return nil, err
		}
	}
	c.tokens = transport.NewTokenCache(c.fetchToken, c.now)
	return c, nil
}

// chain lists the layers of a call, outermost first.
func chain(opt Options) http.RoundTripper {
	base, timeout := opt.Transport, opt.Timeout
	if base == nil {
		base = transport.NewBase()
	}
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	logger, metrics := opt.Logger, opt.Metrics
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if metrics == nil {
		metrics = unobserved{}
	}
	return transport.Chain(base,
		transport.Rate(opt.Limiter),
		transport.Log(logger, vendor),
		transport.Metrics(metrics, vendor),
		transport.Outcome(),
		transport.Timeout(timeout),
		transport.BodyCap(maxBody),
	)
}

type unobserved struct{}

func (unobserved) Observe(string, string, string, time.Duration) {}

// Stats are a client's counters since it was made.
type Stats struct {
	Calls         int64 // requests that reached the wire, token calls included
	Throttled     int64 // answers "too fast" or "banned"
	TokenRenewals int64 // tokens fetched, the first included
}

// Stats returns the counters.
func (c *Client) Stats() Stats {
	return Stats{Calls: c.calls.Load(), Throttled: c.throttled.Load(), TokenRenewals: c.tokens.Renewals()}
}

// TokenRenewals implements connectors.Metered.
func (c *Client) TokenRenewals() int { return int(c.Stats().TokenRenewals) }

// Apply implements connectors.Consumer. The receipt counts calls beside an
// error too.
func (c *Client) Apply(ctx context.Context, e connectors.Effect) (connectors.Receipt, error) {
	r := connectors.Receipt{ConsumerID: e.ConsumerID}
	var err error
	switch e.Kind {
	case orgflow.Person:
		err = c.applyPerson(ctx, &r, e)
	case orgflow.Org:
		err = c.applyDepartment(ctx, &r, e)
	default:
		err = orgflow.Faultf(orgflow.CodeInternal, "unknown kind %q, allowed are org and person", e.Kind)
	}
	return r, err
}

// unknownOp is the fault for an operation that does not exist.
func unknownOp(op orgflow.Op) error {
	return orgflow.Faultf(orgflow.CodeInternal, "unknown operation %q, allowed are insert, update and delete", op)
}
