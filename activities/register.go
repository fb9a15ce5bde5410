package activities

import (
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"orgflow"
)

// Register makes every activity known to a worker under its wire name.
func (s *Sync) Register(r worker.ActivityRegistry) {
	for name, fn := range map[string]any{
		orgflow.ActivityPrepareRun:    s.PrepareRun,
		orgflow.ActivityHoldTarget:    s.HoldTarget,
		orgflow.ActivityCheckConsumer: s.CheckConsumer,
		orgflow.ActivityFetchPages:    s.FetchPages,
		orgflow.ActivityReadRemote:    s.ReadRemote,
		orgflow.ActivityPlanRun:       s.PlanRun,
		orgflow.ActivityApplyPage:     s.ApplyPage,
		orgflow.ActivityPauseRun:      s.PauseRun,
		orgflow.ActivityYieldTarget:   s.YieldTarget,
		orgflow.ActivityResumeRun:     s.ResumeRun,
		orgflow.ActivityPreparePush:   s.PreparePush,
		orgflow.ActivityAddToPush:     s.AddToPush,
		orgflow.ActivityCompletePush:  s.CompletePush,
		orgflow.ActivitySettlePush:    s.SettlePush,
		orgflow.ActivityParkRun:       s.ParkRun,
		orgflow.ActivityReleaseParked: s.ReleaseParked,
		orgflow.ActivitySettleParked:  s.SettleParked,
		orgflow.ActivityFinishRun:     s.FinishRun,

		orgflow.ActivityTakeContactEvents: s.TakeContactEvents,
	} {
		r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
}
