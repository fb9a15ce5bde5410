package rest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"orgflow"
	"orgflow/connectors/signing"
	"orgflow/connectors/wire"
)

// request is one call with what fills its templates.
type request struct {
	call  *Call
	scope scope
	write bool
	op    orgflow.Op // of the record it is about; empty where there is none
	bare  bool       // without authentication: the call that gets a token
	// link replaces address and query: the next page, as the answer gave it.
	link string
}

// build renders a call into an HTTP request. Nothing of what goes wrong here
// depends on the consumer.
func (c *Client) build(ctx context.Context, q request, token string) (*http.Request, error) {
	s, err := c.render(q)
	if err != nil {
		return nil, orgflow.Faultf(orgflow.CodeInternal, "filling the call %s: %s", q.call.Path, err)
	}
	if !q.bare {
		if err := c.authenticate(s, token); err != nil {
			return nil, err
		}
		at := signing.Moment{Now: c.link.Now()}
		_, _ = rand.Read(at.Random[:]) // never fails
		signed, err := c.signer.Sign(s.Request, at)
		if err != nil {
			return nil, orgflow.Faultf(orgflow.CodeInvalidConfig, "signing the call %s: %s", q.call.Path, err)
		}
		s.Request = signed.Request
	}
	address := s.origin + s.Path
	if query := s.Query.Encode(); query != "" {
		address += "?" + query
	}
	req, err := http.NewRequestWithContext(ctx, s.Method, address, bytes.NewReader(s.Bytes()))
	if err != nil { // the cause would show the address, and a secret in it
		return nil, orgflow.Faultf(orgflow.CodeInternal, "the call %s makes no valid request", q.call.Path)
	}
	switch {
	case s.Form != nil:
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	case len(s.Body) > 0:
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	for name, v := range s.Header {
		req.Header.Set(name, v)
	}
	return req, nil
}

// rendered is a request before it is signed.
type rendered struct {
	signing.Request
	origin string // scheme and host
}

func (c *Client) render(q request) (*rendered, error) {
	path, err := renderPath(q.call.Path, q.scope)
	if err != nil {
		return nil, err
	}
	address := c.base + path
	if strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://") {
		address = path
	}
	if q.link != "" {
		address = q.link
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errAddress
	}
	out := &rendered{origin: u.Scheme + "://" + u.Host}
	out.Method, out.Path, out.Query, out.Header = q.call.Method, u.EscapedPath(), u.Query(), map[string]string{}
	queries, headers := []map[string]any{c.def.Query, q.call.Query}, []map[string]any{c.def.Headers, q.call.Headers}
	if q.bare {
		queries, headers = queries[1:], headers[1:]
	}
	if q.link != "" {
		queries = nil
	}
	for _, list := range queries {
		if err := renderMap(list, q.scope, out.Query.Set); err != nil {
			return nil, err
		}
	}
	for _, list := range headers {
		if err := renderMap(list, q.scope, func(name, v string) { out.Header[name] = v }); err != nil {
			return nil, err
		}
	}
	return out, out.body(q)
}

func (r *rendered) body(q request) error {
	if q.call.Form != nil {
		r.Form = url.Values{}
		return renderMap(q.call.Form, q.scope, r.Form.Set)
	}
	if q.call.Body == nil {
		return nil
	}
	v, err := render(q.call.Body, q.scope)
	if err != nil {
		return err
	}
	r.Body, err = wire.Encode(v)
	return err
}

// renderMap fills named texts; what is absent is left out.
func renderMap(t map[string]any, s scope, set func(name, v string)) error {
	for _, name := range slices.Sorted(maps.Keys(t)) {
		v, err := render(t[name], s)
		if err != nil {
			return err
		}
		if v == absent {
			continue
		}
		text, err := piece{}.write(v)
		if err != nil {
			return err
		}
		set(name, text)
	}
	return nil
}

// renderPath fills a path, each value escaped as one segment. An absent one
// is an error: the call would be another.
func renderPath(t string, s scope) (string, error) {
	list, err := pieces(t)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, p := range list {
		if p.ref == "" {
			b.WriteString(p.text)
			continue
		}
		v := s.value(p.ref)
		text, err := p.write(v)
		if err != nil {
			return "", err
		}
		if v == absent || text == "" || text == "." || text == ".." {
			return "", &missingValue{p.ref}
		}
		b.WriteString(url.PathEscape(text))
	}
	return b.String(), nil
}

// missingValue says that a path needs a value that is not there.
type missingValue struct{ ref string }

func (e *missingValue) Error() string { return "its path needs {" + e.ref + "}, which has no value" }

type addressError struct{}

func (addressError) Error() string { return "its address is not a URL" }

var errAddress error = addressError{}

// authenticate puts the credentials where they belong.
func (c *Client) authenticate(r *rendered, token string) error {
	a := c.def.Auth
	value := token
	switch a.Kind {
	case "", AuthNone:
		return nil
	case AuthBasic:
		user, password := c.text(a.User), c.text(a.Password)
		r.Header["Authorization"] = "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
		return nil
	case AuthKey:
		value = c.text(a.Value)
	case AuthOAuth2:
		r.Header["Authorization"] = "Bearer " + token
		return nil
	}
	value = a.Prefix + value
	switch a.In {
	case "query":
		r.Query.Set(a.Name, value)
	case "header":
		r.Header[a.Name] = value
	case "body":
		return r.intoBody(a.Name, value)
	}
	return nil
}

// intoBody adds a field to the form or the JSON object.
func (r *rendered) intoBody(name, value string) error {
	if r.Form != nil {
		r.Form.Set(name, value)
		return nil
	}
	var body any = map[string]any{}
	if len(r.Body) > 0 {
		got, err := wire.Decode(r.Body)
		if err != nil {
			return orgflow.Faultf(orgflow.CodeInternal, "the body of a call is no JSON")
		}
		body = got
	}
	object, isObject := body.(map[string]any)
	if !isObject {
		return orgflow.Faultf(orgflow.CodeInvalidConfig, "the credentials go into the body, and the body of a call is no object")
	}
	object[name] = value
	raw, err := wire.Encode(object)
	r.Body = raw
	return err
}

// text fills a text that refers to settings only.
func (c *Client) text(t string) string {
	v, err := render(t, base{client: c})
	if err != nil || v == absent {
		return ""
	}
	return plain(v)
}
