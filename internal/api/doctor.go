package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"orgflow/internal/config"
	"orgflow/internal/doctor"
)

// Doctor looks whether everything that runs need is in order.
type Doctor interface {
	// Examine makes all checks and always answers. It changes nothing.
	Examine(ctx context.Context, r doctor.Request) doctor.Report
}

// leaveForAnswer is what of the request's time is left for the answer, when
// checks take as long as they may.
const leaveForAnswer = 3 * time.Second

func (s *server) doctorRoutes() {
	register(s, huma.Operation{
		OperationID: "doctor", Method: http.MethodGet, Path: "/api/v1/doctor",
		Tags: []string{"operations"}, Summary: "Look whether everything that runs need is in order",
		Description: "Settings, files, database, Temporal, workers, schedules, disk, and every connection: address, credentials, permissions, clock, " +
			"as this server sees them. Nothing is changed; vendors are asked for a token and a few reads. Findings are no error: the status is 200 whatever was found.",
	}, config.AccessAdmin, s.examine)
}

type doctorInput struct {
	CompanyID int64 `query:"company_id" minimum:"0" doc:"only this company's files, schedules and connections; default every company"`
}

func (s *server) examine(ctx context.Context, in *doctorInput) (*body[doctor.Report], error) {
	if by, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, by.Add(-leaveForAnswer))
		defer cancel()
	}
	report := s.Doctor.Examine(ctx, doctor.Request{CompanyID: in.CompanyID})
	s.did(ctx, "examine", "doctor") // it signs in at every vendor
	return &body[doctor.Report]{report}, nil
}
