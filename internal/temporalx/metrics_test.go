package temporalx

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// The SDK's metrics have the names that Prometheus expects, times in seconds,
// and only labels that tell something.
func TestTheSDKsMetricsReachPrometheus(t *testing.T) {
	reg := prometheus.NewRegistry()
	h, err := NewMetrics(reg)
	if err != nil {
		t.Fatal(err)
	}
	tagged := h.WithTags(map[string]string{"namespace": "default", "task_queue": "orgflow", "client_name": "temporal_go", "workflow_type": "SyncRun", "activity_type": "none"})
	for range 2 {
		tagged.Counter("temporal_workflow_completed").Inc(2)
		tagged.Counter("temporal_request").Inc(1)
		tagged.WithTags(map[string]string{"operation": "X", "workflow_type": "Other"}).Counter("temporal_request").Inc(1)
		tagged.WithTags(map[string]string{"operation": "X"}).Counter("temporal_request").Inc(1)
		tagged.Timer("temporal_activity_execution_latency").Record(90 * time.Second)
		tagged.Gauge("temporal_num_pollers").Update(3)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got, below := map[string]float64{}, map[float64]uint64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			key := f.GetName()
			for _, l := range m.GetLabel() {
				key += " " + l.GetName() + "=" + l.GetValue()
			}
			got[key] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetHistogram().GetSampleSum()
			for _, b := range m.GetHistogram().GetBucket() {
				below[b.GetUpperBound()] = b.GetCumulativeCount()
			}
		}
	}
	if of60, ok := below[60]; !ok || of60 != 0 || below[300] != 2 {
		t.Errorf("two times of 90 s are counted as %v", below)
	}
	want := map[string]float64{
		"temporal_workflow_completed_total workflow_type=SyncRun": 4, "temporal_request_total": 2, "temporal_request_total operation=X": 4,
		"temporal_activity_execution_latency_seconds workflow_type=SyncRun": 180, "temporal_num_pollers workflow_type=SyncRun": 3,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
