package activities

import (
	"context"
	"maps"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"orgflow"
	"orgflow/internal/store"
)

// Data looks after the rows of all companies.
type Data struct {
	Store *store.Store
	Keep  orgflow.Retention
	Now   func() time.Time
}

// Register makes the activity known to a worker under its wire name.
func (d *Data) Register(r worker.ActivityRegistry) {
	r.RegisterActivityWithOptions(d.PruneData, activity.RegisterOptions{Name: orgflow.ActivityPruneData})
}

// PruneData removes the rows whose time is over and counts them by table.
// Repeating it is harmless: what is gone is gone, and an attempt that was cut
// off has removed whole runs, flows and rows only; its counts are carried on
// by the heartbeat.
func (d *Data) PruneData(ctx context.Context) (orgflow.Pruned, error) {
	before := orgflow.Pruned{}
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &before); err != nil {
			activity.GetLogger(ctx).Warn("the counts of the attempt before cannot be read", "error", err)
		}
	}
	var mu sync.Mutex
	total := maps.Clone(before)
	told := func(gone orgflow.Pruned) {
		mu.Lock()
		defer mu.Unlock()
		total = maps.Clone(before)
		for table, n := range gone {
			total[table] += n
		}
	}
	counts := func() any {
		mu.Lock()
		defer mu.Unlock()
		return total
	}
	stop := keepAlive(ctx, counts)
	defer stop()
	gone, err := d.Store.Prune(ctx, d.Keep, d.Now(), told)
	told(gone)
	if err != nil {
		activity.RecordHeartbeat(ctx, counts())
		return nil, temporalError(err)
	}
	return total, nil
}
