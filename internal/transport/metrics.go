package transport

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"orgflow"
)

// Observer counts calls.
type Observer interface {
	// Observe is told of every call. The outcome is "ok", a vendor code, an
	// orgflow code for what went wrong on the way, or "canceled".
	Observe(vendor, path, outcome string, took time.Duration)
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

func outcome(call *Call, err error) string {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return string(orgflow.CodeCanceled)
	case err != nil:
		return string(orgflow.AsFault(err).Code)
	case call.code == "":
		return "ok"
	case len(call.code) > maxOutcome:
		return "other"
	}
	return call.code
}

// Prometheus is an Observer that keeps a counter by vendor, path and outcome
// and a histogram of seconds by vendor and path.
type Prometheus struct {
	calls   *prometheus.CounterVec
	seconds *prometheus.HistogramVec
}

// NewPrometheus registers the metrics and returns the observer. Registered
// twice on one registerer, both observers share the metrics.
func NewPrometheus(reg prometheus.Registerer) (*Prometheus, error) {
	calls, err := register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "orgflow_vendor_calls_total",
		Help: "Calls to vendors by path and outcome (ok, vendor code, or orgflow code of a failure on the way).",
	}, []string{"vendor", "path", "outcome"}))
	if err != nil {
		return nil, err
	}
	seconds, err := register(reg, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "orgflow_vendor_call_seconds",
		Help:    "Time a vendor took to answer, waiting for the rate budget excluded.",
		Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
	}, []string{"vendor", "path"}))
	if err != nil {
		return nil, err
	}
	return &Prometheus{calls: calls, seconds: seconds}, nil
}

// Observe implements Observer.
func (p *Prometheus) Observe(vendor, path, outcome string, took time.Duration) {
	p.calls.WithLabelValues(vendor, path, outcome).Inc()
	p.seconds.WithLabelValues(vendor, path).Observe(took.Seconds())
}

func register[C prometheus.Collector](reg prometheus.Registerer, c C) (C, error) {
	err := reg.Register(c)
	if known := (prometheus.AlreadyRegisteredError{}); errors.As(err, &known) {
		if existing, ok := known.ExistingCollector.(C); ok {
			return existing, nil
		}
	}
	return c, err
}
