package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"orgflow"
	"orgflow/internal/config"
)

const pathFlows = "/api/v1/flows"

func (s *server) flowReadRoutes() {
	tags := []string{"flows"}
	register(s, huma.Operation{
		OperationID: "list-flows", Method: http.MethodGet, Path: pathFlows,
		Tags: tags, Summary: "List approval flows, newest first",
	}, config.AccessRead, s.listFlows)
	register(s, huma.Operation{
		OperationID: "get-flow", Method: http.MethodGet, Path: pathFlows + "/{no}",
		Tags: tags, Summary: "An approval flow with its nodes, tasks and timeline",
	}, config.AccessRead, func(ctx context.Context, in *FlowParams) (*body[FlowDetail], error) {
		d, err := s.Flows.GetFlow(ctx, in.CompanyID, in.No)
		return answerWith(completeFlow(d), err)
	})
	register(s, huma.Operation{
		OperationID: "flow-timeline", Method: http.MethodGet, Path: pathFlows + "/{no}/timeline",
		Tags: tags, Summary: "What has happened in a flow, oldest first",
	}, config.AccessRead, s.flowTimeline)
	register(s, huma.Operation{
		OperationID: "flow-messages", Method: http.MethodGet, Path: pathFlows + "/{no}/messages",
		Tags: tags, Summary: "Messages about a flow and what became of them",
	}, config.AccessRead, func(ctx context.Context, in *timelineInput) (*body[MessagePage], error) {
		page, err := s.Flows.FlowMessages(ctx, in.CompanyID, in.No, in.Cursor, in.Limit)
		page.Messages = orEmpty(page.Messages)
		return answerWith(page, err)
	})
	register(s, huma.Operation{
		OperationID: "export-flows", Method: http.MethodGet, Path: "/api/v1/flow-export",
		Tags: tags, Summary: "Stream flows with their nodes and tasks",
		Description: "format ndjson (default) has a flow per line, csv a task per row. An answer that is cut off was not finished.",
		Responses: map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{
			"application/x-ndjson": {Schema: s.schemaOf(FlowExport{})}, "text/csv": {Schema: &huma.Schema{Type: huma.TypeString}},
		}}},
	}, config.AccessRead, s.exportFlows)
}

// FlowParams name a flow.
type FlowParams struct {
	CompanyParams
	No string `path:"no" maxLength:"255" doc:"flowRunningNumber"`
}

// FlowQuery selects flows.
type FlowQuery struct {
	CompanyParams
	Code      string              `query:"flow_code" maxLength:"64"`
	States    []orgflow.FlowState `query:"state" enum:"STARTING,RUNNING,RETURNED,APPROVED,REJECTED,DISCARDED,FAULTED" doc:"one or several, separated by commas"`
	Initiator string              `query:"initiator" maxLength:"64" doc:"user code"`
	Assignee  string              `query:"assignee" maxLength:"64" doc:"user code of somebody whose decision is awaited"`
	DataID    string              `query:"data_id" maxLength:"255"`
	From      time.Time           `query:"from" doc:"launched at this time or later, RFC 3339"`
	To        time.Time           `query:"to" doc:"and before this one"`
}

func (q FlowQuery) filter() FlowFilter {
	return FlowFilter{
		CompanyID: q.CompanyID, Code: q.Code, States: q.States, Initiator: q.Initiator, Assignee: q.Assignee,
		DataID: q.DataID, From: q.From, To: q.To,
	}
}

type listFlowsInput struct {
	FlowQuery
	PageParams
}

func (s *server) listFlows(ctx context.Context, in *listFlowsInput) (*body[FlowPage], error) {
	f := in.filter()
	f.Cursor, f.Limit = in.Cursor, in.Limit
	page, err := s.Flows.ListFlows(ctx, f)
	page.Flows = orEmpty(page.Flows)
	for i := range page.Flows {
		page.Flows[i] = completeHead(page.Flows[i])
	}
	return answerWith(page, err)
}

// completeHead fills lists that are nil.
func completeHead(f Flow) Flow {
	f.CurrentNodes = orEmpty(f.CurrentNodes)
	return f
}

func completeFlow(d FlowDetail) FlowDetail {
	d.Flow = completeHead(d.Flow)
	d.Nodes = orEmpty(d.Nodes)
	d.Tasks = orEmpty(d.Tasks)
	d.Timeline = orEmpty(d.Timeline)
	return d
}

type timelineInput struct {
	FlowParams
	PageParams
}

func (s *server) flowTimeline(ctx context.Context, in *timelineInput) (*body[TimelinePage], error) {
	page, err := s.Flows.FlowTimeline(ctx, in.CompanyID, in.No, in.Cursor, in.Limit)
	page.Timeline = orEmpty(page.Timeline)
	return answerWith(page, err)
}
