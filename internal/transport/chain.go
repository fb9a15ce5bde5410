// Package transport is how requests reach vendors: a chain of small layers
// around one HTTP transport. Seen from the wire outwards a call passes body
// cap and decode, timeout, outcome, metrics, log, trace and rate; each layer is one
// file and knows nothing of the others but the Call in the context.
//
// Requests go through a RoundTripper and not through http.Client: no
// redirect is followed, no cookie kept, and no error text carries the URL,
// in whose query some vendors want their token.
package transport

import (
	"context"
	"net/http"
	"sync/atomic"
)

// Layer wraps a RoundTripper with one concern.
type Layer func(http.RoundTripper) http.RoundTripper

// Chain puts layers around base. The first layer is the outermost, so that
// the list reads in the order in which a request passes it.
func Chain(base http.RoundTripper, layers ...Layer) http.RoundTripper {
	for i := len(layers) - 1; i >= 0; i-- {
		base = layers[i](base)
	}
	return base
}

// Func is a RoundTripper made of a function.
type Func func(*http.Request) (*http.Response, error)

// RoundTrip calls the function.
func (f Func) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Call says what a request is, for the layers that treat requests
// differently. A Call belongs to one request and is not used again.
type Call struct {
	// Path names the operation in logs, metrics and traces. It must come from a
	// small set; empty stands for the URL's path.
	Path string
	// Write: the request changes something, so that an outcome that is not
	// known must be told apart from one that surely did not happen.
	Write bool
	// Decode, if set, is handed status and whole body of an answer, and
	// returns the vendor's own code, empty for success. It runs inside
	// BodyCap, once more where a refusal repeats secrets of the request: then
	// they are gone, and what it found before counts no more. The body slice
	// may be kept.
	Decode func(status int, body []byte) (code string)

	code string
	sent atomic.Bool
}

// Code returns the vendor code that Decode found.
func (c *Call) Code() string { return c.code }

// Sent tells whether the request may have reached the vendor.
func (c *Call) Sent() bool { return c.sent.Load() }

type callKey struct{}

// Do sends a request through the chain, described by call. Its errors are
// those of the layers: with Outcome in the chain a *orgflow.Fault or the
// error of the request's context.
func Do(rt http.RoundTripper, req *http.Request, call *Call) (*http.Response, error) {
	ctx := context.WithValue(req.Context(), callKey{}, call)
	return rt.RoundTrip(req.WithContext(ctx))
}

// callOf returns the Call of a request; a request without one is a read.
func callOf(req *http.Request) *Call {
	if c, ok := req.Context().Value(callKey{}).(*Call); ok {
		return c
	}
	return &Call{}
}

// path returns the name of the request for logs, metrics and traces.
func (c *Call) path(req *http.Request) string {
	if c.Path != "" {
		return c.Path
	}
	return req.URL.Path
}
