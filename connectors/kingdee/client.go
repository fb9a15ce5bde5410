package kingdee

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/egress"
	"orgflow/internal/transport"
)

// What a *Client can do.
var (
	_ connectors.ERP     = (*Client)(nil)
	_ connectors.Checker = (*Client)(nil)
	_ connectors.Metered = (*Client)(nil)
)

const (
	vendor  = "kingdee"
	maxBody = 64 << 20 // bytes; 10,000 rows of 100 fields are some 20 MB
)

// Client talks to one account set as one user. It is safe for many
// goroutines.
type Client struct {
	cfg     Config
	base    string // with a trailing slash
	link    *transport.Link
	log     *slog.Logger
	session *session
	lanes   chan struct{} // a token for each call under way
}

// New returns a client, or an *orgflow.InvalidError listing all that is
// wrong with the configuration. It makes no call.
func New(cfg Config, opt Options) (*Client, error) {
	cfg = cfg.withDefaults()
	if problems := cfg.problems(); len(problems) > 0 {
		return nil, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	if opt.Transport == nil {
		opt.Transport = oldHTTP(opt.Allowed)
	}
	c := &Client{
		cfg:  cfg,
		base: strings.TrimRight(cfg.BaseURL, "/") + "/",
		link: transport.NewLink(transport.Vendor{
			Name: vendor, QPS: *cfg.QPS, MaxBody: maxBody, Timeout: time.Duration(cfg.TimeoutSeconds * float64(time.Second)),
		}, opt),
		log:   opt.Logger,
		lanes: make(chan struct{}, cfg.Concurrency),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.session = &session{now: c.link.Now, login: func(ctx context.Context) (string, error) {
		id, err := c.login(ctx)
		c.link.TokenFetched(err)
		return id, err
	}}
	return c, nil
}

// oldHTTP speaks HTTP/1.1 only: over HTTP/2 servers answer 502 or hang
// (Kingdee reference § 1).
func oldHTTP(allowed egress.List) *http.Transport {
	t := transport.NewBase(allowed)
	t.ForceAttemptHTTP2 = false
	t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	return t
}

// Stats returns the counters.
func (c *Client) Stats() transport.Stats {
	stats := c.link.Stats()
	stats.TokenRenewals = c.session.count.Load()
	return stats
}

// TokenRenewals implements connectors.Metered: it counts logins.
func (c *Client) TokenRenewals() int { return int(c.session.count.Load()) }

// Check implements connectors.Checker: the address, the account set and the
// login are right, and queries are answered. It asks for one currency, which
// is cheap (Kingdee reference § 2); that this user may not see currencies
// says nothing against the connection.
func (c *Client) Check(ctx context.Context) error {
	_, err := c.Rows(ctx, connectors.ERPQuery{FormID: "BD_Currency", Fields: []string{"FNumber"}, OrderBy: []string{"FNumber"}, Limit: 1})
	if f := orgflow.AsFault(err); f != nil {
		switch f.VendorCode {
		case codeForm, codeField, codeNoRight:
			return nil
		}
	}
	return err
}
