package hcm

import (
	"cmp"
	"context"
	"errors"
	"time"

	"orgflow"
	"orgflow/internal/transport"
)

// Vendor is the gateway's name in metrics.
const Vendor = "hcm"

// WithMetrics sets what counts calls and tokens; default is nothing.
func WithMetrics(o transport.Observer) Option { return func(s *Source) { s.metrics = o } }

// observe counts a call of the gateway's interface. The outcome is the
// vendor's code where it has one.
func (s *Source) observe(api string, err error, took time.Duration) {
	if s.metrics == nil {
		return
	}
	outcome := "ok"
	if err != nil {
		f := orgflow.AsFault(err)
		outcome = cmp.Or(f.VendorCode, string(f.Code))
		if f.Code == orgflow.CodeThrottled {
			s.metrics.Throttled(Vendor)
		}
		if errors.Is(err, context.Canceled) {
			outcome = string(orgflow.CodeCanceled)
		}
	}
	s.metrics.Observe(Vendor, api, outcome, took)
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
