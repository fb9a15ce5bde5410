package wcsim

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"sync"
	"time"

	"orgflow/connectors/simctl"
)

// token is a secret's token (§ 2).
type token struct {
	Secret  string    `json:"secret"`
	Value   string    `json:"value"`
	Expires time.Time `json:"expires"`
	Issued  int       `json:"issued"`
}

type tokens struct {
	mu       sync.RWMutex
	bySecret map[string]token
	byValue  map[string]token // also of tokens that are over
	issued   int
}

// get returns the secret's token: the same inside its validity, or, in mode
// rotate, always a new one, after which the old one is refused.
func (t *tokens) get(d *simctl.Desk, secret string, set *compiled) (token, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := d.Now()
	k, ok := t.bySecret[secret]
	if ok && now.Before(k.Expires) && set.TokenMode == "stable" {
		return k, nil
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", secret, t.issued, now.UnixNano()))
	k = token{
		Secret: secret, Value: base64.RawURLEncoding.EncodeToString(sum[:]) + base64.RawURLEncoding.EncodeToString(sum[:]),
		Expires: now.Add(time.Duration(set.TokenSeconds) * time.Second), Issued: t.issued + 1,
	}
	if err := d.Commit(simctl.Change{Kind: kindToken, ID: secret, Value: k}); err != nil {
		return k, err
	}
	t.put(k)
	return k, nil
}

func (t *tokens) put(k token) {
	if t.bySecret == nil {
		t.bySecret, t.byValue = map[string]token{}, map[string]token{}
	}
	t.bySecret[k.Secret], t.byValue[k.Value], t.issued = k, k, max(t.issued, k.Issued)
}

// secret returns whose valid token this is. known tells an old token from
// one never issued.
func (t *tokens) secret(value string, now time.Time) (secret string, valid, known bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	old, known := t.byValue[value]
	k := t.bySecret[old.Secret]
	return old.Secret, known && k.Value == value && now.Before(k.Expires), known
}

func (t *tokens) expire(d *simctl.Desk) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range t.bySecret {
		k.Expires = time.Time{}
		if err := d.Commit(simctl.Change{Kind: kindToken, ID: k.Secret, Value: k}); err != nil {
			return err
		}
		t.put(k)
	}
	return nil
}

func (t *tokens) clear(d *simctl.Desk) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := d.Commit(simctl.Change{Kind: kindNoTokens}); err != nil {
		return err
	}
	t.bySecret, t.byValue, t.issued = nil, nil, 0
	return nil
}

func (t *tokens) dump() []token {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var out []token
	for _, k := range t.bySecret {
		out = append(out, k)
	}
	return out
}

func (t *tokens) count() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.issued
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
	k, err := s.tokens.get(s.desk, secret, set)
	if err != nil {
		return failed(coded(-1))
	}
	left := int(k.Expires.Sub(s.desk.Now()) / time.Second)
	return succeeded("ok", map[string]any{"access_token": k.Value, "expires_in": left})
}
