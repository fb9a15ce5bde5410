package hcm

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"orgflow"
	"orgflow/internal/egress"
	"orgflow/internal/transport"
)

// Sleep waits, or returns the context's error if that ends first.
type Sleep func(ctx context.Context, d time.Duration) error

const (
	maxTries  = 3 // of a transient failure (HCM reference § 1.6)
	firstWait = 500 * time.Millisecond
	maxBody   = 64 << 20
)

// request is one gateway call, ready to be sent any number of times.
type request struct {
	api, model string
	body       []byte
}

// call sends the request until it is answered: transient failures up to
// maxTries with growing waits, a refused token once with a new one.
func (s *Source) call(ctx context.Context, req request) (answer, int, error) {
	calls, tries, renewed, refused := 0, 1, false, ""
	for {
		token, spent, err := s.tokens.get(ctx, refused)
		calls += spent
		var a answer
		if err == nil {
			calls++
			a, err = s.once(ctx, req, token)
		}
		if err == nil {
			if a.warning != "" {
				s.log.WarnContext(ctx, "gateway warns", "api", req.api, "model", req.model, "message", a.warning)
			}
			return a, calls, nil
		}
		if ctx.Err() != nil {
			return answer{}, calls, ctx.Err()
		}
		var refusal *refusedToken
		fault := orgflow.AsFault(err)
		switch {
		case errors.As(err, &refusal) && !renewed:
			renewed, refused = true, token
		case fault.Code == orgflow.CodeUnavailable && tries < maxTries:
			if err := s.sleep(ctx, firstWait<<(tries-1)); err != nil {
				return answer{}, calls, err
			}
			tries++
		default:
			return answer{}, calls, fault
		}
	}
}

// once sends the request a single time.
func (s *Source) once(ctx context.Context, req request, token string) (answer, error) {
	if err := s.turn(ctx); err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	query := url.Values{"model": {req.model}}
	if strings.HasPrefix(req.api, "private.") {
		query.Set("pure_result", "1") // cloud functions: no outer wrapper (HCM reference § 1.1)
	}
	address := s.cfg.BaseURL + "/api/" + req.api + "?" + query.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(req.body))
	if err != nil {
		return answer{}, orgflow.Faultf(orgflow.CodeInvalidConfig, "no request can be made for %s at the source's base_url", req.api)
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("Accept", "application/json")
	s.authorize(r, token)
	r, span := transport.StartSpan(r, Vendor, req.api)
	start := time.Now()
	status, a, err := s.ask(r, req.api)
	span.End(status, outcome(err))
	s.observe(req.api, err, time.Since(start))
	if err != nil {
		return answer{}, scrub(err, token, s.cfg.Auth.ClientSecret)
	}
	return a, nil
}

func (s *Source) ask(r *http.Request, what string) (status int, a answer, err error) {
	status, header, body, err := s.exchange(r, what)
	if err != nil {
		return status, answer{}, err
	}
	a, err = readAnswer(status, header, body)
	return status, a, err
}

// turn waits until the request rate allows one more.
func (s *Source) turn(ctx context.Context) error {
	if s.limit == nil {
		return nil
	}
	if err := s.limit.Wait(ctx); err != nil {
		return orgflow.Faultf(orgflow.CodeThrottled, "no turn within the source's qps before the deadline")
	}
	return nil
}

// authorize puts the token where the mode wants it (HCM reference § 1.2).
func (s *Source) authorize(r *http.Request, token string) {
	switch s.cfg.Auth.Mode {
	case NoAuth:
	case Bearer, ClientCredentials:
		r.Header.Set("Authorization", "Bearer "+token)
	case BearerInner:
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("hcminner", "1")
	case Cookie:
		r.Header.Set("Cookie", "token="+token)
	case Header:
		r.Header.Set(s.cfg.Auth.Header, token)
	case OuterToken:
		r.Header.Set("OuterToken", token)
	}
}

// exchange sends a request and reads the whole answer. What goes wrong on
// the way is CodeUnavailable: reads are safe to repeat.
func (s *Source) exchange(r *http.Request, what string) (int, http.Header, []byte, error) {
	res, err := s.client.Do(r)
	if err != nil {
		return 0, nil, nil, wireFault(what, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return 0, nil, nil, wireFault(what, err)
	}
	if len(body) > maxBody {
		f := orgflow.Faultf(orgflow.CodeInvalidConfig, "the answer to %s is larger than %d MiB", what, maxBody>>20)
		f.Advice = "lower page_size of the source"
		return 0, nil, nil, f
	}
	return res.StatusCode, res.Header, body, nil
}

// wireFault leaves out the address, which *url.Error would show.
func wireFault(what string, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if refused, ok := errors.AsType[*egress.Refused](err); ok {
		f := orgflow.Faultf(orgflow.CodeInvalidConfig, "%s was not sent: it %s", what, refused)
		f.Advice = "correct base_url or token_url of the source in company.json, or what its name resolves to"
		f.Err = refused
		return f
	}
	f := orgflow.Faultf(orgflow.CodeUnavailable, "%s was not answered: %v", what, err)
	if errors.Is(err, context.DeadlineExceeded) {
		f = orgflow.Faultf(orgflow.CodeUnavailable, "%s was not answered in time", what)
	}
	f.Advice = "check that the gateway is up and reachable from here; raise timeout_seconds if its pages are slow"
	f.Err = err
	return f
}
