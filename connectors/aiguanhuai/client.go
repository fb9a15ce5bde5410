package aiguanhuai

import (
	"context"
	"strings"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/signing"
	"orgflow/internal/transport"
)

// What a *Client can do. It is no Directory, for the vendor has no read
// call.
var (
	_ connectors.Consumer = (*Client)(nil)
	_ connectors.Batcher  = (*Client)(nil)
	_ connectors.Pusher   = (*Client)(nil)
)

const (
	vendor  = "ai_guan_huai"
	maxBody = 1 << 20 // bytes of an answer, which is a code and a text
)

// Client talks to one enterprise. It is safe for many goroutines.
type Client struct {
	cfg    Config
	base   string // without a trailing slash
	signer *signing.Signer
	link   *transport.Link
}

// New returns a client, or an *orgflow.InvalidError listing all that is
// wrong with the configuration. It makes no call.
func New(cfg Config, opt Options) (*Client, error) {
	cfg, signer, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Client{
		cfg: cfg, base: strings.TrimRight(cfg.BaseURL, "/"), signer: signer,
		link: transport.NewLink(transport.Vendor{Name: vendor, QPS: *cfg.QPS, Timeout: defaultTimeout, MaxBody: maxBody}, opt),
	}, nil
}

// Stats returns the counters; there are no tokens.
func (c *Client) Stats() transport.Stats { return c.link.Stats() }

// Apply implements connectors.Consumer as a batch of one. An effect in doubt
// is sent again: every call is an upsert by id.
func (c *Client) Apply(ctx context.Context, e connectors.Effect) (connectors.Receipt, error) {
	batch := c.ApplyBatch(ctx, []connectors.Effect{e})
	r := batch.Results[0].Receipt
	r.Calls, r.Writes = batch.Calls, batch.Writes
	return r, batch.Results[0].Err
}

// Profile implements connectors.Consumer. The document knows no limits of
// names, depth or children.
func (c *Client) Profile() orgflow.Profile {
	return orgflow.Profile{
		OrgFields: orgflow.OrgFields{ID: "departmentId", Name: "departmentName", Parent: "parentId"},
		PersonFields: orgflow.PersonFields{
			ID: "userId", Name: "realName", Mobile: "mobile", Email: "email", Orgs: "departmentId",
		},
		UniquePersonFields: []string{"account"}, // reference § A.2: both are the unique identifier
		PersonNeedsOrg:     true,                // the vendor would put them under the root
		RequiredPerson:     []string{"userId", "account", "realName", "status"},
		RequiredOrg:        []string{"departmentId", "departmentName", "status"},
		WholeRecords:       true, // what is left out gets the default, and that of status is "left"
		RootID:             top,
	}
}
