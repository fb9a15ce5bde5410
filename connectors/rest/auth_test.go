package rest_test

import (
	"net/url"
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors/rest"
)

func TestAuthKinds(t *testing.T) {
	token := `{"code": 0, "data": {"token": "t1"}, "life": 60}`
	request := `"request": {"method": "POST", "path": "/token", "body": {"secret": "{settings.key}"}}, "token": "/data/token", "expires_in": "/life"`
	for name, x := range map[string]struct {
		auth    string
		answers []reply
		shows   func(last seen) bool
	}{
		"none":             {`{"kind": "none"}`, ok(yes), func(s seen) bool { return s.Auth == "" && s.Query == "" }},
		"key in query":     {`{"kind": "key", "in": "query", "name": "k", "value": "{settings.key}"}`, ok(yes), func(s seen) bool { return s.Query == "k=hush" }},
		"key in header":    {`{"kind": "key", "in": "header", "name": "Authorization", "prefix": "Bearer ", "value": "{settings.key}"}`, ok(yes), func(s seen) bool { return s.Auth == "Bearer hush" }},
		"key in body":      {`{"kind": "key", "in": "body", "name": "k", "value": "{settings.key}"}`, ok(yes), func(s seen) bool { return strings.Contains(s.Body, `"k":"hush"`) }},
		"basic":            {`{"kind": "basic", "user": "me", "password": "{settings.key}"}`, ok(yes), func(s seen) bool { return s.Auth == "Basic bWU6aHVzaA==" }},
		"token in query":   {`{"kind": "token", "in": "query", "name": "t", ` + request + `}`, ok(token, yes), func(s seen) bool { return s.Query == "t=t1" }},
		"token in header":  {`{"kind": "token", "in": "header", "name": "X-T", ` + request + `}`, ok(token, yes), func(s seen) bool { return s.Header.Get("X-T") == "t1" }},
		"token in body":    {`{"kind": "token", "in": "body", "name": "t", ` + request + `}`, ok(token, yes), func(s seen) bool { return strings.Contains(s.Body, `"t":"t1"`) }},
		"oauth2":           {`{"kind": "oauth2", "token_url": "/oauth", "client_id": "me", "client_secret": "{settings.key}"}`, ok(`{"access_token": "t1", "expires_in": 60}`, yes), func(s seen) bool { return s.Auth == "Bearer t1" }},
		"oauth2 with body": {`{"kind": "oauth2", "style": "body", "scope": "a b", "token_url": "/oauth", "client_id": "me", "client_secret": "{settings.key}"}`, ok(`{"access_token": "t1", "expires_in": 60}`, yes), func(s seen) bool { return s.Auth == "Bearer t1" }},
	} {
		t.Run(name, func(t *testing.T) {
			c, s := scripted(t, with(t, plainDefinition, map[string]any{"auth": x.auth}), x.answers)
			applied(t, c, insert())
			if last := s.seen[len(s.seen)-1]; !x.shows(last) {
				t.Errorf("%+v", last)
			}
			if first := s.seen[0]; name == "oauth2" && (first.Auth != "Basic bWU6aHVzaA==" || first.Body != "grant_type=client_credentials") {
				t.Errorf("%+v", first)
			} else if form, _ := url.ParseQuery(first.Body); name == "oauth2 with body" && (form.Get("client_secret") != "hush" || form.Get("scope") != "a b") {
				t.Errorf("%+v", first)
			}
		})
	}
}

// A refused token is renewed once and the call repeated once; a second
// refusal is the credentials'.
func TestARefusedToken(t *testing.T) {
	auth := `{"kind": "token", "in": "header", "name": "X-T", "life_seconds": 60, "token": "/t", "request": {"method": "GET", "path": "/token"}}`
	d := with(t, plainDefinition, map[string]any{"auth": auth, "errors": `[{"codes": ["40014"], "do": "refresh_token"}, {"codes": ["404"], "do": "gone"}]`})
	expired := `{"code": 40014, "text": "token expired"}`
	c, s := scripted(t, d, ok(`{"code": 0, "t": "t1"}`, expired, `{"code": 0, "t": "t2"}`, yes))
	if r := applied(t, c, insert()); r.Calls != 4 || r.Writes != 2 || s.seen[3].Header.Get("X-T") != "t2" {
		t.Errorf("receipt %+v, %+v", r, s.calls())
	}
	c, s = scripted(t, d, ok(`{"code": 0, "t": "t1"}`, expired, `{"code": 0, "t": "t2"}`, expired))
	_ = refused(t, c, insert(), orgflow.CodeUnauthorized)
	s.expect(t, "GET /token", "POST /people", "GET /token", "POST /people")
	for name, a := range map[string][]reply{
		"no token":      ok(`{"code": 0, "t": ""}`),
		"HTML":          ok(`<html>`),
		"wrong secret":  {{status: 401, body: `{"error": "invalid_client"}`}},
		"failed":        ok(`{"code": 1}`),
		"in a list":     ok(`{"code": 0, "t": ["t1"]}`),
		"success, as 0": ok(`{"code": "0", "t": "t1"}`),
	} {
		c, s := scripted(t, d, a)
		if _, err := c.Apply(t.Context(), insert()); err == nil || len(s.calls()) > 1 {
			t.Errorf("%s: %v, %v", name, err, s.calls())
		}
	}
}

// The signature covers the very bytes that are sent, and a key in use.
func TestSignedCalls(t *testing.T) {
	signing := `{"preset": "{settings.preset}", "key": "{settings.key}", "param": "sign"}`
	d := with(t, plainDefinition, map[string]any{
		"signing": signing, "settings.preset": `{"description": "preset", "default": "hmac_sha256_sorted_query_body"}`, "query": `{"corp": "c1"}`,
	})
	c, s := scripted(t, d, ok(yes))
	applied(t, c, insert())
	q, _ := url.ParseQuery(s.seen[0].Query)
	if q.Get("corp") != "c1" || len(q.Get("sign")) != 64 {
		t.Errorf("query %v", q)
	}
	if c, s := scripted(t, d, ok(yes), `{"preset": "none"}`); applied(t, c, insert()).Calls != 1 || s.seen[0].Query != "corp=c1" {
		t.Errorf("query %q", s.seen[0].Query)
	}
}

func TestAConnectionIsChecked(t *testing.T) {
	d, err := rest.Parse([]byte(with(t, plainDefinition, map[string]any{"settings.tenant": `{"description": "tenant code", "required": true}`})))
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := rest.ParseConfig([]byte(`{"base_url": "hub.example", "qps": -1, "root_department_id": 7, "settings": {"tennant": "x", "key": ["hush"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = rest.New(d, cfg, rest.Options{Name: "hub"})
	for _, want := range []string{"/consumers/hub/base_url", "/consumers/hub/qps", "/consumers/hub/settings/tennant: is not known", "/consumers/hub/settings/key: must be", "/consumers/hub/settings/tenant: is required: tenant code"} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
