package dingtalk

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

// request is one call of the old family.
type request struct {
	method string // default POST
	path   string
	write  bool
	top    bool // the payload is at the top level of the answer, beside errcode
	body   any
}

// call makes a call of the old family and decodes its result into out, which
// may be nil. It renews a refused token once and repeats the call once; a
// refused call was not executed, so that is safe for writes too. What is
// spent is added to r.
//
// The answer is returned beside a fault made from it, because some carry
// more than a code.
func (c *Client) call(ctx context.Context, r *connectors.Receipt, q request, out any) (*answer, *orgflow.Fault, error) {
	w, err := c.encode(q)
	if err != nil {
		return nil, nil, &orgflow.Fault{Code: orgflow.CodeInternal, Message: "encoding the request of " + q.path, Err: err}
	}
	a, err := c.withToken(ctx, r, w)
	if err != nil {
		return nil, nil, err
	}
	if f := c.fault(a, q.write); f != nil {
		c.link.SlowDown(ctx, f)
		return a, f, f
	}
	if out != nil {
		result, err := w.result(a)
		if err == nil {
			err = json.Unmarshal(result, out)
		}
		if err != nil {
			a.code = vendorcode.Malformed
			f := c.fault(a, q.write)
			f.Message, f.Err = "the result of "+w.path+" is not as documented", err
			return a, f, f
		}
	}
	return a, nil, nil
}

// encode puts a request into the dialect's words and its body into bytes.
func (c *Client) encode(q request) (outgoing, error) {
	words, err := c.speak(q)
	if err != nil {
		return outgoing{}, err
	}
	w := outgoing{spoken: words}
	if words.body != nil {
		w.raw, err = wire.Encode(words.body)
	}
	return w, err
}

func (c *Client) withToken(ctx context.Context, r *connectors.Receipt, w outgoing) (a *answer, err error) {
	query := maps.Clone(w.query)
	if query == nil {
		query = url.Values{}
	}
	fetched, err := c.tokens.Use(ctx, func(token string) (refused bool, err error) {
		query.Set("access_token", token)
		w.url = c.old + w.path + "?" + query.Encode()
		a, err = c.send(ctx, r, w)
		return err == nil && refusesToken(a.code), err
	})
	r.Calls += fetched
	return a, err
}

// outgoing is a request as it goes out.
type outgoing struct {
	spoken
	url       string
	raw       []byte // the body
	newFamily bool
	userToken string // of a person who signs in (DingTalk reference § 8.3)
}

// send makes one HTTP call. Its error is of the way there and back; what the
// vendor says stands in the answer.
func (c *Client) send(ctx context.Context, r *connectors.Receipt, w outgoing) (*answer, error) {
	if f := c.banned(); f != nil {
		return nil, f
	}
	req, err := http.NewRequestWithContext(ctx, w.method, w.url, bytes.NewReader(w.raw))
	if err != nil { // the cause would show the token
		return nil, orgflow.Faultf(orgflow.CodeInternal, "building the request of %s", w.path)
	}
	if len(w.raw) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	if w.userToken != "" {
		req.Header.Set(headerToken, w.userToken)
	}
	var a answer
	call := &transport.Call{Path: w.path, Write: w.write, Decode: func(status int, body []byte) string {
		a = decodeAnswer(status, body, w.newFamily)
		return a.code
	}}
	_, err = c.link.Send(req, call)
	if call.Sent() {
		r.Count(w.write)
	}
	if err != nil {
		return nil, err
	}
	return &a, nil
}

// fetchToken gets an application token (DingTalk reference § 2). It is called
// by the cache only.
func (c *Client) fetchToken(ctx context.Context) (string, time.Duration, error) {
	query, body := c.token.ask(c.cfg)
	w := outgoing{url: c.old + c.token.path + "?" + query.Encode(), newFamily: c.token.newFamily}
	w.method, w.path = http.MethodGet, c.token.path
	if w.newFamily {
		w.method, w.url = http.MethodPost, c.api+c.token.path
	}
	var err error
	if body != nil {
		w.raw, err = wire.Encode(body)
	}
	if err != nil {
		return "", 0, &orgflow.Fault{Code: orgflow.CodeInternal, Message: "encoding the token request", Err: err}
	}
	var spent connectors.Receipt // the cache's caller counts the call
	a, err := c.send(ctx, &spent, w)
	if err != nil {
		return "", 0, err
	}
	if f := c.fault(a, false); f != nil {
		c.link.SlowDown(ctx, f)
		return "", 0, f
	}
	value, seconds := c.token.read(a)
	life := time.Duration(seconds) * time.Second
	if life <= 0 {
		life = documentedLife
	}
	return string(value), life, nil
}

const documentedLife = 7200 * time.Second
