package meter_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"orgflow/internal/meter"
)

func TestMissedRunsAreShown(t *testing.T) {
	var s meter.Schedules
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(&s)
	s.Show([]meter.Missed{{Schedule: "7-gone", Reason: "buffer", Runs: 1}})
	s.Show([]meter.Missed{{Schedule: "7-nightly", Reason: "overlap", Runs: 3}, {Schedule: "7-nightly", Reason: "catchup_window"}})
	wantValues(t, reg, "orgflow_schedule_missed_total{overlap,7-nightly} 3")
}
