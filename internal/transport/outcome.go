package transport

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"

	"orgflow"
	"orgflow/internal/egress"
)

// Outcome turns the errors of the wire into faults and says what is known of
// the effect:
//
//   - the end of the caller's context comes back as the context's error;
//   - a request that surely was not sent (name not found, no connection, TLS
//     handshake failed) is CodeUnavailable;
//   - one to a host that must not be called (package egress) is
//     CodeInvalidConfig: trying again would not help;
//   - once its head may have been written, a write is CodeUnknownOutcome; a
//     read, which can be repeated, is CodeUnavailable.
//
// It also makes sure that no write is ever replayed on its own by net/http.
// A POST is sent again only if not one byte of it was written, which is
// harmless; a GET would be sent again after a connection died under it, so a
// GET that writes is given a body that cannot be rewound.
func Outcome() Layer {
	return func(next http.RoundTripper) http.RoundTripper {
		return Func(func(req *http.Request) (*http.Response, error) {
			ctx, call := req.Context(), callOf(req)
			trace := &httptrace.ClientTrace{WroteHeaders: func() { call.sent.Store(true) }}
			traced := req.WithContext(httptrace.WithClientTrace(ctx, trace))
			if call.Write {
				forbidReplay(traced)
			}
			res, err := next.RoundTrip(traced)
			if err == nil {
				call.sent.Store(true)
				return res, nil
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, wireFault(traced, err, call)
		})
	}
}

func wireFault(req *http.Request, err error, call *Call) error {
	said := string(unechoed(req, []byte(err.Error()))) // net/http quotes what it cannot read
	f := &orgflow.Fault{Code: orgflow.CodeUnavailable, Err: err}
	if refused, ok := errors.AsType[*egress.Refused](err); ok {
		return &orgflow.Fault{
			Code: orgflow.CodeInvalidConfig, Message: "not sent: " + refused.Error(), Err: refused,
			Advice: "correct the address in company.json, or what its name resolves to; nothing was changed",
		}
	}
	switch {
	case !call.Sent():
		f.Message = "not sent: " + said
		f.Advice = "check the address (base_url in company.json), network and TLS; nothing was changed, the call is repeated"
	case call.Write:
		f.Code = orgflow.CodeUnknownOutcome
		f.Message = "no complete answer: " + said
		f.Advice = "the change may have taken effect; it is read back before it is repeated"
	default:
		f.Message = "no complete answer: " + said
		f.Advice = "nothing was changed, the call is repeated"
	}
	return f
}

// forbidReplay keeps net/http from repeating a write whose method it takes
// for harmless (DingTalk contact v1 deletes with GET). It leaves POST alone.
func forbidReplay(req *http.Request) {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, "":
		if req.Body == nil || req.Body == http.NoBody {
			req.Body = io.NopCloser(eof{})
		}
		req.GetBody = nil
	}
}

// eof is an empty body that net/http cannot recognise as such, and so does
// not take for rewindable. Nothing of it is seen on the wire.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
