package meter

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Missed is how many runs of a schedule were not started for a reason, since
// the schedule was made.
type Missed struct {
	Schedule string // its id at Temporal
	Reason   string // orgflow.MissedCatchupWindow and the like
	Runs     int
}

// Schedules shows what runs of schedules were missed. The numbers are
// Temporal's own, and so the same in every process that shows them, also after
// its restart; while Temporal is away the last ones stay.
type Schedules struct {
	mu   sync.Mutex
	rows []Missed
}

var missedDesc = prometheus.NewDesc("orgflow_schedule_missed_total",
	"Runs that a schedule did not start since it was made, by reason (catchup_window, overlap, buffer), as Temporal counts them.",
	[]string{"schedule", "reason"}, nil)

// Show replaces what is shown: deleted schedules are not any more.
func (s *Schedules) Show(rows []Missed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = rows
}

// Describe implements prometheus.Collector.
func (s *Schedules) Describe(to chan<- *prometheus.Desc) { to <- missedDesc }

// Collect implements prometheus.Collector.
func (s *Schedules) Collect(to chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.rows {
		to <- prometheus.MustNewConstMetric(missedDesc, prometheus.CounterValue, float64(m.Runs), m.Schedule, m.Reason)
	}
}
