// Package meter counts for Prometheus what becomes of runs, flows and
// messages, and shows what waits. No label holds an id or anything personal:
// labels are states, kinds, and names of consumers.
//
// Counters are those of one process since its start. What a killed process
// did between storing an outcome and counting it is missing; nothing else is.
package meter

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"orgflow"
	"orgflow/internal/flow"
)

// Kinds of runs.
const (
	kindSync = "sync" // a sync run
	kindPull = "pull" // of the organisation
	kindLoad = "load" // of an ERP's form
)

// Meter holds the counters. It is safe for many goroutines.
type Meter struct {
	runs       *prometheus.CounterVec
	runSeconds *prometheus.HistogramVec
	changes    *prometheus.CounterVec
	flows      *prometheus.CounterVec
	flowTime   *prometheus.HistogramVec
	decisions  prometheus.Histogram
	messages   *prometheus.CounterVec

	// Schedules shows missed runs of schedules, in workers.
	Schedules *Schedules
}

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// New registers the counters; they begin with 0 for every outcome that does
// not depend on the configuration (see Expect).
func New(reg prometheus.Registerer) (*Meter, error) {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Meter{
		runs:    counters("orgflow_runs_total", "Runs that ended, dry runs left out, by kind (sync, pull, load), consumer and status.", "kind", "consumer", "status"),
		changes: counters("orgflow_changes_total", "Changes of sync runs that ended, dry runs left out, by the state they ended in.", "consumer", "state"),
		runSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "orgflow_run_seconds", Help: "Time from start to end of runs, waiting for decisions included.",
			Buckets: []float64{1, 5, 15, minute, 5 * minute, 15 * minute, hour, 4 * hour, day, 7 * day},
		}, []string{"kind"}),
		flows: counters("orgflow_flows_total", "Approval flows that got into a state.", "state"),
		flowTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "orgflow_flow_seconds", Help: "Time from launch to end of approval flows by the state they ended in.",
			Buckets: []float64{minute, 10 * minute, hour, 4 * hour, day, 2 * day, 4 * day, 7 * day, 14 * day, 30 * day},
		}, []string{"state"}),
		decisions: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "orgflow_flow_decision_seconds", Help: "Time from storing a decision on a flow to its effect.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, minute, 5 * minute, hour, day},
		}),
		messages: counters("orgflow_messages_total",
			"What came of messages: sent (the provider has it), delivered, dropped, retried, dead, superseded.", "outcome"),
		Schedules: &Schedules{},
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.runs, m.runSeconds, m.changes, m.flows, m.flowTime, m.decisions, m.messages, m.Schedules} {
		errs = append(errs, reg.Register(c))
	}
	m.begin()
	return m, errors.Join(errs...)
}

// begin makes counters begin with 0: the first event is an increase then, and
// not the beginning of a series, which no alert sees.
func (m *Meter) begin() {
	for _, s := range []orgflow.FlowState{
		orgflow.FlowRunning, orgflow.FlowReturned, orgflow.FlowApproved, orgflow.FlowRejected, orgflow.FlowDiscarded, orgflow.FlowFaulted,
	} {
		m.flows.WithLabelValues(string(s))
	}
	for _, outcome := range []string{sent, delivered, dropped, retried, dead, superseded} {
		m.messages.WithLabelValues(outcome)
	}
	m.expectRuns(kindLoad, "")
}

// Expect does for a consumer what New does for all.
func (m *Meter) Expect(consumer string) {
	m.expectRuns(kindSync, consumer)
	m.expectRuns(kindPull, consumer)
	for _, s := range []orgflow.State{
		orgflow.Planned, orgflow.Done, orgflow.Failed, orgflow.Blocked, orgflow.Held, orgflow.Skipped, orgflow.PendingInvite, orgflow.NeedsHuman, orgflow.Disputed,
	} {
		m.changes.WithLabelValues(consumer, string(s))
	}
}

func (m *Meter) expectRuns(kind, consumer string) {
	for _, s := range []orgflow.Status{
		orgflow.StatusCompleted, orgflow.StatusCompletedWithFailures, orgflow.StatusRejected, orgflow.StatusSuperseded,
		orgflow.StatusFailed, orgflow.StatusCanceled,
	} {
		m.runs.WithLabelValues(kind, consumer, string(s))
	}
}

// FlowStepped counts a step of a flow that was committed.
func (m *Meter) FlowStepped(s flow.Stepped) {
	for _, d := range s.Waited {
		m.decisions.Observe(d.Seconds())
	}
	if s.From == s.To {
		return
	}
	m.flows.WithLabelValues(string(s.To)).Inc()
	if s.Closed {
		m.flowTime.WithLabelValues(string(s.To)).Observe(s.At.Sub(s.Launched).Seconds())
	}
}
