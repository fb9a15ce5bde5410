package app

import (
	"context"
	"errors"
	"strings"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/approval"
	"orgflow/internal/console"
	"orgflow/internal/flowcall"
)

// FlowCompanies lists the configured companies.
func (f *Flows) FlowCompanies() []int64 { return f.app.Meta.Companies() }

// OpenTasks lists the tasks that wait for a person.
func (f *Flows) OpenTasks(ctx context.Context, company int64, user, cursor string, limit int) (console.OpenTaskPage, error) {
	company, err := f.company(company)
	if err != nil {
		return console.OpenTaskPage{}, err
	}
	list, next, err := f.app.Store.OpenTasks(ctx, company, user, cursor, limit)
	page := console.OpenTaskPage{Tasks: make([]console.OpenTask, len(list)), NextCursor: next}
	for i, o := range list {
		page.Tasks[i] = console.OpenTask{Flow: flowHead(o.Flow), Node: o.Node, Task: flowTask(o.Task)}
	}
	return page, badCursor(err)
}

// FlowBackground tells what a flow's rules go by.
func (f *Flows) FlowBackground(ctx context.Context, company int64, no string) (console.FlowBackground, error) {
	k, err := f.key(company, no)
	if err != nil {
		return console.FlowBackground{}, err
	}
	flow, err := f.app.flows.Load(ctx, k)
	if err != nil {
		return console.FlowBackground{}, noFlow(err, k)
	}
	out := console.FlowBackground{WorkflowID: flow.WorkflowID, Form: flow.Form}
	if flow.Parent != nil {
		out.Parent = flow.Parent.No
	}
	if flow.State != nil && flow.State.Fault != nil && flow.State.Flow == orgflow.FlowFaulted {
		node := flow.State.Fault.Node
		out.Fault, out.FaultNode = flow.State.Fault.Message, &node
	}
	return out, nil
}

// FlowChoices tells which commands of a person on a flow would be carried out
// now, by trying the rules on what the database holds.
func (f *Flows) FlowChoices(ctx context.Context, company int64, no, user string) ([]orgflow.FlowCommandKind, error) {
	k, err := f.key(company, no)
	if err != nil {
		return nil, err
	}
	flow, err := f.app.flows.Load(ctx, k)
	if err != nil {
		return nil, noFlow(err, k)
	}
	if flow.State == nil { // not begun yet
		return nil, nil
	}
	var may []orgflow.FlowCommandKind
	for _, c := range []struct {
		kind    orgflow.FlowCommandKind
		command approval.Command
	}{
		{orgflow.FlowUrge, approval.DoUrge{By: user}},
		{orgflow.FlowRelaunch, approval.DoRelaunch{}},
		{orgflow.FlowWithdraw, approval.DoWithdraw{By: user}},
		{orgflow.FlowRetract, approval.DoRetract{By: user}},
		{orgflow.FlowRepair, approval.DoRepair{By: user, Action: approval.RepairRetry}},
		{orgflow.FlowJump, approval.DoJump{By: user, To: approval.StartSeq}},
		{orgflow.FlowDiscard, approval.DoDiscard{By: user}},
	} {
		out, err := f.app.flows.Try(ctx, flow, c.command)
		refusal, refused := errors.AsType[*approval.Refusal](err)
		switch {
		case refused && refusal.Code == approval.UrgedTooOften: // it will be allowed again soon, and the answer says when
			may = append(may, c.kind)
		case refused:
		case err != nil:
			return nil, err
		case out.Changed || c.kind == orgflow.FlowRepair: // a retry that finds nobody again changes nothing; a repair may jump
			may = append(may, c.kind)
		}
	}
	return may, nil
}

// CheckWay refuses what a call could not ask for beside a decision.
func (f *Flows) CheckWay(ctx context.Context, company int64, no string, next *int, depts string) error {
	k, err := f.key(company, no)
	if err != nil {
		return err
	}
	flow, err := f.app.flows.Load(ctx, k)
	if err != nil {
		return noFlow(err, k)
	}
	var names []string
	for _, name := range strings.FieldsFunc(depts, func(r rune) bool { return r == ',' || r == '，' }) {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	if flow.State == nil || next == nil && len(names) == 0 {
		return nil
	}
	_, err = f.app.flows.Try(ctx, flow, approval.DoAudits{NextNodeSeq: next, TaskDeptManager: names})
	refusal, refused := errors.AsType[*approval.Refusal](err)
	if !refused {
		return err
	}
	if refusal.Code == approval.NoStoredDecision { // that is to come
		return nil
	}
	return &flowcall.Error{Code: string(refusal.Code), Message: refusal.Message, Status: refusal.Code.Status()}
}

var _ interface {
	api.Flows
	console.FlowDesk
} = (*Flows)(nil)
