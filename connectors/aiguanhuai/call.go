package aiguanhuai

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"maps"
	"net/http"
	"net/url"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/signing"
	"orgflow/internal/transport"
)

// request is one call.
type request struct {
	method string // default POST
	path   string
	query  url.Values // beside the common parameters
	write  bool
	body   []byte
}

// call makes one call; nothing is retried. What is spent is added to r.
func (c *Client) call(ctx context.Context, r *connectors.Receipt, q request) (answer, error) {
	var a answer
	signed, err := c.Sign(signing.Request{Method: cmp.Or(q.method, http.MethodPost), Path: q.path, Query: q.query, Body: q.body}, c.moment())
	if err != nil {
		return a, &orgflow.Fault{Code: orgflow.CodeInvalidConfig, Field: pointer + "signing", Message: err.Error(), Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, signed.Method, c.base+signed.Path+"?"+signed.Query.Encode(), bytes.NewReader(signed.Bytes()))
	if err != nil { // the cause would show the signature
		return a, orgflow.Faultf(orgflow.CodeInternal, "building the request of %s", q.path)
	}
	for name, value := range signed.Header {
		req.Header.Set(name, value)
	}
	if len(signed.Bytes()) > 0 && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	call := &transport.Call{Path: q.path, Write: q.write, Decode: func(status int, body []byte) string {
		a = decodeAnswer(status, body)
		return a.code
	}}
	_, err = c.link.Send(req, call)
	if call.Sent() {
		r.Count(q.write)
	}
	if err != nil {
		return a, err
	}
	if f := c.fault(a, q.write); f != nil {
		c.link.SlowDown(ctx, f)
		return a, f
	}
	return a, nil
}

// Sign completes a request as the client sends it: the common parameters
// corpId and partnerId, then the signature. It makes no call.
func (c *Client) Sign(r signing.Request, at signing.Moment) (signing.Signed, error) {
	query := url.Values{}
	maps.Copy(query, r.Query)
	query.Set("corpId", c.cfg.CorpID)
	if c.cfg.PartnerID != "" {
		query.Set("partnerId", c.cfg.PartnerID)
	}
	r.Query = query
	return c.signer.Sign(r, at)
}

func (c *Client) moment() signing.Moment {
	m := signing.Moment{Now: c.link.Now()}
	_, _ = rand.Read(m.Random[:]) // never fails
	return m
}
