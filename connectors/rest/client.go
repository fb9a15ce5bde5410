package rest

import (
	"cmp"
	"context"
	"strings"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/signing"
	"orgflow/internal/transport"
)

const maxBody = 16 << 20 // bytes of an answer

// Client talks to one organisation at one consumer. It is safe for many
// goroutines. New returns it as the capabilities its definition has.
type Client struct {
	name     string
	def      *Definition
	base     string // without a trailing slash
	root     string
	settings map[string]string
	secrets  []string // values that are never shown
	signer   *signing.Signer
	link     *transport.Link
	tokens   *transport.TokenCache // nil without one
	sleep    sleeper
}

var (
	_ connectors.Consumer = (*Client)(nil)
	_ connectors.Checker  = (*Client)(nil)
	_ connectors.Metered  = (*Client)(nil)
)

// sleeper waits, or says that the context ended first.
type sleeper func(ctx context.Context, d time.Duration) error

// New returns the consumer that a definition describes, or an
// *orgflow.InvalidError listing all that is wrong with the connection. It is
// a connectors.Directory, Batcher and Pusher where the definition says how.
// It makes no call.
func New(def *Definition, cfg Config, opt Options) (connectors.Consumer, error) {
	opt.Name = cmp.Or(opt.Name, "rest")
	settings, problems := cfg.check(opt.Name, def)
	c := &Client{
		name: opt.Name, def: def, base: strings.TrimRight(cfg.BaseURL, "/"), settings: settings,
		root:  cmp.Or(string(cfg.RootDepartmentID), def.RootID, "1"),
		sleep: opt.Sleep,
	}
	if len(problems) == 0 {
		problems = c.sign()
	}
	if len(problems) > 0 {
		return nil, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	for key, s := range def.Settings {
		if s.Secret && settings[key] != "" {
			c.secrets = append(c.secrets, settings[key])
		}
	}
	if c.sleep == nil {
		c.sleep = transport.Sleep
	}
	c.link = opt.link(def, cfg.Rate(def))
	if k := def.Auth.Kind; k == AuthToken || k == AuthOAuth2 {
		c.tokens = c.link.Tokens(c.fetchToken)
	}
	return c.capable(), nil
}

// sign makes the signer, whose key and names may refer to settings.
func (c *Client) sign() []orgflow.Problem {
	if c.def.Signing == nil {
		c.signer = &signing.Signer{}
		return nil
	}
	cfg := *c.def.Signing
	for _, text := range []*string{&cfg.Preset, &cfg.Key, &cfg.ID, &cfg.Param, &cfg.TimestampParam, &cfg.NonceParam} {
		v, err := render(*text, base{client: c})
		if err != nil || v == absent {
			v = ""
		}
		*text = plain(v)
	}
	var problems []orgflow.Problem
	c.signer, problems = cfg.Compile("/signing")
	return problems
}

// TokenRenewals implements connectors.Metered.
func (c *Client) TokenRenewals() int {
	if c.tokens == nil {
		return 0
	}
	return int(c.tokens.Renewals())
}

// Check implements connectors.Checker with the definition's call "check";
// without one it proves that a token can be had, where there is one.
func (c *Client) Check(ctx context.Context) error {
	var spent connectors.Receipt
	if c.def.Check != nil {
		_, err := c.call(ctx, &spent, request{call: c.def.Check, scope: base{client: c}})
		return err
	}
	if c.tokens == nil {
		return nil
	}
	_, err := c.tokens.Token(ctx)
	return err
}

// Unproven implements connectors.Unproven: a definition without a call
// "check" leaves at least the rights open.
func (c *Client) Unproven() string {
	switch {
	case c.def.Check != nil:
		return ""
	case c.tokens != nil:
		return "what the token may do shows with the first call; the definition has no call check"
	}
	return "nothing was tried, because the definition has no call check"
}

// Sign shows how a request would be signed; it makes no call.
func (c *Client) Sign(r signing.Request, at signing.Moment) (signing.Signed, error) {
	return c.signer.Sign(r, at)
}

// The combinations of capabilities a definition can have.
type (
	listing struct {
		*Client
		reader
	}
	batching struct {
		*Client
		batcher
	}
	batchingListing struct {
		*Client
		batcher
		reader
	}
	pushing struct {
		*Client
		batcher
		pusher
	}
	pushingListing struct {
		*Client
		batcher
		pusher
		reader
	}
)

var (
	_ connectors.Directory = listing{}
	_ connectors.Batcher   = batching{}
	_ connectors.Directory = batchingListing{}
	_ connectors.Batcher   = batchingListing{}
	_ connectors.Pusher    = pushing{}
	_ connectors.Pusher    = pushingListing{}
	_ connectors.Directory = pushingListing{}
)

// capable returns the client as what its definition can do, so that nobody
// asks it for what it cannot.
func (c *Client) capable() connectors.Consumer {
	lists := c.def.lists()
	switch {
	case c.def.Push != nil && lists:
		return pushingListing{c, batcher{c}, pusher{c}, reader{c}}
	case c.def.Push != nil:
		return pushing{c, batcher{c}, pusher{c}}
	case c.def.batches() && lists:
		return batchingListing{c, batcher{c}, reader{c}}
	case c.def.batches():
		return batching{c, batcher{c}}
	case lists:
		return listing{c, reader{c}}
	}
	return c
}

// lists tells whether all the consumer holds can be read.
func (d *Definition) lists() bool {
	return d.Org != nil && d.Org.Children != nil && d.Person != nil && d.Person.Members != nil
}

func (d *Definition) batches() bool {
	for _, e := range []*Entity{d.Org, d.Person} {
		if e == nil {
			continue
		}
		for _, c := range []*Call{e.Insert, e.Update, e.Delete, e.Disable} {
			if c != nil && c.Batch != nil {
				return true
			}
		}
	}
	return false
}
