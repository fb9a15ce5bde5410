package app

import (
	"context"
	"fmt"
	"time"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/approval"
	"orgflow/internal/store"
)

// timelinePage is how many events are shown with a flow.
const timelinePage = 1000

// ListFlows lists flows, newest first.
func (f *Flows) ListFlows(ctx context.Context, filter api.FlowFilter) (api.FlowPage, error) {
	selected, err := f.filter(filter)
	if err != nil {
		return api.FlowPage{}, err
	}
	flows, next, err := f.app.Store.ListFlows(ctx, selected)
	page := api.FlowPage{Flows: make([]api.Flow, len(flows)), NextCursor: next}
	for i, flow := range flows {
		page.Flows[i] = flowHead(flow)
	}
	return page, badCursor(err)
}

func (f *Flows) filter(q api.FlowFilter) (store.FlowFilter, error) {
	company, err := f.company(q.CompanyID)
	return store.FlowFilter{
		CompanyID: company, Code: q.Code, States: q.States, Initiator: q.Initiator, Assignee: q.Assignee,
		DataID: q.DataID, From: q.From, To: q.To, Cursor: q.Cursor, Limit: q.Limit,
	}, err
}

// GetFlow shows a flow as a whole, all of one revision.
func (f *Flows) GetFlow(ctx context.Context, company int64, no string) (api.FlowDetail, error) {
	k, err := f.key(company, no)
	if err != nil {
		return api.FlowDetail{}, err
	}
	flow, err := f.app.Store.GetFlow(ctx, k)
	if err != nil {
		return api.FlowDetail{}, noFlow(err, k)
	}
	events, next, err := f.app.Store.FlowEvents(ctx, k, "", timelinePage)
	if err != nil {
		return api.FlowDetail{}, err
	}
	out := api.FlowDetail{Flow: flowHead(flow.Flow), Nodes: flowNodes(flow.Visits), Tasks: flowTasks(flow.Tasks)}
	out.Timeline, out.TimelineCursor = upTo(flow.Rev, events, next)
	if flow.State == orgflow.FlowRunning && f.predict != nil {
		out.Upcoming = f.upcoming(ctx, k)
	}
	return out, nil
}

// upTo returns the events of a page up to a revision, and the cursor behind
// them: a step that was made after the flow was read is left to the next
// page.
func upTo(rev int64, page []store.FlowEvent, next string) ([]api.FlowEvent, string) {
	events := make([]api.FlowEvent, 0, len(page))
	for _, e := range page {
		if e.Rev > rev {
			var last api.FlowEvent
			if len(events) > 0 {
				last = events[len(events)-1]
			}
			return events, fmt.Sprintf("%d.%d", last.Rev, last.N)
		}
		events = append(events, flowEvent(e))
	}
	return events, next
}

// upcoming tells who comes next. Where that cannot be told, the rest of the
// flow is shown without it.
func (f *Flows) upcoming(ctx context.Context, k store.FlowKey) []api.NextApprovers {
	list, err := f.predict(ctx, k)
	if err != nil {
		f.app.Log.WarnContext(ctx, "who comes next in a flow cannot be told", "flow", k.String(), "error", err)
		return nil
	}
	out := make([]api.NextApprovers, len(list))
	for i, p := range list {
		out[i] = nextApprovers(p)
	}
	return out
}

func nextApprovers(p approval.Predicted) api.NextApprovers {
	return api.NextApprovers{
		NodeSeq: p.Node, Name: p.Name, Users: p.Users, Sign: string(p.Sign), Skip: string(p.Skip), Fault: string(p.Fault), Next: p.Next,
	}
}

// FlowTimeline returns events of a flow, oldest first.
func (f *Flows) FlowTimeline(ctx context.Context, company int64, no, cursor string, limit int) (api.TimelinePage, error) {
	k, err := f.key(company, no)
	if err != nil {
		return api.TimelinePage{}, err
	}
	events, next, err := f.app.Store.FlowEvents(ctx, k, cursor, limit)
	if err == nil && len(events) == 0 {
		err = f.exists(ctx, k)
	}
	page := api.TimelinePage{Timeline: make([]api.FlowEvent, len(events)), NextCursor: next}
	for i, e := range events {
		page.Timeline[i] = flowEvent(e)
	}
	return page, badCursor(err)
}

