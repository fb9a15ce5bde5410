package dingtalk

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync/atomic"

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
	link   *transport.Link
	tokens *transport.TokenCache
	jitter func() float64 // 0 to 1

	callback    *callback    // nil: no events are configured
	bannedUntil atomic.Int64 // Unix nanoseconds; nothing is sent before (DingTalk reference § 10.3)
}

// New returns a client, or an *orgflow.InvalidError listing all that is
// wrong with the configuration. It makes no call.
func New(cfg Config, opt Options) (*Client, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg:     cfg,
		dialect: dialects[cfg.API],
		old:     strings.TrimRight(cfg.BaseURL, "/"),
		api:     strings.TrimRight(cfg.APIBaseURL, "/"),
		link:    transport.NewLink(transport.Vendor{Name: vendor, QPS: *cfg.QPS, MaxBody: maxBody}, opt),
		jitter:  rand.Float64,
	}
	if cfg.Events != nil {
		if c.callback, err = newCallback(cfg); err != nil {
			return nil, err
		}
	}
	c.tokens = c.link.Tokens(c.fetchToken)
	return c, nil
}

// Stats returns the counters.
func (c *Client) Stats() transport.Stats {
	stats := c.link.Stats()
	stats.TokenRenewals = c.tokens.Renewals()
	return stats
}

// TokenRenewals implements connectors.Metered.
func (c *Client) TokenRenewals() int { return int(c.Stats().TokenRenewals) }

// Apply implements connectors.Consumer.
func (c *Client) Apply(ctx context.Context, e connectors.Effect) (connectors.Receipt, error) {
	return connectors.ApplyKind(ctx, e, c.applyPerson, c.applyDepartment)
}
