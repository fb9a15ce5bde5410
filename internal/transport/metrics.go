package transport

import (
	"context"
	"errors"
	"net/http"
	"time"

	"orgflow"
)

// Observer counts calls.
type Observer interface {
	// Observe is told of every call. The outcome is "ok", a vendor code, an
	// orgflow code for what went wrong on the way, or "canceled".
	Observe(vendor, path, outcome string, took time.Duration)
	// Throttled is told of every answer that says "too fast".
	Throttled(vendor string)
	// TokenFetched is told of every attempt to get a token or session. The
	// outcome is "ok", an orgflow code, or "canceled".
	TokenFetched(vendor, outcome string)
}

// Metrics reports each call to the observer, with the time the vendor took.
func Metrics(o Observer, vendor string) Layer {
	return func(next http.RoundTripper) http.RoundTripper {
		return Func(func(req *http.Request) (*http.Response, error) {
			start := time.Now()
			res, err := next.RoundTrip(req)
			call := callOf(req)
			o.Observe(vendor, call.path(req), outcome(call, err), time.Since(start))
			return res, err
		})
	}
}

// maxOutcome bounds the label, whatever a vendor sends.
const maxOutcome = 60

// What stands in a label beside the codes of vendors and of orgflow.
const (
	succeeded = "ok"
	other     = "other"
)

func outcome(call *Call, err error) string {
	switch {
	case err != nil:
		return OutcomeOf(err)
	case call.code == "":
		return succeeded
	case len(call.code) > maxOutcome:
		return other
	}
	return call.code
}

// OutcomeOf is the outcome for metrics of what went wrong on the way, "ok" for
// nil.
func OutcomeOf(err error) string {
	switch {
	case err == nil:
		return succeeded
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return string(orgflow.CodeCanceled)
	}
	return string(orgflow.AsFault(err).Code)
}
