package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"orgflow/internal/config"
)

// absenceRoutes registers who stands in for whom. An absence hands approvals
// to somebody else, so that it needs the right to approve.
func (s *server) absenceRoutes() {
	const path = "/api/v1/absences"
	tags := []string{"absences"}
	put := register(s, huma.Operation{
		OperationID: "put-absence", Method: http.MethodPut, Path: path,
		Tags: tags, Summary: "Say who stands in for somebody",
		Description: "An absence of the same person, agent and begin is replaced.",
	}, config.AccessApprove, s.putAbsence)
	describePut[absenceBody](s, put)
	register(s, huma.Operation{
		OperationID: "list-absences", Method: http.MethodGet, Path: path,
		Tags: tags, Summary: "Absences in a span of time, in the order in which they begin",
	}, config.AccessRead, s.listAbsences)
	register(s, huma.Operation{
		OperationID: "delete-absence", Method: http.MethodDelete, Path: path + "/{id}", DefaultStatus: http.StatusNoContent,
		Tags: tags, Summary: "Remove an absence; removing it again changes nothing",
	}, config.AccessApprove, s.deleteAbsence)
}

type absenceBody struct {
	UserCode string     `json:"user_code"`
	Agent    string     `json:"agent" doc:"user code of who stands in"`
	From     *time.Time `json:"from" doc:"inclusive, RFC 3339"`
	Till     *time.Time `json:"till" doc:"exclusive, RFC 3339"`
	Flows    []string   `json:"flow_codes,omitempty" doc:"flows it holds for; default all"`
}

const maxAbsentFlows = 100

func (b absenceBody) check() error {
	if err := cmp.Or(plainText("/user_code", b.UserCode, maxCode), plainText("/agent", b.Agent, maxCode)); err != nil {
		return err
	}
	switch {
	case b.Agent == b.UserCode:
		return badParam("/agent", "must be somebody else than user_code")
	case b.From == nil || b.From.IsZero():
		return badParam("/from", "is required: a time such as 2026-12-01T00:00:00+08:00")
	case b.Till == nil || !b.From.Before(*b.Till):
		return badParam("/till", "is required: a time after from")
	case len(b.Flows) > maxAbsentFlows:
		return badParam("/flow_codes", fmt.Sprintf("may name %d flows; leave it out for all", maxAbsentFlows))
	}
	for i, code := range b.Flows {
		if err := plainText(fmt.Sprintf("/flow_codes/%d", i), code, maxCode); err != nil {
			return err
		}
	}
	return nil
}

type putAbsenceInput struct {
	CompanyParams
	RawBody []byte
}

func (s *server) putAbsence(ctx context.Context, in *putAbsenceInput) (*body[Absence], error) {
	var b absenceBody
	if err := readBody(in.RawBody, &b); err != nil {
		return nil, err
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	stored, err := s.Absences.PutAbsence(ctx, in.CompanyID, Absence{
		UserCode: b.UserCode, Agent: b.Agent, From: *b.From, Till: *b.Till, Flows: b.Flows,
	})
	if err == nil {
		s.did(ctx, "put_absence", fmt.Sprintf("absence %d", stored.ID))
	}
	return answerWith(stored, err)
}

type listAbsencesInput struct {
	CompanyParams
	UserCode string    `query:"user_code" maxLength:"64" doc:"default: everybody"`
	From     time.Time `query:"from" doc:"default: now"`
	Till     time.Time `query:"till" doc:"default: a year after from"`
}

type absenceList struct {
	Absences []Absence `json:"absences"`
}

func (s *server) listAbsences(ctx context.Context, in *listAbsencesInput) (*body[absenceList], error) {
	if in.From.IsZero() {
		in.From = s.Now()
	}
	if in.Till.IsZero() {
		in.Till = in.From.AddDate(1, 0, 0)
	}
	if !in.From.Before(in.Till) {
		return nil, badParam("till", "must be after from")
	}
	list, err := s.Absences.ListAbsences(ctx, in.CompanyID, in.UserCode, in.From, in.Till)
	list = orEmpty(list)
	return answerWith(absenceList{list}, err)
}

type deleteAbsenceInput struct {
	CompanyParams
	ID int64 `path:"id" minimum:"1"`
}

func (s *server) deleteAbsence(ctx context.Context, in *deleteAbsenceInput) (*struct{}, error) {
	if err := s.Absences.DeleteAbsence(ctx, in.CompanyID, in.ID); err != nil {
		return nil, err
	}
	s.did(ctx, "delete_absence", fmt.Sprintf("absence %d", in.ID))
	return nil, nil
}
