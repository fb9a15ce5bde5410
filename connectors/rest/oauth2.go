package rest

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"net/url"

	"orgflow"
)

// oauth2Call is the token request of client credentials (RFC 6749 § 4.4.2).
// That grant has no refresh token (§ 4.4.3): a new token is asked for.
//
// Only the call is made here; cache, shared renewal, rate and faults are
// those of every other token.
func (c *Client) oauth2Call() *Call {
	a := c.def.Auth
	id, secret := c.text(a.ClientID), c.text(a.ClientSecret)
	call := &Call{
		Method: http.MethodPost, Path: a.TokenURL,
		Form:    map[string]any{"grant_type": "client_credentials"},
		Success: &Predicate{Status: []Status{{200, 299}}, Path: "/access_token", Present: true},
	}
	if scope := c.text(a.Scope); scope != "" {
		call.Form["scope"] = literal(scope)
	}
	if cmp.Or(a.Style, "header") == "body" {
		call.Form["client_id"], call.Form["client_secret"] = literal(id), literal(secret)
		return call
	}
	// § 2.3.1: both are form-encoded before they are joined.
	pair := url.QueryEscape(id) + ":" + url.QueryEscape(secret)
	call.Headers = map[string]any{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}
	return call
}

// literal escapes a text that shall not be read as a template.
func literal(s string) string {
	var b []byte
	for i := range len(s) {
		if s[i] == '{' || s[i] == '}' {
			b = append(b, s[i])
		}
		b = append(b, s[i])
	}
	return string(b)
}

// tokenRequest is the call that gets a token. Its refusals are about the
// credentials (§ 5.2: invalid_client and its like come as 400 or 401).
func (c *Client) tokenRequest(call *Call) request {
	with := *call
	with.Errors = append(append([]Rule{}, call.Errors...), Rule{
		Status: []Status{{400, 403}}, Do: FailRun, Fault: string(orgflow.CodeUnauthorized),
		Advice: "check the credentials in the settings of " + c.name + " in company.json",
	})
	return request{call: &with, scope: base{client: c}, bare: true}
}
