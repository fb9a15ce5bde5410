package kingdee

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"orgflow"
	"orgflow/connectors/wire"
	"orgflow/internal/transport"
)

// Services that read (Kingdee reference § 4.1, § 5).
const (
	serviceQuery = "DynamicFormService.ExecuteBillQuery"
	serviceInfo  = "DynamicFormService.QueryBusinessInfo"

	servicePrefix = "Kingdee.BOS.WebApi.ServicesStub."
	serviceSuffix = ".common.kdsvc"
	headerSession = "kdservice-sessionid"
)

// request is one call of a service with its positional arguments.
type request struct {
	service string
	args    []any
}

// text is an argument as services want it: JSON inside JSON (§ 1).
func text(v any) (string, error) {
	raw, err := wire.Encode(v)
	if err != nil {
		return "", &orgflow.Fault{Code: orgflow.CodeInternal, Message: "encoding an argument", Err: err}
	}
	return string(raw), nil
}

// call makes a call in the session and returns the JSON of its answer; no
// data is nil. A lost session is renewed, and an exception of the server
// (MsgCode 4) repeated, once. calls is what was spent, logins included.
func (c *Client) call(ctx context.Context, q request) (body []byte, calls int, err error) {
	for again := false; ; again = true {
		var a answer
		logins, err := c.session.use(ctx, func(id string) (outcome, error) {
			var err error
			if a, err = c.inLane(ctx, q, id); err != nil {
				return sessionUnknown, err
			}
			calls++
			if f := c.fault(ctx, &a); f != nil && !a.lost() {
				return a.session(), f
			}
			return a.session(), nil
		})
		calls += logins
		switch {
		case err == nil:
			return a.body, calls, nil
		case a.code == codeException && !again && ctx.Err() == nil:
			continue
		}
		return nil, calls, err
	}
}

// inLane makes a call when fewer than the configured number are under way.
func (c *Client) inLane(ctx context.Context, q request, session string) (answer, error) {
	select {
	case c.lanes <- struct{}{}:
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
	defer func() { <-c.lanes }()
	return c.send(ctx, q, session)
}

// send makes one HTTP call. Its error is of the way there and back; what the
// vendor says stands in the answer.
func (c *Client) send(ctx context.Context, q request, session string) (answer, error) {
	body, err := wire.Encode(map[string]any{"parameters": q.args})
	if err != nil {
		return answer{}, &orgflow.Fault{Code: orgflow.CodeInternal, Message: "encoding the request of " + q.service, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+servicePrefix+q.service+serviceSuffix, bytes.NewReader(body))
	if err != nil {
		return answer{}, orgflow.Faultf(orgflow.CodeInvalidConfig, "no request can be made for %s at the ERP's base_url", q.service)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Accept", "application/json")
	if session != "" {
		req.Header.Set(headerSession, session)
	}
	a := answer{in: session}
	call := &transport.Call{Path: q.service, Decode: func(status int, body []byte) string {
		a.read(status, body)
		return a.code
	}}
	if _, err := c.link.Send(req, call); err != nil {
		return answer{}, tooLong(err, q.service)
	}
	return a, nil
}

// tooLong says of an answer that exceeds the byte limit what may be done:
// the same call would exceed it again.
func tooLong(err error, service string) error {
	if !errors.Is(err, transport.ErrTooLong) {
		return err
	}
	f := orgflow.Faultf(orgflow.CodeInvalidConfig, "the answer to %s is larger than %d MiB", service, maxBody>>20)
	f.Advice, f.Err = "lower page_size of the form, or name fewer fields", err
	return f
}
