package hcm

import (
	"cmp"
	"context"
	"errors"
	"time"

	"orgflow"
	"orgflow/internal/transport"
)

// Vendor is the gateway's name in metrics and traces.
const Vendor = "hcm"

// WithMetrics sets what counts calls and tokens; default is nothing.
func WithMetrics(o transport.Observer) Option { return func(s *Source) { s.metrics = o } }

// observe counts a call of the gateway's interface.
func (s *Source) observe(api string, err error, took time.Duration) {
	if s.metrics == nil {
		return
	}
	if err != nil && orgflow.AsFault(err).Code == orgflow.CodeThrottled {
		s.metrics.Throttled(Vendor)
	}
	s.metrics.Observe(Vendor, api, outcome(err), took)
}

// outcome is how a call ended, for metrics and traces: the vendor's code where
// it has one.
func outcome(err error) string {
	if err == nil || errors.Is(err, context.Canceled) {
		return transport.OutcomeOf(err)
	}
	f := orgflow.AsFault(err)
	return cmp.Or(f.VendorCode, string(f.Code))
}

// counted counts the tokens that fetch gets.
func (s *Source) counted(fetch TokenFunc) TokenFunc {
	return func(ctx context.Context) (string, time.Duration, error) {
		value, life, err := fetch(ctx)
		if s.metrics != nil {
			s.metrics.TokenFetched(Vendor, transport.OutcomeOf(err))
		}
		return value, life, err
	}
}
