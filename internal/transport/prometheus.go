package transport

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Prometheus is an Observer that keeps counters and histograms of calls, and
// of the rate budgets that they wait for. Its labels are bounded, whatever a
// vendor sends: beyond maxLabels different values of a vendor's path or
// outcome the rest are "other".
type Prometheus struct {
	calls     *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	throttled *prometheus.CounterVec
	tokens    *prometheus.CounterVec
	budget    *prometheus.GaugeVec
	turns     *prometheus.CounterVec
	waits     *prometheus.HistogramVec

	mu    sync.Mutex
	known map[string]map[string]bool // the values of each vendor's label
}

// maxLabels bounds the values of one label of a vendor: more than any vendor
// documents codes that concern orgflow.
const maxLabels = 200

// NewPrometheus registers the metrics and returns the observer.
func NewPrometheus(reg prometheus.Registerer) (*Prometheus, error) {
	p := &Prometheus{
		calls: counter("orgflow_vendor_calls_total",
			"Calls to vendors by path and outcome (ok, vendor code, or orgflow code of a failure on the way).", "vendor", "path", "outcome"),
		seconds: histogram("orgflow_vendor_call_seconds", "Time a vendor took to answer, waiting for the rate budget excluded.",
			[]float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}, "vendor", "path"),
		throttled: counter("orgflow_vendor_throttled_total", "Answers of vendors that say: too fast.", "vendor"),
		tokens: counter("orgflow_vendor_token_renewals_total",
			"Attempts to get a token or session from a vendor by outcome (ok, or orgflow code).", "vendor", "outcome"),
		budget: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "orgflow_rate_budget", Help: "Calls a second that all processes together may make to a target.",
		}, []string{"company", "consumer"}),
		turns: counter("orgflow_rate_turns_total", "Turns of a target's rate budget that were used in this process.", "company", "consumer"),
		waits: histogram("orgflow_rate_wait_seconds", "Time a call waited for its turn of the rate budget.",
			[]float64{.01, .05, .1, .5, 1, 2.5, 5, 10, 30, 60}, "company", "consumer"),
		known: map[string]map[string]bool{},
	}
	var errs []error
	for _, c := range []prometheus.Collector{p.calls, p.seconds, p.throttled, p.tokens, p.budget, p.turns, p.waits} {
		errs = append(errs, reg.Register(c))
	}
	return p, errors.Join(errs...)
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

// Observe implements Observer.
func (p *Prometheus) Observe(vendor, path, outcome string, took time.Duration) {
	path, outcome = p.bounded(vendor, "path", path), p.bounded(vendor, "outcome", outcome)
	p.calls.WithLabelValues(vendor, path, outcome).Inc()
	p.seconds.WithLabelValues(vendor, path).Observe(took.Seconds())
}

// Throttled implements Observer.
func (p *Prometheus) Throttled(vendor string) { p.throttled.WithLabelValues(vendor).Inc() }

// TokenFetched implements Observer.
func (p *Prometheus) TokenFetched(vendor, outcome string) {
	p.tokens.WithLabelValues(vendor, outcome).Inc()
}

// Expect makes a vendor's counters begin with 0: the first event is an
// increase then, and not the beginning of a series, which nobody sees.
func (p *Prometheus) Expect(vendor string) {
	p.throttled.WithLabelValues(vendor)
	p.tokens.WithLabelValues(vendor, succeeded)
}

// bounded is the value, or "other" where the vendor has had too many others.
func (p *Prometheus) bounded(vendor, label, value string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	values := p.known[vendor+" "+label]
	switch {
	case values[value]:
		return value
	case values == nil:
		values = map[string]bool{}
		p.known[vendor+" "+label] = values
	case len(values) >= maxLabels:
		return other
	}
	values[value] = true
	return value
}

// Budget meters a target's rate budget of n calls a second.
func (p *Prometheus) Budget(company, consumer string, n float64, s *Shared) Limiter {
	p.budget.WithLabelValues(company, consumer).Set(n)
	return metered{s, p.turns.WithLabelValues(company, consumer), p.waits.WithLabelValues(company, consumer)}
}

// metered is a shared budget that counts the turns it gives.
type metered struct {
	*Shared
	turns prometheus.Counter
	waits prometheus.Observer
}

// Wait implements Limiter.
func (m metered) Wait(ctx context.Context) error {
	start := time.Now()
	err := m.Shared.Wait(ctx)
	if err == nil {
		m.turns.Inc()
		m.waits.Observe(time.Since(start).Seconds())
	}
	return err
}
