package hcm

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"orgflow"
	"orgflow/internal/transport"
)

// TokenFunc asks for a token and says how long it lives; 0 if unknown.
type TokenFunc func(ctx context.Context) (token string, life time.Duration, err error)

// tokens keeps one token for all callers and renews it at most once at a
// time: callers that need the renewal share it.
type tokens struct {
	fetch   TokenFunc
	now     func() time.Time
	life    time.Duration
	timeout time.Duration
	calls   int // requests one fetch costs

	mu      sync.Mutex
	value   string
	renewAt time.Time
	flight  *flight // a renewal under way
}

type flight struct {
	done  chan struct{}
	value string
	err   error
}

// get returns a token, a fresh one if the one in hand was refused. calls is
// how many requests this caller started.
func (t *tokens) get(ctx context.Context, refused string) (value string, calls int, err error) {
	t.mu.Lock()
	if t.value != "" && t.value != refused && t.now().Before(t.renewAt) {
		defer t.mu.Unlock()
		return t.value, 0, nil
	}
	f := t.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		t.flight = f
		calls = t.calls
		// The renewal serves all who wait: it must not end with the first.
		go t.renew(context.WithoutCancel(ctx), f)
	}
	t.mu.Unlock()
	select {
	case <-f.done:
		return f.value, calls, f.err
	case <-ctx.Done():
		return "", calls, ctx.Err()
	}
}

func (t *tokens) renew(ctx context.Context, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	value, life, err := t.fetch(ctx)
	if life <= 0 {
		life = t.life
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	f.value, f.err = value, err
	if err == nil {
		t.value, t.renewAt = value, t.now().Add(life*4/5)
	}
	t.flight = nil
	close(f.done)
}

// fixedToken is the configured token, which nobody can renew: a refused call
// is repeated once with the same one, as 17003 also covers passing failures.
func (s *Source) fixedToken(context.Context) (string, time.Duration, error) {
	return s.cfg.Auth.Token, 0, nil
}

const maxTokenBody = 1 << 20

// fetchToken asks the configured endpoint for a token.
func (s *Source) fetchToken(ctx context.Context) (token string, life time.Duration, err error) {
	a := s.cfg.Auth
	fields := map[string]string{"grant_type": a.GrantType, a.ClientIDField: a.ClientID, a.ClientSecretField: a.ClientSecret}
	if a.Scope != "" {
		fields["scope"] = a.Scope
	}
	r, err := tokenRequest(ctx, a, fields)
	if err != nil {
		return "", 0, orgflow.Faultf(orgflow.CodeInvalidConfig, "no request can be made for auth.token_url")
	}
	r, span := transport.StartSpan(r, Vendor, "token")
	defer func() { span.End(0, outcome(err)) }()
	res, err := s.client.Do(r)
	if err != nil {
		return "", 0, wireFault("the token endpoint", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxTokenBody))
	if err != nil {
		return "", 0, wireFault("the token endpoint", err)
	}
	token, life, err = readToken(a, res.StatusCode, body)
	if err != nil {
		return "", 0, scrub(err, a.ClientSecret)
	}
	return token, life, nil
}

func tokenRequest(ctx context.Context, a Auth, fields map[string]string) (*http.Request, error) {
	form := make(url.Values, len(fields))
	for k, v := range fields {
		form.Set(k, v)
	}
	body, kind := []byte(form.Encode()), "application/x-www-form-urlencoded"
	if a.JSONBody {
		raw, err := json.Marshal(fields)
		if err != nil {
			return nil, err
		}
		body, kind = raw, "application/json"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.TokenURL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Accept", "application/json")
	return r, nil
}

func readToken(a Auth, status int, body []byte) (string, time.Duration, error) {
	if status >= 500 || status == http.StatusTooManyRequests {
		return "", 0, orgflow.Faultf(orgflow.CodeUnavailable, "the token endpoint answered HTTP %d", status)
	}
	var doc map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil || dec.More() {
		return "", 0, tokenFault(status, fmt.Sprintf("a body that is no JSON object: %q", glimpse(body)))
	}
	token, _ := at(doc, a.TokenField).(string)
	if status > 299 || token == "" {
		code := fmt.Sprint(cmp.Or[any](doc["error"], doc["errcode"], "no error named"))
		return "", 0, tokenFault(status, fmt.Sprintf("no %s (%s)", a.TokenField, shorten(code)))
	}
	if !headerValue(token) {
		return "", 0, tokenFault(status, "a token with characters that no header may carry")
	}
	var lifetime time.Duration // 0 when the answer says none that can be believed
	if seconds, err := strconv.ParseFloat(fmt.Sprint(at(doc, a.ExpiresField)), 64); err == nil && seconds > 0 && seconds <= 10*365*24*3600 {
		lifetime = time.Duration(seconds * float64(time.Second))
	}
	return token, lifetime, nil
}

func tokenFault(status int, message string) error {
	return &orgflow.Fault{Code: orgflow.CodeUnauthorized, VendorCode: httpCode(status),
		Message: fmt.Sprintf("the token endpoint answered HTTP %d with %s", status, message),
		Advice:  "check auth.token_url, client_id, client_secret and token_field of the source"}
}

// at follows a dotted path through objects.
func at(doc map[string]any, path string) any {
	var v any = doc
	for _, name := range strings.Split(path, ".") {
		obj, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = obj[name]
	}
	return v
}
