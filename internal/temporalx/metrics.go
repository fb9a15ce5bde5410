package temporalx

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
)

// NewMetrics returns what hands the SDK's metrics to Prometheus. Their names
// are the SDK's, with the endings that Prometheus wants: _total for counters,
// _seconds for times.
func NewMetrics(reg prometheus.Registerer) (client.MetricsHandler, error) {
	reader, err := exporter.New(exporter.WithRegisterer(reg), exporter.WithoutScopeInfo(), exporter.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("metrics of the Temporal SDK: %w", err)
	}
	provider := metric.NewMeterProvider(metric.WithReader(reader), metric.WithView(stream))
	return opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter: provider.Meter("orgflow"), UseMonotonicCounters: true,
		OnError: func(error) {}, // a metric that cannot be had costs nothing else
	}), nil
}

// Labels that are not shown: what all series of a process have in common (it
// has one worker on one queue); and of requests what is behind them, because
// the metrics of workflows and activities tell that, and requests have many
// series without it.
var (
	common  = []attribute.Key{"namespace", "client_name", "task_queue"}
	request = append([]attribute.Key{"workflow_type", "activity_type", "worker_type"}, common...)
)

// shown leaves out labels, and those for which the SDK says that there is
// nothing to say.
func shown(dropped []attribute.Key) attribute.Filter {
	return func(kv attribute.KeyValue) bool {
		return kv.Value.AsString() != "none" && !slices.Contains(dropped, kv.Key)
	}
}

// seconds are the bounds of times: requests take milliseconds, activities
// minutes, and workflows that wait for people days.
var seconds = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86400, 604800}

func stream(i metric.Instrument) (metric.Stream, bool) {
	s := metric.Stream{Name: i.Name, Description: i.Description, Unit: i.Unit, AttributeFilter: shown(common)}
	if strings.Contains(i.Name, "request") {
		s.AttributeFilter = shown(request)
	}
	if i.Kind == metric.InstrumentKindHistogram {
		s.Aggregation = metric.AggregationExplicitBucketHistogram{Boundaries: seconds}
	}
	return s, true
}
