package api

import (
	"context"
	"net/http"
	"time"

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
	register(s, huma.Operation{
		OperationID: "backfill-schedule", Method: http.MethodPost, Path: "/api/v1/schedules/{id}/backfill",
		DefaultStatus: http.StatusAccepted, Tags: []string{"schedules"}, Summary: "Run a schedule for a time that has passed",
		Description: "Starts the runs of all times from `from` to `to`, both included, one after the other. Each reads the source as it is now.",
	}, config.AccessOperate, s.backfillSchedule)
}

type backfillBody struct {
	From   time.Time `json:"from" doc:"first time" example:"2026-11-18T00:00:00+08:00"`
	To     time.Time `json:"to" doc:"last time, after the first" example:"2026-11-21T00:00:00+08:00"`
	By     string    `json:"by,omitempty" maxLength:"128" doc:"who does this; default: the name of the API key. Whoever is signed in acts in their own name only"`
	Reason string    `json:"reason,omitempty" maxLength:"1024"`
}

// Resolve is that of steerBody.
func (b *backfillBody) Resolve(ctx huma.Context, prefix *huma.PathBuffer) []error {
	return ownName(ctx, prefix, b.By)
}

type backfillInput struct {
	ID   string `path:"id" maxLength:"255" doc:"id of the schedule"`
	Body backfillBody
}

func (s *server) backfillSchedule(ctx context.Context, in *backfillInput) (*body[accepted], error) {
	if !in.Body.From.Before(in.Body.To) {
		return nil, &Error{Code: codeInvalidParameter, Field: "/to", Message: "to must be after from"}
	}
	by := steering(ctx, &steerBody{By: in.Body.By, Reason: in.Body.Reason})
	if err := s.Schedules.BackfillSchedule(ctx, in.ID, in.Body.From, in.Body.To, by); err != nil {
		return nil, err
	}
	return &body[accepted]{accepted{ID: in.ID, Status: "accepted"}}, nil
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
	list = orEmpty(list)
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
	if !dry {
		s.did(ctx, "apply_schedules", "schedules")
	}
	changes = orEmpty(changes)
	return &body[appliedSchedules]{appliedSchedules{DryRun: dry, Changes: changes}}, nil
}
