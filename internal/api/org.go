package api

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"orgflow"
	"orgflow/internal/config"
)

const pathPulls = "/api/v1/org/pulls"

func (s *server) orgRoutes() {
	start := register(s, huma.Operation{
		OperationID: "start-org-pull", Method: http.MethodPost, Path: pathPulls, DefaultStatus: http.StatusAccepted,
		Tags: []string{"organisation"}, Summary: "Pull an organisation into the local one",
		Description: `The body is {"company_id": 129}, with "origin" where it is not DingTalk. One pull of a company runs at a time. ` +
			"With an Idempotency-Key the same body starts one pull only, however often it is sent; another body with the same key answers 409.",
	}, config.AccessOperate, s.startPull)
	describeBody[orgflow.PullInput](s, start)
	register(s, huma.Operation{
		OperationID: "list-org-pulls", Method: http.MethodGet, Path: pathPulls,
		Tags: []string{"organisation"}, Summary: "List pulls, newest first",
	}, config.AccessRead, s.listPulls)
	register(s, huma.Operation{
		OperationID: "get-org-pull", Method: http.MethodGet, Path: pathPulls + "/{id}",
		Tags: []string{"organisation"}, Summary: "Summary of a pull",
	}, config.AccessRead, func(ctx context.Context, in *RunParams) (*body[orgflow.PullSummary], error) {
		return answerWith(s.Orgs.PullSummary(ctx, in.ID))
	})
	s.orgSteerRoutes()
	s.orgViewRoutes()
}

// orgSteerRoutes registers what people do to pulls.
func (s *server) orgSteerRoutes() {
	decide := func(approve bool) func(context.Context, string, Steering) error {
		return func(ctx context.Context, id string, by Steering) error {
			return s.Orgs.DecidePull(ctx, id, approve, by)
		}
	}
	for _, verb := range []struct {
		name, summary string
		need          config.Access
		do            func(context.Context, string, Steering) error
	}{
		{"cancel", "End a pull after the calls in flight", config.AccessOperate, s.Orgs.CancelPull},
		{"approve", "Let the parked removals of a waiting pull go", config.AccessApprove, decide(true)},
		{"reject", "Keep whom a waiting pull would remove", config.AccessApprove, decide(false)},
	} {
		register(s, huma.Operation{
			OperationID: verb.name + "-org-pull", Method: http.MethodPost, Path: pathPulls + "/{id}/" + verb.name,
			DefaultStatus: http.StatusAccepted, Tags: []string{"organisation"}, Summary: verb.summary,
		}, verb.need, func(ctx context.Context, in *steerInput) (*body[accepted], error) {
			err := verb.do(ctx, in.ID, steering(ctx, in.Body))
			return answerWith(accepted{ID: in.ID, Status: "accepted"}, err)
		})
	}
}

// orgViewRoutes registers what shows the local organisation.
func (s *server) orgViewRoutes() {
	get := func(id, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: http.MethodGet, Path: "/api/v1/org/" + path, Tags: []string{"organisation"}, Summary: summary}
	}
	register(s, get("org-tree", "tree", "The organisation as a tree, also as of a time or version"), config.AccessRead, s.orgTree)
	register(s, get("org-versions", "versions", "Versions of the organisation, newest first; each completed pull makes one"), config.AccessRead, s.orgVersions)
	register(s, get("org-diff", "diff", "What is different between two versions"), config.AccessRead, s.orgDiff)
	register(s, get("unit-members", "units/{id}/members", "The direct members of a department"), config.AccessRead, s.unitMembers)
	register(s, get("org-members", "members", "Members by name, mobile number, job number or userid"), config.AccessRead, s.orgMembers)
}

// answerWith is the body of a success, or the error.
func answerWith[T any](v T, err error) (*body[T], error) {
	if err != nil {
		return nil, err
	}
	return &body[T]{v}, nil
}

func (s *server) startPull(ctx context.Context, in *startInput) (*startOutput, error) {
	raw := bytes.Clone(in.RawBody) // huma takes the buffer back
	input, err := s.DecodePull(raw)
	if err != nil {
		return nil, err
	}
	opts, err := s.startOptions(ctx, wish{"org-pull", input, PullID(input, s.Now())}, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	started, err := s.Orgs.StartPull(ctx, raw, opts)
	if err != nil {
		return nil, err
	}
	s.did(ctx, "start", started.ID)
	location := pathPulls + "/" + url.PathEscape(started.ID)
	if started.URL == "" {
		started.URL = location
	}
	return &startOutput{Location: location, Body: started}, nil
}

type listPullsInput struct {
	PageParams
	CompanyID int64 `query:"company_id" minimum:"1"`
}

func (s *server) listPulls(ctx context.Context, in *listPullsInput) (*body[PullPage], error) {
	page, err := s.Orgs.ListPulls(ctx, in.CompanyID, in.Cursor, in.Limit)
	page.Pulls = orEmpty(page.Pulls)
	return answerWith(page, err)
}

// OrgParams name an organisation. Exported because huma looks into exported
// embedded structs only.
type OrgParams struct {
	CompanyID int64  `query:"company_id" minimum:"1" doc:"default: the only configured company"`
	Origin    string `query:"origin" maxLength:"64" doc:"default: ding_talk where it was pulled, else we_com"`
}

func (p OrgParams) query() OrgQuery { return OrgQuery{CompanyID: p.CompanyID, Origin: p.Origin} }

type treeInput struct {
	OrgParams
	Version int64     `query:"version" minimum:"1"`
	AsOf    time.Time `query:"as_of" doc:"the newest version at that time, RFC 3339"`
}

func (s *server) orgTree(ctx context.Context, in *treeInput) (*body[OrgNode], error) {
	q := in.query()
	q.Version, q.AsOf = in.Version, in.AsOf
	return answerWith(s.Orgs.OrgTree(ctx, q))
}

type versionsInput struct {
	OrgParams
	PageParams
}

func (s *server) orgVersions(ctx context.Context, in *versionsInput) (*body[VersionPage], error) {
	return answerWith(s.Orgs.OrgVersions(ctx, in.query(), in.Cursor, in.Limit))
}

type diffInput struct {
	OrgParams
	From int64 `query:"from" minimum:"1" doc:"a version; default the one before to"`
	To   int64 `query:"to" minimum:"1" doc:"a version; default the newest"`
}

func (s *server) orgDiff(ctx context.Context, in *diffInput) (*body[OrgDiff], error) {
	diff, err := s.Orgs.OrgDiff(ctx, in.query(), in.From, in.To)
	diff.Changes = orEmpty(diff.Changes)
	return answerWith(diff, err)
}

type unitMembersInput struct {
	ID int64 `path:"id" minimum:"1" doc:"id of a department in the tree"`
	PageParams
}

func (s *server) unitMembers(ctx context.Context, in *unitMembersInput) (*body[MemberPage], error) {
	return answerWith(s.Orgs.UnitMembers(ctx, in.ID, in.Cursor, in.Limit))
}

type membersInput struct {
	OrgParams
	PageParams
	Query string `query:"query" maxLength:"128" doc:"part of a name, mobile number, job number or userid"`
}

func (s *server) orgMembers(ctx context.Context, in *membersInput) (*body[MemberPage], error) {
	return answerWith(s.Orgs.SearchMembers(ctx, in.query(), in.Query, in.Cursor, in.Limit))
}
