package meter

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"orgflow/internal/store"
)

const (
	// keepFor is how long one look at the database serves all who ask.
	keepFor = 10 * time.Second
	// lookFor bounds a look: less than Prometheus waits for an answer.
	lookFor = 5 * time.Second
)

// Backlog shows what waits, read from the database when it is asked for. Where
// it could not be read it shows that, and no queue: an old number would pass
// for a new one.
type Backlog struct {
	Read func(context.Context) ([]store.Waiting, error)
	Now  func() time.Time
	Log  *slog.Logger

	mu   sync.Mutex // held while the database is read: who asks meanwhile gets the same answer
	at   time.Time  // zero before the first look
	rows []store.Waiting
	err  error
}

var (
	itemsDesc = prometheus.NewDesc("orgflow_queue_items",
		"What waits or is under way, by queue and consumer (see docs/operations.md).", []string{"queue", "consumer"}, nil)
	oldestDesc = prometheus.NewDesc("orgflow_queue_oldest_seconds", "Age of the oldest item of a queue.", []string{"queue", "consumer"}, nil)
	readDesc   = prometheus.NewDesc("orgflow_queue_read_ok", "Whether the queues could be read from the database (1), or not (0).", nil, nil)
)

// Describe implements prometheus.Collector.
func (b *Backlog) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{itemsDesc, oldestDesc, readDesc} {
		to <- d
	}
}

// Collect implements prometheus.Collector. A queue in which nothing waits is
// shown with 0.
func (b *Backlog) Collect(to chan<- prometheus.Metric) {
	rows, err := b.look()
	if err != nil {
		to <- prometheus.MustNewConstMetric(readDesc, prometheus.GaugeValue, 0)
		return
	}
	to <- prometheus.MustNewConstMetric(readDesc, prometheus.GaugeValue, 1)
	empty := map[string]bool{}
	for _, queue := range store.Queues() {
		empty[queue] = true
	}
	show := func(w store.Waiting) {
		to <- prometheus.MustNewConstMetric(itemsDesc, prometheus.GaugeValue, float64(w.Items), w.Queue, w.Consumer)
		to <- prometheus.MustNewConstMetric(oldestDesc, prometheus.GaugeValue, w.Oldest.Seconds(), w.Queue, w.Consumer)
	}
	for _, w := range rows {
		delete(empty, w.Queue)
		show(w)
	}
	for queue := range empty {
		show(store.Waiting{Queue: queue})
	}
}

// look reads the database unless somebody has just done so.
func (b *Backlog) look() ([]store.Waiting, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.Now(); b.at.IsZero() || now.Sub(b.at) >= keepFor {
		ctx, cancel := context.WithTimeout(context.Background(), lookFor)
		defer cancel()
		b.rows, b.err = b.Read(ctx)
		b.at = now
		if b.err != nil {
			b.Log.WarnContext(ctx, "metrics: what waits could not be read from the database", "error", b.err)
		}
	}
	return b.rows, b.err
}
