package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"orgflow/internal/config"
)

func (s *server) scheduleRoutes() {
	register(s, huma.Operation{
		OperationID: "list-schedules", Method: http.MethodGet, Path: "/api/v1/schedules",
		Tags: []string{"schedules"}, Summary: "List schedules",
	}, config.AccessRead, s.listSchedules)
	register(s, huma.Operation{
		OperationID: "apply-schedules", Method: http.MethodPost, Path: "/api/v1/schedules",
		Tags: []string{"schedules"}, Summary: "Make the Temporal Schedules match the files",
		Description: "Creates, updates and deletes what orgflow owns. With dry_run it only tells the differences.",
	}, config.AccessAdmin, s.applySchedules)
	for _, verb := range []struct {
		name, summary string
		do            func(context.Context, string, Steering) error
	}{
		{"pause", "Pause a schedule", s.Schedules.PauseSchedule},
		{"resume", "Let a paused schedule go on", s.Schedules.ResumeSchedule},
		{"trigger", "Run a schedule's job now", s.Schedules.TriggerSchedule},
	} {
		register(s, huma.Operation{
			OperationID: verb.name + "-schedule", Method: http.MethodPost, Path: "/api/v1/schedules/{id}/" + verb.name,
			DefaultStatus: http.StatusAccepted, Tags: []string{"schedules"}, Summary: verb.summary,
		}, config.AccessOperate, func(ctx context.Context, in *steerScheduleInput) (*body[accepted], error) {
			if err := verb.do(ctx, in.ID, steering(ctx, in.Body)); err != nil {
				return nil, err
			}
			return &body[accepted]{accepted{ID: in.ID, Status: "accepted"}}, nil
		})
	}
}

type steerScheduleInput struct {
	ID   string `path:"id" maxLength:"255" doc:"id of the schedule"`
	Body *steerBody
}

type scheduleList struct {
	Schedules []Schedule `json:"schedules"`
}

func (s *server) listSchedules(ctx context.Context, _ *struct{}) (*body[scheduleList], error) {
	list, err := s.Schedules.ListSchedules(ctx)
	if err != nil {
		return nil, err
	}
	if list == nil {
		list = []Schedule{}
	}
	return &body[scheduleList]{scheduleList{list}}, nil
}

type applyInput struct {
	Body *struct {
		DryRun bool `json:"dry_run,omitempty" doc:"tell the differences, change nothing"`
	}
}

type appliedSchedules struct {
	DryRun  bool             `json:"dry_run"`
	Changes []ScheduleChange `json:"changes"`
}

func (s *server) applySchedules(ctx context.Context, in *applyInput) (*body[appliedSchedules], error) {
	dry := in.Body != nil && in.Body.DryRun
	changes, err := s.Schedules.ApplySchedules(ctx, dry)
	if err != nil {
		return nil, err
	}
	if changes == nil {
		changes = []ScheduleChange{}
	}
	return &body[appliedSchedules]{appliedSchedules{DryRun: dry, Changes: changes}}, nil
}