// FlowMessages returns the messages about a flow and what became of them.
func (f *Flows) FlowMessages(ctx context.Context, company int64, no, cursor string, limit int) (api.MessagePage, error) {
	k, err := f.key(company, no)
	if err != nil {
		return api.MessagePage{}, err
	}
	list, next, err := f.app.Store.ListMessages(ctx, store.MessageFilter{CompanyID: k.CompanyID, No: k.No, Cursor: cursor, Limit: limit})
	if err == nil && len(list) == 0 {
		err = f.exists(ctx, k)
	}
	page := api.MessagePage{Messages: make([]api.FlowMessage, len(list)), NextCursor: next}
	for i, m := range list {
		page.Messages[i] = api.FlowMessage{
			ID: m.ID, Channel: m.Channel, UserCode: m.ToUser, Kind: m.Kind, TaskID: m.Task, State: string(m.State), Tries: m.Tries, Note: m.Note,
			CreatedAt: m.CreatedAt, SentAt: m.SentAt, SettledAt: m.SettledAt,
		}
	}
	return page, badCursor(err)
}

// FlowStats says how the flows of a code fare.
func (f *Flows) FlowStats(ctx context.Context, company int64, code string, from, to time.Time) (api.FlowStats, error) {
	company, err := f.company(company)
	if err != nil {
		return api.FlowStats{}, err
	}
	if _, err := f.app.Store.GetDefinition(ctx, company, code, 0); err != nil {
		return api.FlowStats{}, noDefinition(err, company, code, 0)
	}
	s, err := f.app.Store.FlowStats(ctx, company, code, from, to)
	if err != nil {
		return api.FlowStats{}, err
	}
	out := api.FlowStats{FlowCode: code, States: s.States, Duration: map[orgflow.FlowState]api.Spread{}, Nodes: make([]api.FlowNodeStats, len(s.Nodes))}
	for state, d := range s.Duration {
		out.Duration[state] = spread(d)
	}
	for i, n := range s.Nodes {
		out.Nodes[i] = api.FlowNodeStats{NodeSeq: n.Seq, Name: n.Name, Waiting: spread(n.Waiting), Open: n.Open, Oldest: n.Oldest.Seconds()}
	}
	return out, nil
}

func spread(s store.Spread) api.Spread {
	return api.Spread{Count: s.N, P50: s.P50.Seconds(), P90: s.P90.Seconds(), Mean: s.Mean.Seconds()}
}

func flowHead(f store.Flow) api.Flow {
	return api.Flow{
		No: f.No, Code: f.Code, Version: f.Version, CompanyID: f.CompanyID, DataID: f.DataID, Title: f.Title,
		Initiator: api.FlowPerson{UserCode: f.Initiator.Code, UserName: f.Initiator.Name, DeptName: f.Initiator.Dept},
		State:     f.State, Round: f.Round, StateRev: f.Rev, CurrentNodes: f.CurrentNodes, StartedAt: f.StartedAt, ClosedAt: f.ClosedAt,
	}
}

func flowNodes(visits []store.FlowVisit) []api.FlowNode {
	out := make([]api.FlowNode, len(visits))
	for i, v := range visits {
		out[i] = api.FlowNode{
			ID: v.ID, NodeSeq: v.NodeSeq, Round: v.Round, Type: v.Type, Name: v.Name, State: v.State, Cause: v.Cause,
			EnteredAt: optionalTime(v.EnteredAt), LeftAt: optionalTime(v.LeftAt),
		}
	}
	return out
}

func flowTasks(tasks []store.FlowTask) []api.FlowTask {
	out := make([]api.FlowTask, len(tasks))
	for i, t := range tasks {
		out[i] = flowTask(t)
	}
	return out
}

func flowTask(t store.FlowTask) api.FlowTask {
	return api.FlowTask{
		ID: t.ID, NodeSeq: t.NodeSeq, Round: t.Round, Visit: t.Visit, Kind: t.Kind, UserCode: t.UserCode, UserName: t.UserName,
		State: t.State, Cause: t.Cause, OpenedAt: optionalTime(t.OpenedAt), DoneAt: optionalTime(t.DoneAt), DueAt: optionalTime(t.DueAt),
		LastUrgedAt: optionalTime(t.LastUrgedAt), Urges: t.Urges,
	}
}

func flowEvent(e store.FlowEvent) api.FlowEvent {
	return api.FlowEvent{
		Rev: e.Rev, N: e.N, Type: e.Type, Round: e.Round, NodeSeq: e.NodeSeq, Visit: e.Visit, Task: e.Task,
		Actor: e.Actor, ActorName: e.ActorName, At: e.At, Data: e.Data,
	}
}

// optionalTime is nil for no time.
func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
