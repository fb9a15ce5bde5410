package wecom

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync/atomic"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/transport"
)

// What a *Client can do.
var (
	_ connectors.Consumer  = (*Client)(nil)
	_ connectors.Checker   = (*Client)(nil)
	_ connectors.Metered   = (*Client)(nil)
	_ connectors.Directory = (*Client)(nil)
)

const (
	vendor  = "we_com"
	maxBody = 32 << 20 // bytes; 10,000 memberships or 30,000 departments are below 4 MB
)

// Client talks to one enterprise with one secret. It is safe for many
// goroutines.
type Client struct {
	cfg    Config
	base   string // without a trailing slash
	link   *transport.Link
	tokens *transport.TokenCache // of the contacts secret
	// appTokens are those of the application that sends messages, which the
	// contacts secret may not (WeCom reference § 3).
	appTokens *transport.TokenCache
	jitter    func() float64 // 0 to 1

	frequency *frequency
	lanes     *lanes
	serial    turn // creations and department writes (WeCom reference § 4)
	leading   turn // read and write of people's leader flags

	blindUntil atomic.Int64 // Unix nanoseconds; details are not asked for before
	members    members
}

// New returns a client, or an *orgflow.InvalidError listing all that is
// wrong with the configuration. It makes no call.
func New(cfg Config, opt Options) (*Client, error) {
	cfg = cfg.withDefaults()
	if problems := cfg.problems(); len(problems) > 0 {
		return nil, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	c := &Client{
		cfg:       cfg,
		base:      strings.TrimRight(cfg.BaseURL, "/"),
		link:      transport.NewLink(transport.Vendor{Name: vendor, QPS: *cfg.QPS, MaxBody: maxBody}, opt),
		jitter:    rand.Float64,
		frequency: newFrequency(),
		lanes:     newLanes(cfg.Parallel),
		serial:    newTurn(),
		leading:   newTurn(),
	}
	c.members.turn = newTurn()
	c.tokens = c.link.Tokens(c.fetchToken)
	c.appTokens = c.link.Tokens(c.fetchAppToken)
	return c, nil
}

// Stats returns the counters.
func (c *Client) Stats() transport.Stats {
	stats := c.link.Stats()
	stats.TokenRenewals = c.tokens.Renewals() + c.appTokens.Renewals()
	return stats
}

// TokenRenewals implements connectors.Metered.
func (c *Client) TokenRenewals() int { return int(c.Stats().TokenRenewals) }

// Apply implements connectors.Consumer.
func (c *Client) Apply(ctx context.Context, e connectors.Effect) (connectors.Receipt, error) {
	return connectors.ApplyKind(ctx, e, c.applyPerson, c.applyDepartment)
}
