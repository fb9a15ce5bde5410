package wecom

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
	"orgflow/internal/transport"
)

// request is one call: a GET with query parameters, or a POST with a body.
type request struct {
	path  string
	query url.Values
	body  any
	write bool
	// serial: WeCom wants these one after the other (reference § 4).
	serial bool
	// app: the call is the messages application's, not the contacts secret's.
	app bool
	// raw is a body that is not JSON, of the given type.
	raw         []byte
	contentType string
}

// call makes a call and decodes its answer into out, which may be nil. It
// renews a refused token once and repeats the call once; a refused call was
// not executed, so that is safe for writes too. What is spent is added to r.
func (c *Client) call(ctx context.Context, r *connectors.Receipt, q request, out any) (*orgflow.Fault, error) {
	if q.serial {
		if err := c.serial.take(ctx); err != nil {
			return nil, err
		}
		defer c.serial.give()
	}
	body := q.raw
	if q.body != nil {
		var err error
		if body, err = wire.Encode(q.body); err != nil {
			return asBoth(&orgflow.Fault{Code: orgflow.CodeInternal, Message: "encoding the request of " + q.path, Err: err})
		}
	}
	a, began, err := c.withToken(ctx, r, q, body)
	if err != nil {
		return nil, err
	}
	if a.code == "" && q.write && a.warns() {
		a.code = codeWarning
	}
	if f := c.fault(a, q, began); f != nil {
		c.link.SlowDown(ctx, f)
		return asBoth(f)
	}
	if out != nil {
		if err := json.Unmarshal(a.body, out); err != nil {
			a.code, a.ErrMsg = vendorcode.Malformed, wire.Text("the answer to "+q.path+" is not as documented")
			f := c.fault(a, q, began)
			f.Err = err
			return asBoth(f)
		}
	}
	return nil, nil
}

func asBoth(f *orgflow.Fault) (*orgflow.Fault, error) { return f, f }

func (c *Client) withToken(ctx context.Context, r *connectors.Receipt, q request, body []byte) (a *answer, began time.Time, err error) {
	query := maps.Clone(q.query)
	if query == nil {
		query = url.Values{}
	}
	tokens := c.tokens
	if q.app {
		tokens = c.appTokens
	}
	fetched, err := tokens.Use(ctx, func(token string) (refused bool, err error) {
		query.Set("access_token", token)
		a, began, err = c.send(ctx, r, q, query, body)
		return err == nil && refusesToken(a.code), err
	})
	r.Calls += fetched
	return a, began, err
}

// send makes one HTTP call. Its error is of the way there and back; what the
// vendor says stands in the answer.
func (c *Client) send(ctx context.Context, r *connectors.Receipt, q request, query url.Values, body []byte) (a *answer, began time.Time, err error) {
	if f := c.blocked(q.path); f != nil {
		return nil, began, f
	}
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+q.path+"?"+query.Encode(), bytes.NewReader(body))
	if err != nil { // the cause would show the token
		return nil, began, orgflow.Faultf(orgflow.CodeInternal, "building the request of %s", q.path)
	}
	if q.contentType != "" {
		req.Header.Set("Content-Type", q.contentType)
	} else if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if err := c.lanes.enter(ctx); err != nil {
		return nil, began, err
	}
	a = &answer{}
	defer func() { c.lanes.leave(a != nil && a.code == "45033") }()
	began = c.link.Now()
	call := &transport.Call{Path: q.path, Write: q.write, Decode: func(status int, body []byte) string {
		*a = decodeAnswer(status, body)
		return a.code
	}}
	_, err = c.link.Send(req, call)
	if call.Sent() {
		r.Count(q.write)
		if q.write && !q.app {
			c.members.writes.Add(1)
		}
	}
	if err != nil {
		return nil, began, err
	}
	if a.code != "45009" {
		c.frequency.passed(q.path, began)
	}
	return a, began, nil
}

// pathToken is exempt from the trusted-IP check (WeCom reference § 2).
const pathToken = "/cgi-bin/gettoken"

// fetchToken gets the contacts secret's token (WeCom reference § 2). It is
// called by the cache only.
func (c *Client) fetchToken(ctx context.Context) (string, time.Duration, error) {
	return c.tokenOf(ctx, c.cfg.CorpSecret, adviceSecret)
}

// fetchAppToken gets the token of the application that sends messages.
func (c *Client) fetchAppToken(ctx context.Context) (string, time.Duration, error) {
	return c.tokenOf(ctx, c.cfg.AgentSecret, adviceAppSecret)
}

func (c *Client) tokenOf(ctx context.Context, secret, wrong string) (string, time.Duration, error) {
	var spent connectors.Receipt // the cache's caller counts the call
	q := request{path: pathToken}
	a, began, err := c.send(ctx, &spent, q, url.Values{"corpid": {c.cfg.CorpID}, "corpsecret": {secret}}, nil)
	if err != nil {
		return "", 0, err
	}
	if f := c.fault(a, q, began); f != nil {
		if f.VendorCode == "40001" {
			f.Advice = wrong
		}
		return "", 0, f
	}
	var got struct {
		Token   wire.Text `json:"access_token"`
		Expires wire.Int  `json:"expires_in"`
	}
	if err := json.Unmarshal(a.body, &got); err != nil {
		return "", 0, &orgflow.Fault{Code: orgflow.CodeUnavailable, VendorCode: vendorcode.Malformed, Message: "the answer to gettoken is not as documented", Err: err}
	}
	life := time.Duration(got.Expires) * time.Second
	if life <= 0 {
		life = documentedLife
	}
	return string(got.Token), life, nil
}

const documentedLife = 7200 * time.Second
