package temporalx

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/client"
)

// ScheduleDetail is an existing schedule as the service describes it, without
// the delay of List, with its counts.
type ScheduleDetail struct {
	ScheduleEntry
	// Fields tell when it starts what and how, in the words of Plan's
	// differences: calendars, time_zone, overlap, input and so on. Empty ones
	// are left out.
	Fields []ScheduleField
	// Running are the workflow ids of its runs that have not ended.
	Running []string
}

// ScheduleField is one field of a schedule as text.
type ScheduleField struct{ Name, Text string }

// Detail returns one of the owner's schedules. ErrNoSchedule says that there
// is none of the id, or that it is somebody else's.
func (s *Schedules) Detail(ctx context.Context, id string) (ScheduleDetail, error) {
	found, err := s.describe(ctx, id)
	if err != nil {
		return ScheduleDetail{}, err
	}
	if s.ownerOf(found.Memo) != s.owner {
		return ScheduleDetail{}, fmt.Errorf("schedule %q: %w", id, ErrNoSchedule)
	}
	out := ScheduleDetail{
		ScheduleEntry: ScheduleEntry{
			ID: id, Paused: found.Schedule.State.Paused, Note: found.Schedule.State.Note,
			Next: found.Info.NextActionTimes, Recent: starts(found.Info.RecentActions),
		},
	}
	if out.Counts, err = s.count(ctx, id); err != nil {
		return ScheduleDetail{}, err
	}
	for _, w := range found.Info.RunningWorkflows {
		out.Running = append(out.Running, w.WorkflowID)
	}
	for _, f := range presentTexts(found.Schedule, s.converter) {
		if f.name == "workflow" {
			out.Workflow = f.text
		}
		if f.text != "" {
			out.Fields = append(out.Fields, ScheduleField{f.name, f.text})
		}
	}
	return out, nil
}

func starts(actions []client.ScheduleActionResult) []ScheduleStart {
	out := make([]ScheduleStart, len(actions))
	for i, a := range actions {
		out[i] = ScheduleStart{ScheduledFor: a.ScheduleTime, StartedAt: a.ActualTime}
		if a.StartWorkflowResult != nil {
			out[i].WorkflowID, out[i].RunID = a.StartWorkflowResult.WorkflowID, a.StartWorkflowResult.FirstExecutionRunID
		}
	}
	return out
}
