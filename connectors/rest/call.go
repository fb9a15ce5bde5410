package rest

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
	"orgflow/internal/transport"
)

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   any  // decoded, numbers as json.Number
	json   bool // the body is JSON
	blank  bool // there is no body
	code   string
	text   string
	token  transport.Token
}

// decodeAnswer never fails: what is not JSON is marked as such.
func (c *Client) decodeAnswer(status int, raw []byte) *answer {
	a := &answer{status: status}
	trimmed := wire.Trim(raw)
	if len(trimmed) == 0 {
		a.blank = true
		return a
	}
	body, err := wire.Decode(trimmed)
	if err != nil {
		return a
	}
	a.body, a.json = body, true
	a.code, a.text = textAt(body, c.def.Answer.Code), textAt(body, c.def.Answer.Message)
	return a
}

// call makes a call. It renews a refused token once and repeats the call
// once; a refused call was not executed, so that is safe for writes too. A
// refusal comes beside its fault, because some are answers. What is spent is
// added to r.
func (c *Client) call(ctx context.Context, r *connectors.Receipt, q request) (*answer, error) {
	a, no, err := c.try(ctx, r, q)
	if no != nil {
		return a, no.fault
	}
	return a, err
}

// try is call, with the refusal apart: err is nil beside one.
func (c *Client) try(ctx context.Context, r *connectors.Receipt, q request) (*answer, *refusal, error) {
	for repeated := false; ; repeated = true {
		a, err := c.once(ctx, r, q)
		if err != nil {
			return nil, nil, err
		}
		no := c.judge(q, a)
		if no == nil {
			return a, nil, nil
		}
		if no.action == RefreshToken && c.tokens != nil && !q.bare && !repeated {
			c.tokens.Invalidate(a.token)
			continue
		}
		if no.fault.Code == orgflow.CodeThrottled {
			c.link.CountThrottled()
			c.link.SlowDown(ctx, no.fault)
		}
		no.fault.Message = c.mask(no.fault.Message, a.token.Value)
		return a, no, nil
	}
}

// once makes one HTTP request.
func (c *Client) once(ctx context.Context, r *connectors.Receipt, q request) (*answer, error) {
	var token transport.Token
	if c.tokens != nil && !q.bare {
		var err error
		token, err = c.tokens.Token(ctx)
		if token.Fetched {
			r.Calls++
		}
		if err != nil {
			return nil, err
		}
	}
	req, err := c.build(ctx, q, token.Value)
	if err != nil {
		return nil, err
	}
	var a *answer
	call := &transport.Call{Path: q.call.Path, Write: q.write, Decode: func(status int, body []byte) string {
		a = c.decodeAnswer(status, body)
		return c.logged(q, a)
	}}
	header, err := c.link.Send(req, call)
	if call.Sent() {
		r.Count(q.write)
	}
	if err != nil {
		return nil, err
	}
	a.header, a.token = header, token
	return a, nil
}

// logged is an answer's code for logs and metrics, empty for success.
func (c *Client) logged(q request, a *answer) string {
	if c.judge(q, a) == nil {
		return ""
	}
	return codeOf(a)
}

// codeOf is the vendor's code, else one of ours.
func codeOf(a *answer) string {
	return cmp.Or(a.code, vendorcode.Unreadable(a.status))
}

// mask takes secrets out of a text.
func (c *Client) mask(text string, more ...string) string {
	for _, list := range [][]string{c.secrets, more} {
		for _, secret := range list {
			if secret != "" {
				text = strings.ReplaceAll(text, secret, orgflow.Masked)
			}
		}
	}
	return text
}

// fetchToken gets a token. It is called by the cache only.
func (c *Client) fetchToken(ctx context.Context) (string, time.Duration, error) {
	a := c.def.Auth
	tokenPath, lifePath, request := a.Token, a.ExpiresIn, a.Request
	if a.Kind == AuthOAuth2 {
		tokenPath, lifePath, request = "/access_token", "/expires_in", c.oauth2Call()
	}
	var spent connectors.Receipt // the cache's caller counts the call
	got, err := c.call(ctx, &spent, c.tokenRequest(request))
	if err != nil {
		return "", 0, err
	}
	token := textAt(got.body, tokenPath)
	if token == "" {
		return "", 0, &orgflow.Fault{
			Code: orgflow.CodeUnavailable, VendorCode: vendorcode.Malformed, Message: "the answer of the token call has no token at " + tokenPath,
		}
	}
	life := time.Duration(a.LifeSeconds) * time.Second
	if n, err := strconv.ParseFloat(textAt(got.body, lifePath), 64); err == nil && n > 0 {
		life = time.Duration(n * float64(time.Second))
	}
	if life <= 0 {
		life = time.Hour
	}
	return token, life, nil
}
