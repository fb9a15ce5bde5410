package hcmsim

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"orgflow/connectors/simctl"
)

// tokens are the fixed token's beginning and the ones given to clients. They
// live in memory only: after a restart clients fetch new ones.
type tokens struct {
	mu     sync.RWMutex
	since  time.Time // of the fixed token
	dead   bool      // the fixed token was expired by hand
	issued map[string]time.Time
}

func (t *tokens) restart(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.since, t.dead = now, false
}

func (t *tokens) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.issued = nil
}

func (t *tokens) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dead = true
	for k := range t.issued {
		t.issued[k] = time.Time{}
	}
}

func (t *tokens) issue(now time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.issued == nil {
		t.issued = map[string]time.Time{}
	}
	value := "sim-" + rand.Text()
	t.issued[value] = now
	return value
}

// judge answers 0 for a valid token, else the code of § 1.6: 51006 for a
// missing or expired one, 17003 for a foreign one.
func (t *tokens) judge(set *Settings, value string, now time.Time) int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	since, issued := t.issued[value]
	switch {
	case value == "":
		return 51006
	case issued:
		if since.IsZero() {
			return 51006
		}
	case value == set.Token && set.AuthMode != "client_credentials":
		since = t.since
		if t.dead && set.TokenSeconds > 0 {
			return 51006
		}
	default:
		return 17003
	}
	if set.TokenSeconds > 0 && now.Sub(since) >= time.Duration(set.TokenSeconds)*time.Second {
		return 51006
	}
	return 0
}

// credential finds the token in the places that the mode allows (§ 1.2).
func credential(set *Settings, c *simctl.Call) string {
	bearer, _ := strings.CutPrefix(c.Header.Get("Authorization"), "Bearer ")
	if c.Header.Get("Authorization") == bearer {
		bearer = ""
	}
	cookie := ""
	if k, err := (&http.Request{Header: c.Header}).Cookie("token"); err == nil {
		cookie = k.Value
	}
	outer := c.Header.Get("OuterToken")
	if outer == "" {
		outer = c.Query.Get("outer_token")
	}
	header := c.Header.Get("token")
	switch set.AuthMode {
	case "bearer", "client_credentials":
		return bearer
	case "bearer_inner":
		if c.Header.Get("hcminner") != "1" {
			return ""
		}
		return bearer
	case "cookie":
		return cookie
	case "header":
		return header
	case "outer_token":
		return outer
	}
	for _, v := range []string{bearer, cookie, header, outer} {
		if v != "" {
			return v
		}
	}
	return ""
}

// oauth is POST /oauth/token with grant_type=client_credentials, form or
// JSON. No public file shows such an end point (§ 1.2, open question); this
// one follows RFC 6749 § 4.4, for the connection's configurable mode.
func (s *Sim) oauth(c *simctl.Call) simctl.Answer {
	in := map[string]string{}
	if c.IsForm() {
		for k := range c.Form() {
			in[k] = c.Form().Get(k)
		}
	} else if json.Unmarshal(c.Body, &in) != nil {
		return oauthError(http.StatusBadRequest, "invalid_request")
	}
	if user, pass, ok := (&http.Request{Header: c.Header}).BasicAuth(); ok { // RFC 6749 § 2.3.1: both form-encoded
		in["client_id"], in["client_secret"] = unescape(user), unescape(pass)
	}
	if in["grant_type"] != "client_credentials" {
		return oauthError(http.StatusBadRequest, "unsupported_grant_type")
	}
	set := s.settings.Load()
	for _, k := range set.Clients {
		if k.ID == in["client_id"] && k.Secret == in["client_secret"] {
			out := map[string]any{"access_token": s.tokens.issue(s.desk.Now()), "token_type": "bearer"}
			if set.TokenSeconds > 0 {
				out["expires_in"] = set.TokenSeconds
			}
			return simctl.JSON(http.StatusOK, simctl.OK, out)
		}
	}
	return oauthError(http.StatusUnauthorized, "invalid_client")
}

func oauthError(status int, code string) simctl.Answer {
	return simctl.JSON(status, code, map[string]string{"error": code})
}

func unescape(s string) string {
	if v, err := url.QueryUnescape(s); err == nil {
		return v
	}
	return s
}
