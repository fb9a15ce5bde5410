package app

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"

	"orgflow"
	"orgflow/activities"
	"orgflow/internal/temporalx"
)

// housekeeper owns the schedules that belong to the program itself: applying
// the files of the companies leaves them alone.
const housekeeper = "orgflow-housekeeping"

// retentionSchedule: at night in China, and as soon as somebody is there for
// what was missed within a day.
func retentionSchedule(queue string) temporalx.Schedule {
	return temporalx.Schedule{
		ID:            "orgflow-data-retention",
		Spec:          temporalx.Spec{Cron: []string{"40 3 * * *"}, TimeZone: "Asia/Shanghai"},
		CatchupWindow: temporalx.Duration(24 * time.Hour),
		Note:          "removes rows whose time is over (starter data retention)",
		Workflow:      orgflow.WorkflowDataRetention,
		TaskQueue:     queue,
	}
}

// Data returns the activity that removes old rows.
func (a *App) Data() *activities.Data {
	return &activities.Data{Store: a.Store, Keep: a.Config.Keep, Now: time.Now}
}

// ScheduleRetention sees to it that old rows are removed once a day. Several
// workers may do so at once. A failure is logged and is no reason not to
// work: the next worker that starts tries again.
func (a *App) ScheduleRetention(ctx context.Context, cl client.Client) {
	if err := a.scheduleRetention(ctx, cl); err != nil && ctx.Err() == nil {
		a.Log.WarnContext(ctx, "the daily removal of old rows could not be scheduled; starter data prune does it by hand", "error", err)
	}
}

func (a *App) scheduleRetention(ctx context.Context, cl client.Client) error {
	schedules := temporalx.NewSchedules(cl, a.payloads.DataConverter(), a.Config.Temporal.Namespace, housekeeper)
	plan, err := schedules.Plan(ctx, []temporalx.Schedule{retentionSchedule(a.Config.Temporal.TaskQueue)})
	if err != nil {
		return err
	}
	return schedules.Apply(ctx, plan)
}
