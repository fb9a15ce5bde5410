package wcsim

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"orgflow/connectors/simctl"
	"orgflow/connectors/simtoken"
)

// token returns a secret's token (§ 2): the same inside its validity, or, in
// mode rotate, always a new one, after which the old one is refused.
func (s *Sim) token(secret string, set *compiled) (simtoken.Token, error) {
	again := simtoken.Rotate
	if set.TokenMode == "stable" {
		again = simtoken.Keep
	}
	return s.tokens.Issue(s.desk, secret, time.Duration(set.TokenSeconds)*time.Second, again, func(n int, now time.Time) string {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", secret, n, now.UnixNano()))
		return base64.RawURLEncoding.EncodeToString(sum[:]) + base64.RawURLEncoding.EncodeToString(sum[:])
	})
}

// getToken is GET /cgi-bin/gettoken.
func (s *Sim) getToken(c *simctl.Call) simctl.Answer {
	set := s.settings.Load()
	corp, secret := c.Query.Get("corpid"), c.Query.Get("corpsecret")
	switch _, ok := set.secrets[secret]; {
	case corp == "":
		return failed(coded(41002))
	case secret == "":
		return failed(coded(41004))
	case corp != set.CorpID:
		return failed(coded(40013))
	case !ok:
		return failed(coded(40001))
	case !s.limits.allow(set, c.Path, s.desk.Now()):
		c.Throttled = true
		return failed(coded(45009))
	}
	k, err := s.token(secret, set)
	if err != nil {
		return failed(coded(-1))
	}
	left := int(k.Expires.Sub(s.desk.Now()) / time.Second)
	return succeeded("ok", map[string]any{"access_token": k.Value, "expires_in": left})
}
