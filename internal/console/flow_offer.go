package console

import (
	"cmp"
	"context"
	"slices"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/approval"
)

// ownTask is a task of the reader, with what it takes.
type ownTask struct {
	api.FlowTask
	Node    string
	Opinion approval.Opinion // whether one is needed
	Takes   []orgflow.Verdict
	Returns []nodeChoice   // besides the initiator
	Peers   []api.FlowTask // whom remove_sign may name
	Jumps   []nodeChoice   // where the flow may go on instead
	Chooses bool           // the next node asks whom this decision names
}

// Can tells whether the task takes a verdict.
func (t ownTask) Can(verdict string) bool { return slices.Contains(t.Takes, orgflow.Verdict(verdict)) }

// nodeChoice is a node to choose.
type nodeChoice struct {
	Seq  int
	Name string
}

// offer adds what the reader may do now. Where that cannot be told the page
// shows the rest.
func (c *Console) offer(ctx context.Context, p *flowPage, def *approval.Definition) {
	var err error
	if p.Choices, err = c.FlowDesk.FlowChoices(ctx, p.Company, p.No, p.User); err != nil {
		c.SignIn.Logger.WarnContext(ctx, "what may be done to a flow cannot be told", "flow", p.No, "error", err)
	}
	p.Jumps = jumpTargets(def, -1)
	if p.User == "" || p.State != orgflow.FlowRunning {
		return
	}
	for _, t := range p.Tasks {
		n, ok := def.Node(t.NodeSeq)
		if !ok || t.UserCode != p.User || t.State != orgflow.TaskActive || t.Round != p.Round {
			continue
		}
		own := ownTask{FlowTask: t, Node: n.Name, Opinion: n.Opinion, Takes: n.Verdicts(approval.TaskKind(t.Kind)), Chooses: choosesNext(def)}
		if own.Can(string(orgflow.VerdictReturn)) {
			own.Returns = p.before(t)
		}
		if own.Can(string(orgflow.VerdictRemoveSign)) {
			own.Peers = p.peers(t)
		}
		if slices.Contains(n.Allow, approval.ActionJump) && t.Kind != string(approval.TaskSide) {
			own.Jumps = jumpTargets(def, n.Seq)
		}
		p.Own = append(p.Own, own)
	}
}

// before are the nodes that people had in this round before a task.
func (p *flowPage) before(t api.FlowTask) []nodeChoice {
	var out []nodeChoice
	for _, v := range p.Nodes {
		people := v.Type == string(approval.NodeApprove) || v.Type == string(approval.NodeHandle)
		c := nodeChoice{v.NodeSeq, v.Name}
		if people && v.Round == p.Round && v.ID < t.Visit && v.State != orgflow.VisitActive && v.NodeSeq != t.NodeSeq && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// peers are the others with an open task of the same visit.
func (p *flowPage) peers(t api.FlowTask) []api.FlowTask {
	open := []orgflow.TaskState{orgflow.TaskActive, orgflow.TaskWaiting, orgflow.TaskDelegated}
	var out []api.FlowTask
	for _, o := range p.Tasks {
		if o.Visit == t.Visit && o.UserCode != t.UserCode && slices.Contains(open, o.State) {
			out = append(out, o)
		}
	}
	return out
}

// jumpTargets are the nodes that nextNodeSeq, a jump and a repair may name.
func jumpTargets(def *approval.Definition, but int) []nodeChoice {
	var out []nodeChoice
	for _, n := range def.Nodes {
		switch n.Type {
		case approval.NodeStart, approval.NodeApprove, approval.NodeHandle, approval.NodeSubflow, approval.NodeEnd:
			if n.Seq != but {
				out = append(out, nodeChoice{n.Seq, cmp.Or(n.Name, string(n.Type))})
			}
		default:
		}
	}
	return out
}

// choosesNext tells whether a definition asks people whom a decision names.
func choosesNext(def *approval.Definition) bool {
	return slices.ContainsFunc(def.Nodes, func(n approval.Node) bool {
		return slices.ContainsFunc(n.Approvers, func(a approval.Approver) bool { return a.By == approval.RulePreviousSelect })
	})
}
