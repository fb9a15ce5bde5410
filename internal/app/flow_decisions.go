package app

import (
	"context"
	"fmt"
	"slices"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/approval"
	"orgflow/internal/store"
)

// StoreDecision stores a decision as a board does. What cannot count
// whatever the flow does until it is worked on is refused: a node or an
// action that its definition does not have.
func (f *Flows) StoreDecision(ctx context.Context, d api.NewDecision) (api.FlowDecision, error) {
	k, err := f.key(d.CompanyID, d.No)
	if err != nil {
		return api.FlowDecision{}, err
	}
	flow, err := f.app.Store.LoadFlow(ctx, k)
	if err != nil {
		return api.FlowDecision{}, noFlow(err, k)
	}
	def, err := f.definition(ctx, k.CompanyID, flow.Code, flow.Version)
	if err != nil {
		return api.FlowDecision{}, err
	}
	if err := fits(def, flow.Version, d); err != nil {
		return api.FlowDecision{}, err
	}
	stored, err := f.app.Store.PutDecision(ctx, store.NewDecision{
		FlowKey: k, NodeSeq: d.NodeSeq, Task: d.TaskID, UserCode: d.UserCode, UserName: d.UserName, Verdict: d.Decision,
		TargetSeq: d.ToNodeSeq, TargetUsers: d.TargetUsers, Opinion: d.Comment, Attachments: d.Attachments, FormRev: d.FormRev,
	})
	return flowDecision(stored), noFlow(err, k)
}

// needed says which action a node must allow for a verdict.
var needed = map[orgflow.Verdict]approval.Action{
	orgflow.VerdictTransfer:   approval.ActionTransfer,
	orgflow.VerdictDelegate:   approval.ActionDelegate,
	orgflow.VerdictAddSign:    approval.ActionAddSign,
	orgflow.VerdictRemoveSign: approval.ActionRemoveSign,
	orgflow.VerdictReturn:     approval.ActionRollback,
}

// fits compares a decision with the definition its flow runs on.
func fits(def *approval.Definition, version int, d api.NewDecision) error {
	n, ok := def.Node(d.NodeSeq)
	if !ok {
		return noNode("/node_seq", def.FlowCode, version, d.NodeSeq)
	}
	if action, ok := needed[d.Decision]; ok && !slices.Contains(n.Allow, action) {
		return &orgflow.Fault{Code: api.CodeNotAllowed, Field: "/decision",
			Message: fmt.Sprintf("node %d (%s) does not allow %s", n.Seq, n.Name, action), Advice: fmt.Sprintf("its definition lists what it does: %s", allowed(n))}
	}
	if d.ToNodeSeq == nil || *d.ToNodeSeq == approval.StartSeq {
		return nil
	}
	to, ok := def.Node(*d.ToNodeSeq)
	switch {
	case !ok:
		return noNode("/to_node_seq", def.FlowCode, version, *d.ToNodeSeq)
	case to.Seq == n.Seq || to.Type != approval.NodeApprove && to.Type != approval.NodeHandle:
		return &orgflow.Fault{Code: api.CodeNodeNotJumpable, Field: "/to_node_seq",
			Message: fmt.Sprintf("node %d cannot be returned to", to.Seq), Advice: "return to an earlier node with approvers, or to the initiator (0)"}
	}
	return nil
}

func allowed(n *approval.Node) string {
	if len(n.Allow) == 0 {
		return "nothing besides deciding"
	}
	return fmt.Sprint(n.Allow)
}

func noNode(field, code string, version, seq int) error {
	return &orgflow.Fault{Code: api.CodeNodeNotFound, Field: field, Message: fmt.Sprintf("version %d of flow definition %q has no node %d", version, code, seq)}
}

// ListDecisions returns the stored decisions on a flow.
func (f *Flows) ListDecisions(ctx context.Context, company int64, no string) ([]api.FlowDecision, error) {
	k, err := f.key(company, no)
	if err != nil {
		return nil, err
	}
	list, err := f.app.Store.Audits(ctx, k)
	if err == nil && len(list) == 0 {
		err = f.exists(ctx, k)
	}
	out := make([]api.FlowDecision, len(list))
	for i, d := range list {
		out[i] = flowDecision(d)
	}
	return out, err
}

func flowDecision(d store.Decision) api.FlowDecision {
	out := api.FlowDecision{
		ID: d.ID, No: d.No, Round: d.Round, NodeSeq: d.NodeSeq, TaskID: d.Task, UserCode: d.UserCode, UserName: d.UserName, Decision: d.Verdict,
		Comment: d.Opinion, ToNodeSeq: d.TargetSeq, TargetUsers: d.TargetUsers, FormRev: d.FormRev,
		StoredAt: d.CreatedAt, Outcome: d.Outcome, AppliedAt: d.AppliedAt, Defect: d.Defect,
	}
	if len(d.Attachments) > 0 && string(d.Attachments) != "[]" {
		out.Attachments = d.Attachments
	}
	return out
}
