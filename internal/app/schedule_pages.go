package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"orgflow/internal/console"
	"orgflow/internal/temporalx"
)

// scheduleFacts are the settings of a schedule that people are shown where
// they say something.
var scheduleFacts = []string{"intervals", "skip", "time_zone", "jitter", "start_at", "end_at", "overlap", "catchup_window", "pause_on_failure"}

// ShowSchedule implements console.Schedules.
func (s *Schedules) ShowSchedule(ctx context.Context, id string) (console.ScheduleDetail, error) {
	schedules, err := s.open(ctx)
	if err != nil {
		return console.ScheduleDetail{}, err
	}
	found, err := schedules.Detail(ctx, id)
	if errors.Is(err, temporalx.ErrNoSchedule) {
		return console.ScheduleDetail{}, noSchedule(id, err)
	}
	if err != nil {
		return console.ScheduleDetail{}, unavailable("look up schedule "+id, err)
	}
	out := console.ScheduleDetail{
		Schedule: shownSchedule(found.ScheduleEntry), Description: s.describe(id),
		Running: found.Running,
	}
	for _, f := range found.Fields {
		switch {
		case f.Name == "calendars":
			out.Calendars = strings.Split(f.Text, "; ")
		case f.Name == "input":
			out.Job = f.Text
		case slices.Contains(scheduleFacts, f.Name) && f.Text != "0s" && f.Text != "false":
			out.Facts = append(out.Facts, console.ScheduleFact{Name: f.Name, Value: f.Text})
		}
	}
	return out, nil
}

// describe is what the schedule's file says for people.
func (s *Schedules) describe(id string) string {
	for _, company := range s.app.Meta.Companies() {
		files, _ := s.app.Meta.Schedules(company) // broken ones: apply and lint tell
		for _, file := range files {
			if scheduleID(company, file.ID) == id {
				return file.Description
			}
		}
	}
	return ""
}

// scheduleID is the id at Temporal of a company's schedule file.
func scheduleID(company int64, file string) string { return fmt.Sprintf("%d-%s", company, file) }
