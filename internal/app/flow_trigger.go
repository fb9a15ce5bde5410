package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"orgflow"
	"orgflow/activities"
	"orgflow/internal/approval"
	"orgflow/internal/egress"
	"orgflow/internal/transport"
)

const (
	triggerTimeout = 20 * time.Second
	// maxTriggerAnswer is how much of an answer is read, to use the
	// connection again; its content is of no interest.
	maxTriggerAnswer = 64 << 10
)

// triggerCaller makes the calls of trigger nodes, to the hosts a company
// lists, wherever redirects and name servers would have them go.
type triggerCaller struct{ http *http.Client }

func newTriggerCaller(dialer *net.Dialer, allowed egress.List) triggerCaller {
	check := func(host string, ip netip.Addr) error {
		return errors.Join(approval.CheckAddr(host, ip), allowed.CheckAddr(host, ip))
	}
	return triggerCaller{&http.Client{
		Timeout: triggerTimeout,
		// No proxy: it would look names up behind the guard's back.
		Transport: &http.Transport{
			DialContext:         egress.Dial(dialer, check),
			ForceAttemptHTTP2:   true,
			TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: 90 * time.Second, MaxIdleConns: 100,
		},
		// A redirect would send the form elsewhere than the definition says.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Call sends one call. Errors do not show the address: it may hold a secret.
func (c triggerCaller) Call(ctx context.Context, t activities.TriggerCall) (int, error) {
	if err := t.Hosts.CheckURL(t.URL); err != nil {
		return 0, orgflow.Faultf(orgflow.CodeInvalidConfig, "%s", err)
	}
	req, err := http.NewRequestWithContext(ctx, t.Method, t.URL, bytes.NewReader(t.Body))
	if err != nil {
		return 0, orgflow.Faultf(orgflow.CodeInvalidConfig, "the address of the call cannot be used")
	}
	req.GetBody = nil // net/http must not repeat it on its own
	for name, value := range t.Headers {
		req.Header.Set(name, value)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", t.Key)
	req, span := transport.StartSpan(req, "trigger", "call")
	res, err := c.http.Do(req)
	span.End(answered(res, err))
	if forbidden, ok := errors.AsType[*egress.Refused](err); ok {
		return 0, orgflow.Faultf(orgflow.CodeInvalidConfig, "%s", forbidden)
	}
	if err != nil {
		return 0, errors.New("no answer")
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxTriggerAnswer)) // only to use the connection again
	return res.StatusCode, nil
}

// answered is how a call ended, for its span.
func answered(res *http.Response, err error) (status int, outcome string) {
	switch {
	case err != nil:
		return 0, transport.OutcomeOf(err)
	case res.StatusCode/100 != 2:
		return res.StatusCode, "HTTP " + strconv.Itoa(res.StatusCode)
	}
	return res.StatusCode, transport.OutcomeOf(nil)
}
