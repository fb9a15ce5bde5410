package console

import (
	"context"

	"orgflow/internal/api"
)

// Schedules lists, shows and steers schedules.
type Schedules interface {
	api.Schedules
	// ShowSchedule returns a schedule as it is now; lists are late by some
	// seconds. One that is not there is an orgflow.CodeNotFound fault.
	ShowSchedule(ctx context.Context, id string) (ScheduleDetail, error)
}

// ScheduleDetail is a schedule with all that Temporal tells of it.
type ScheduleDetail struct {
	api.Schedule
	Description string // of its file; empty where it has none
	// Calendars are its times, one a line: second, minute, hour, day, month,
	// weekday, year.
	Calendars []string
	// Facts are its other settings in Temporal's words.
	Facts   []ScheduleFact
	Job     string   // the input of its runs, JSON
	Running []string // workflow ids of runs that have not ended
}

// ScheduleFact is a setting and its value.
type ScheduleFact struct{ Name, Value string }
